/**
 * Sub-workflows: a thesis runs a review for each of its chapters. Each review is a run of its own, with its own journal;
 * the thesis waits for them without holding a slot, and is cancelled, paused and resumed together with them.
 *
 *   npx node examples/11-sub-workflows.ts
 */
import { compose, sqliteStore, workflow } from 'fermata';

const review = workflow('review', { input: { type: 'object', required: ['chapter'] } })
  .task('read', { kind: 'code', function: 'read', input: { chapter: 'input.chapter' } })
  .task('judge', { kind: 'code', function: 'judge', input: { notes: 'tasks.read.output' } })
  .build();

const thesis = workflow('thesis')
  .task('reviews', {
    kind: 'map',
    items: 'input.chapters',
    // A text that is a single {{ … }} gives the value itself, whatever its type.
    task: { kind: 'subworkflow', workflow: 'review', input: { chapter: '{{ item }}' } },
  })
  .task('announce', {
    kind: 'subworkflow',
    dependsOn: ['reviews'],
    // A whole document may stand in the place of a name.
    workflow: workflow('announcement')
      .task('say', { kind: 'code', function: 'say', input: { verdicts: 'input.verdicts' } })
      .build(),
    input: { verdicts: '{{ tasks.reviews.output }}' },
  })
  .build();

const functions = {
  read: ({ chapter }: Readonly<Record<string, unknown>>) => `notes on ${String(chapter)}`,
  judge: ({ notes }: Readonly<Record<string, unknown>>) => `${String(notes)}: good`,
  say: ({ verdicts }: Readonly<Record<string, unknown>>) => (verdicts as readonly string[]).join('; '),
};

const { runtime, workflows, start, close } = await compose({ store: sqliteStore('thesis.db'), config: { functions } });
// The one that is called comes first: a workflow that nobody knows is refused.
if ((await workflows.byName(review.name)) === undefined) await workflows.create(review);
const { runId } = await start(thesis, { input: { chapters: ['tea', 'coffee'] } });

const { status, output } = await runtime.waitFor(runId);
console.log(`${status}, ${String(output)}`);
for (const child of (await runtime.list({ parent: runId, limit: 10 })).toReversed())
  console.log(`${child.parent?.task}: ${child.workflow?.name}@${child.workflow?.version} ${child.status}`);
await close();
