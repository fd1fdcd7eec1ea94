/**
 * A run that grows: what is found decides what is looked into, each finding is summed up, and the sums are put together.
 *
 *   npx node examples/09-growing.ts
 */
import { compose, sqliteStore, workflow } from 'fermata';

const research = workflow('research', { config: { breadth: 4 } })
  // When it completes, a function says which tasks join the run; `report` waits for them, too.
  .task('areas', {
    kind: 'code',
    function: 'findAreas',
    onComplete: { addTasks: 'diveInto', dynamicTaskLimit: 3 },
  })
  .task('findings', { kind: 'code', function: 'collect', dependsOn: ['areas'] })
  // The same for each item of a list; the items are tasks of their own: sums[0], sums[1], …
  .task('sums', {
    kind: 'map',
    items: 'tasks.findings.output',
    concurrency: 2,
    onItemFailure: 'collect',
    task: { kind: 'code', function: 'sumUp', input: { finding: 'item', number: 'index + 1' }, maxRetries: 0 },
    onComplete: { addTasks: 'askWhy' }, // which sees the whole list
  })
  .task('report', { kind: 'code', function: 'report', input: { sums: 'tasks.sums.output' } })
  .build();

const found: string[] = [];
const dive = (area: string) => ({ name: `dive ${area}`, kind: 'code', function: 'dive', input: { area: `"${area}"` } });
const fermata = await compose({
  store: sqliteStore('research.db'),
  config: {
    functions: {
      findAreas: () => ['radiology', 'pathology', 'astrology', 'surgery'],
      diveInto: (areas) => Object.values(areas).map(String).map(dive),
      dive: ({ area }) => void found.push(String(area)),
      collect: () => found,
      sumUp: ({ finding, number }) => {
        if (finding === 'astrology') throw new RangeError('no science');
        return `${Number(number)}. ${String(finding)}`;
      },
      askWhy: (sums) =>
        JSON.stringify(sums).includes('error') ? [{ name: 'why', kind: 'code', function: 'explain' }] : [],
      explain: () => console.log('somebody explains astrology'),
      report: ({ sums }) => (sums as unknown[]).filter((sum) => typeof sum === 'string').join(', '),
    },
  },
});
const { runId } = await fermata.start(research);
const { status, output } = await fermata.runtime.waitFor(runId);
for (const { type, data } of await fermata.runtime.journal(runId, { kind: 'fact', limit: 1_000 })) {
  const { task, warning } = data as { task?: string; warning?: string };
  if (type === 'task_added') console.log(`joined: ${task}`);
  if (warning !== undefined) console.log(warning);
}
console.log(`${status}: ${String(output)}`);
await fermata.close();
