/** Ways of a task that runs another workflow, on the real runtime: each ends its run and answers with its id. */
import { expect } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import type { Workbench } from '../harness/documents.ts';
import { expectSettled } from './task-walk.ts';

/** One way. */
export interface ChildWalk {
  readonly title: string;
  walk(bench: Workbench): Promise<string>;
}

const INNER = { name: 'inner', tasks: [{ name: 'inside', kind: 'code', function: 'work', maxRetries: 0 }] };
const FAR = {
  name: 'far',
  config: { strategy: 'sequential' },
  tasks: ['one', 'two', 'three', 'four'].map((name) => ({ name, kind: 'code', function: 'work' })),
};
const PHASE = { name: 'phase', kind: 'subworkflow', workflow: INNER };
const SECONDS = 100;

function walk(
  title: string,
  task: object,
  go: (bench: Workbench, run: string) => Promise<void>,
  status: string,
  others: readonly object[] = [],
): ChildWalk {
  return {
    title: `${title} → ${status}`,
    async walk(bench) {
      const document = {
        config: { breadth: 2, onTaskFailure: 'continue' },
        tasks: [{ ...PHASE, ...once(task), ...task }, ...others],
      };
      const run = await bench.start(document);
      await go(bench, run);
      for (const { runId, endedAt } of await bench.fermata.runtime.list({ parent: run, limit: 10 }))
        if (endedAt === null) await bench.fermata.runtime.cancel(runId);
      await bench.settle();
      await expectSettled(bench, run);
      expect((await bench.statuses(run))['phase']).toBe(status);
      return run;
    },
  };
}

/** It is tried again where a walk says so. */
const once = (task: object): object => ('retry' in task ? {} : { maxRetries: 0 });

/** The same while the call that begins its run is under way. */
function held(title: string, task: object, go: Parameters<typeof walk>[2], status: string): ChildWalk {
  const { walk: taken, ...named } = walk(title, { ...task, dependsOn: ['first'] }, go, status, [{ name: 'first' }]);
  return { ...named, walk: taken };
}

async function control(bench: Workbench, run: string, type: string): Promise<void> {
  await bench.fermata.runtime.control(run, '/', { type, task: 'phase' });
  await bench.settle();
}

const cancel = (bench: Workbench, run: string): Promise<void> => control(bench, run, 'fermata.task.cancel');
const refused = (): FermataError => new FermataError('workflowMissing', 'gone');

/** While runs are held back, `phase` begins; then something happens to it; then its run begins, or does not. */
function meanwhile(happens: (bench: Workbench, run: string) => Promise<void>, fails?: () => Error) {
  return async (bench: Workbench, run: string): Promise<void> => {
    const release = bench.holdRuns();
    await bench.complete('first');
    await happens(bench, run);
    await release(fails?.());
  };
}

/** All that can happen to such a task. */
export const CHILD_WALKS: readonly ChildWalk[] = [
  walk('its run completes', {}, (bench) => bench.complete('inside'), 'completed'),
  walk(
    'its run says how far it is: while this one runs, waits, and is paused',
    { workflow: FAR },
    async (bench, run) => {
      await bench.advance(2);
      await bench.complete('one');
      await bench.complete('other');
      await bench.advance(2);
      await bench.complete('two');
      await control(bench, run, 'fermata.pause');
      await bench.complete('three');
      await control(bench, run, 'fermata.resume');
      await bench.complete('four');
    },
    'completed',
    [{ name: 'other' }],
  ),
  walk('its run fails', {}, (bench) => bench.fail('inside'), 'failed'),
  walk(
    'its run fails, and so another one does',
    { maxRetries: 1 },
    async (bench) => {
      await bench.fail('inside');
      await bench.advance(2);
      await bench.fail('inside');
    },
    'failed',
  ),
  walk(
    'its time is over while it backs off',
    { retry: { maxRetries: 1, initialSeconds: 1_000_000, maxSeconds: 1_000_000 }, timeoutSeconds: 1 },
    async (bench) => {
      await bench.fail('inside');
      await bench.advance(2);
    },
    'timedOut',
  ),
  walk('its time is over', { timeoutSeconds: SECONDS }, (bench) => bench.advance(SECONDS), 'timedOut'),
  walk('it is cancelled', {}, cancel, 'cancelled'),
  walk('nobody waits', { wait: false }, async () => {}, 'completed'),
  walk(
    'it is allowed to',
    { requiresApproval: true },
    async (bench, run) => {
      await bench.decide(run, 'phase', true);
      await bench.complete('inside');
    },
    'completed',
  ),
  walk(
    'its run is paused and goes on along with it, and ends meanwhile',
    {},
    async (bench, run) => {
      await control(bench, run, 'fermata.pause');
      await control(bench, run, 'fermata.resume');
      await control(bench, run, 'fermata.pause');
      await bench.complete('inside');
      await control(bench, run, 'fermata.resume').catch(() => {});
    },
    'completed',
  ),
  walk(
    'its run ends while another task is called',
    {},
    async (bench) => {
      await bench.complete('inside');
      await bench.complete('other');
    },
    'completed',
    [{ name: 'other' }],
  ),
  held(
    'its run cannot begin',
    {},
    meanwhile(async () => {}, refused),
    'failed',
  ),
  held(
    'its run cannot begin at first',
    { maxRetries: 1 },
    async (bench, run) => {
      await meanwhile(
        async () => {},
        () => new FermataError('modelUnavailable', 'not now'),
      )(bench, run);
      await bench.advance(2);
      await bench.complete('inside');
    },
    'completed',
  ),
  held(
    'it is cancelled, twice, before its run has begun',
    { timeoutSeconds: SECONDS },
    meanwhile(async (bench, run) => {
      await cancel(bench, run);
      await cancel(bench, run);
      await bench.advance(SECONDS);
    }),
    'cancelled',
  ),
  held('it is cancelled before its run could not begin', {}, meanwhile(cancel, refused), 'cancelled'),
  held(
    'its time is over before its run has begun',
    { timeoutSeconds: SECONDS },
    meanwhile((bench) => bench.advance(SECONDS)),
    'timedOut',
  ),
  held(
    'its time is over before its run could not begin',
    { timeoutSeconds: SECONDS },
    meanwhile((bench) => bench.advance(SECONDS), refused),
    'timedOut',
  ),
];
