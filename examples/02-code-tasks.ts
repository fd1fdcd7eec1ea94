/**
 * Code tasks: your own functions as steps of a workflow, written with the builder instead of YAML.
 *
 *   npx node examples/02-code-tasks.ts
 */
import { compose, sqliteStore, workflow, type CodeFunction } from 'fermata';

interface Line {
  readonly item: string;
  readonly cents: number;
}

/** What it throws is tried again as the task's `retry` says. */
const readLines: CodeFunction = ({ customer }, { signal, idempotencyKey, progress }) => {
  // For whatever it calls: aborted on cancel and timeout; the same key for every repeat after a crash.
  signal.throwIfAborted();
  progress(50, `asking the shop for the lines of ${String(customer)}, key of ${idempotencyKey.length} characters`);
  return [
    { item: 'tea', cents: 450 },
    { item: 'cup', cents: 1_200 },
  ] satisfies Line[];
};

const sumUp: CodeFunction = ({ lines }) => (lines as Line[]).reduce((sum, { cents }) => sum + cents, 0);

const invoice = workflow('invoice', { input: { type: 'object', properties: { customer: { type: 'string' } } } })
  .task('lines', {
    kind: 'code',
    function: 'readLines',
    // Texts are CEL expressions.
    input: { customer: 'input.customer' },
    retry: { maxRetries: 2, initialSeconds: 0.5 },
  })
  .task('total', { kind: 'code', function: 'sumUp', dependsOn: ['lines'], input: { lines: 'tasks.lines.output' } })
  .build();

const fermata = await compose({ store: sqliteStore('invoice.db'), config: { functions: { readLines, sumUp } } });
const { runtime } = fermata;
// The document is stored under its name; a changed one is a new version of it.
const { runId } = await fermata.start(invoice, { input: { customer: 'Ada' } });
for await (const item of runtime.stream(runId)) {
  if ('fact' in item) console.log(item.fact.type, item.fact.data['task'] ?? '', item.fact.data['note'] ?? '');
}
console.log(`total: ${String((await runtime.read(runId)).output)} cents`);
await fermata.close();
