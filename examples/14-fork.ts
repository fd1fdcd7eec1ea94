/**
 * A run that failed is tried again, and one that went well is forked: what was found before is not paid for again.
 *
 *   npx node examples/14-fork.ts
 */
import { compose, fork, sqliteStore, workflow } from 'fermata';

let paid: string[] = [];
let isOpen = false;
const work = (_input: unknown, { task }: { task: string }) => {
  if (task === 'print' && !isOpen) throw new Error('The printer is out of paper.');
  paid.push(task);
  return `${task} done`;
};

const once = { retry: { maxRetries: 0 } };
const book = workflow('book')
  .task('research', { kind: 'code', function: 'work' })
  .task('pictures', { kind: 'code', function: 'work' })
  .task('text', { kind: 'code', function: 'work', input: { from: 'tasks.research.output' } })
  .task('print', { kind: 'code', function: 'work', dependsOn: ['text', 'pictures'], ...once })
  .build();

const fermata = await compose({ store: sqliteStore('book.db'), config: { functions: { work } } });
const { runtime } = fermata;
const first = await fermata.start(book);
console.log('first:', (await runtime.waitFor(first.runId)).reason?.message);

/** Starts a fork, waits for its end, and says what was paid for in it. */
async function goOn(title: string, runId: string, request: Parameters<typeof fork>[2]): Promise<string> {
  paid = [];
  const next = await fork(fermata, runId, request);
  const { status } = await runtime.waitFor(next.runId);
  console.log(`${title}: ${status}, paid for ${paid.join(', ')}`);
  return next.runId;
}

isOpen = true;
const second = await goOn('tried again', first.runId, { point: { retry: true } });

// Somebody has mended the text: it is given, and what depends on it runs anew.
const edits = { text: { output: 'a better text' } };
const third = await goOn('with a better text', second, { point: { fromTask: 'print' }, edits });

for (const { name, reused, edited } of (await fermata.api.results(third)).tasks) {
  const from = reused === undefined ? (edited ? 'given by hand' : 'run here') : 'taken over';
  console.log(`${name}: ${from}${reused?.runId === first.runId ? ' from the first run' : ''}`);
}
await fermata.close();
