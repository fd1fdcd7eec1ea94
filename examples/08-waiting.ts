/**
 * Waiting for the world: an invoice waits for a payment that is large enough, and reminds after a while. The run holds no
 * slot and no memory meanwhile, and keeps its dates while no process is there. Seconds stand for days here.
 *
 *   npx node examples/08-waiting.ts
 */
import { compose, sqliteStore, workflow, type Fermata } from 'fermata';

const DAY = 0.05;

const invoice = workflow('invoice')
  .task('bill', { kind: 'code', function: 'bill', input: {} })
  .task('a week', { kind: 'wait', dependsOn: ['bill'], seconds: 7 * DAY })
  .task('remind', { kind: 'code', function: 'remind', dependsOn: ['a week'], input: {} })
  .task('paid', {
    kind: 'wait',
    // Reads what the bill says, and so depends on it.
    event: { type: 'paid', filter: 'event.cents >= tasks.bill.output.cents' },
    timeoutSeconds: 600 * DAY,
    onTimeout: 'fail', // or skip: what depends on it runs; or continue: it completes with null
  })
  .task('receipt', {
    kind: 'code',
    function: 'receipt',
    dependsOn: ['remind'],
    input: { cents: 'tasks.paid.output.cents' },
  })
  .build();

const functions = {
  bill: () => ({ cents: 1650 }),
  remind: () => console.log('a reminder is sent'),
  receipt: ({ cents }: Readonly<Record<string, unknown>>) => `received ${String(cents)} cents, thank you`,
};
const start = (): Promise<Fermata> => compose({ store: sqliteStore('invoice.db'), config: { functions } });

const before = await start();
const { runId } = await before.start(invoice);
await before.runtime.waitFor(runId, ({ status }) => status === 'waiting');
await before.close();
console.log('the process has stopped; the week goes on');

const { runtime, close } = await start();
await runtime.waitFor(runId, ({ counts }) => counts['completed'] === 3);
// The HTTP API: POST /api/v1/runs/{run}/events {"type": "paid", …}, the command line: fermata send RUN paid --data '{…}'
const send = (id: string, cents: number) => runtime.send(runId, { type: 'paid', cents }, { id });
await send('payment 1', 5).catch((refusal: Error) => console.log(refusal.message.replace(runId, '…')));
// Sent twice, as webhooks are; taken once.
await Promise.all([send('payment 2', 1650), send('payment 2', 1650)]);
const { status, output } = await runtime.waitFor(runId);
console.log(`${status}, ${String(output)}`);
await close();
