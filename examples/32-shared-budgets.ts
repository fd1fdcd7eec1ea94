/**
 * What may be spent on a day: runs, and those that they begin, borrow from one budget. The last finds too little left, ends with what it has
 * found, and says which budget it was.
 *
 *   npx node examples/32-shared-budgets.ts
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose, effect, sqliteStore, workflow } from 'fermata';

// Stands for a provider: each answer has 100 tokens.
let asked = 0;
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    asked++;
    return { value: `${model}: ${prompt}`, usage: { inputTokens: 10, outputTokens: 100, totalTokens: 110 }, model };
  },
});

const poem = workflow('poem', { config: { prices: { openai: { '*': { input: 0, output: 10 } } } } })
  .task('write', { prompt: 'A poem on tea', maxOutputTokens: 100 })
  .build();
// Each poem costs a tenth of a cent, and its run is begun by a task of another one.
const book = workflow('book', { config: { breadth: 2, prices: { openai: { '*': { input: 0, output: 10 } } } } })
  .task('first', { kind: 'subworkflow', workflow: 'poem' })
  .task('second', { kind: 'subworkflow', workflow: 'poem' })
  .build();

// A new database: what was spent today in another one is none of this one's.
const file = join(mkdtempSync(join(tmpdir(), 'fermata-')), 'shared-budgets.db');
const fermata = await compose({
  store: sqliteStore(file),
  environment: { OPENAI_API_KEY: 'none is needed' },
  config: { budgets: { perDay: { maxCostDollars: 0.0045 } } },
  actors: { modelCall },
});
const { runtime, budgets } = fermata;
await fermata.start(poem).then(async ({ runId }) => runtime.waitFor(runId));
for (let nth = 1; nth <= 2; nth++) {
  const { runId } = await fermata.start(book);
  const { status, reason } = await runtime.waitFor(runId);
  console.log(`book ${nth}: ${status}${reason === undefined ? '' : `, ${reason.code}`}`);
}
await runtime.idle();
const [day] = await budgets.current();
console.log(`asked ${asked} times, ${(day?.settled ?? 0) / 1e9} dollars are spent, ${day?.lent} are lent`);
await fermata.close();
