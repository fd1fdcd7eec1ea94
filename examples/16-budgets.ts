/**
 * What a run may cost: it ends on its budget with what it has found, and a retry with a higher one goes on from there.
 *
 *   npx node examples/16-budgets.ts
 */
import { compose, effect, fork, sqliteStore, workflow } from 'fermata';

// Stands for a provider: each answer has 100 tokens.
let asked = 0;
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    asked++;
    const usage = { inputTokens: 10, outputTokens: 100, totalTokens: 110 };
    return { value: `${model}: ${prompt}`, usage, model };
  },
});

// A cent for a thousand tokens of an answer: each of these can cost a tenth of a cent.
const poems = workflow('poems', {
  config: {
    breadth: 5,
    prices: { openai: { '*': { input: 0, output: 10 } } },
    budget: { maxCostDollars: 0.0035, warnAtDollars: 0.002 },
  },
})
  .task('each', {
    kind: 'map',
    items: '["tea", "rain", "rust", "salt", "snow"]',
    task: { prompt: 'A poem on {{ item }}', maxOutputTokens: 100 },
  })
  .build();

const fermata = await compose({
  store: sqliteStore('budgets.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
  actors: { modelCall },
});
const { runtime } = fermata;
const { runId } = await fermata.start(poems);
const first = await runtime.waitFor(runId);
console.log(`${first.status}: ${first.reason?.message}`);
console.log(`asked ${asked} times`);

const budget = { maxCostDollars: 0.005 };
const again = await fork(fermata, runId, { point: { retry: true }, config: { budget } });
const { status } = await runtime.waitFor(again.runId);
console.log(`tried again with more: ${status}, asked ${asked} times in all`);
await fermata.close();
