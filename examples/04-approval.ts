/**
 * Approval gates: the run waits for a person, for as long as it takes and through restarts. Meanwhile it holds no slot
 * and no memory. This example decides by itself, after a restart.
 *
 *   npx node examples/04-approval.ts
 */
import { compose, sqliteStore, workflow, type Fermata } from 'fermata';

const travel = workflow('travel')
  .task('search', { kind: 'code', function: 'search', input: {} })
  .task('book', {
    kind: 'code',
    function: 'book',
    input: { hotel: 'tasks.search.output' },
    requiresApproval: true,
    approvalPrompt: 'Book {{ tasks.search.output }}?',
    approvalTimeoutSeconds: 86_400,
    onReject: 'cancel',
  })
  .build();

const start = (): Promise<Fermata> =>
  compose({
    store: sqliteStore('travel.db'),
    config: { functions: { search: () => 'Hotel Fermata', book: ({ hotel }) => `booked: ${String(hotel)}` } },
  });

const before = await start();
const { runId } = await before.start(travel);
await before.runtime.waitFor(runId, ({ status }) => status === 'waiting');
await before.close();
console.log('the process has stopped; the question stays');

const after = await start();
for (const { runId: asking, task, prompt } of (await after.api.approvals({ status: 'pending' })).items) {
  console.log(`asked: ${prompt}`);
  // The HTTP API: POST /api/v1/runs/{id}/tasks/{task}/approve, the command line: fermata approve RUN TASK
  await after.api.approve(asking, task, { approved: true, by: 'Ada' });
}
const { status, output } = await after.runtime.waitFor(runId);
console.log(`${status}, ${String(output)}`);
await after.close();
