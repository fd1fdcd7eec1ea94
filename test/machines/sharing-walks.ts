/** What tasks do with shared values, on the real runtime: each way is one run, of a task `shares` and others. */
import { expect } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import type { Workbench } from '../harness/documents.ts';
import type { Caller } from './task-walk.ts';

interface SharingWalk {
  readonly title: string;
  /** Answers with the id of the run, ended. */
  walk(bench: Workbench, models: () => Caller): Promise<string>;
}

const outputs = { shared: { k: 'result' } };
const work = { kind: 'code', function: 'work' };

/** A run of one task that publishes, whatever it is of. */
function publishing(
  task: object,
  happens: (bench: Workbench, run: string) => Promise<void>,
  status = 'completed',
): SharingWalk['walk'] {
  return async (bench) => {
    const run = await bench.start({ tasks: [{ name: 'shares', outputs, ...task }] });
    await happens(bench, run);
    await bench.settle();
    expect((await bench.statuses(run))['shares']).toBe(status);
    const { runtime } = bench.fermata;
    const written = await runtime.sharedValue(run, 'k');
    const { output } = await runtime.read(run);
    expect(written?.value).toEqual(status === 'completed' ? output : undefined);
    return run;
  };
}

/** A run whose task `shares` is stopped by what another one writes. */
function stopped(cancelWhen: string, value: unknown, status: string): SharingWalk['walk'] {
  return async (bench) => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [{ name: 'shares', cancelWhen }, { name: 'writes' }],
    });
    const writing = bench.call('writes').context.shared.set('k', value);
    await bench.settle();
    await writing;
    expect(bench.running).toEqual(['writes']);
    await bench.complete('writes');
    expect((await bench.statuses(run))['shares']).toBe(status);
    return run;
  };
}

const settles = async (): Promise<void> => {};
const paid = { kind: 'wait', event: { type: 'paid' }, timeoutSeconds: 10, onTimeout: 'continue' };

const refused = (): FermataError => new FermataError('workflowMissing', 'gone');
const inner = { name: 'inner', tasks: [{ name: 'inside', kind: 'code', function: 'work', maxRetries: 0 }] };
const runs = { kind: 'subworkflow', workflow: inner };

/** A run whose task `shares` runs another workflow, and is stopped while that runs, or while it is just being begun. */
function stoppedRun(cancelWhen: string, status: string, held: boolean, fails?: () => Error): SharingWalk['walk'] {
  return async (bench) => {
    const shares = { name: 'shares', ...runs, cancelWhen, ...(held ? { dependsOn: ['first'] } : {}) };
    const tasks = [{ name: 'writes' }, ...(held ? [{ name: 'first' }] : []), shares];
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks });
    const release = held ? bench.holdRuns() : async (_?: Error): Promise<void> => {};
    if (held) await bench.complete('first');
    for (let times = held ? 2 : 1; times > 0; times--) {
      const writing = bench.call('writes').context.shared.set('k', 'text');
      await bench.settle();
      await writing;
    }
    await release(fails?.());
    await bench.settle();
    expect(bench.running, 'the other run is cancelled').toEqual(['writes']);
    await bench.complete('writes');
    expect((await bench.statuses(run))['shares']).toBe(status);
    return run;
  };
}

/** Every way in which a task comes to publish, to write, and to be stopped. */
export const SHARING_WALKS: readonly SharingWalk[] = [
  { title: 'what its function gave', walk: publishing({}, (bench) => bench.complete('shares', { x: 1 })) },
  {
    title: 'what its function writes while it is called',
    walk: publishing({}, async (bench) => {
      const written = bench.call('shares').context.shared.set('other', 1);
      await bench.settle();
      expect(await written).toEqual({ revision: 1 });
      await bench.complete('shares', 2);
    }),
  },
  {
    title: 'what cannot be told, so that it fails',
    walk: publishing(
      { outputs: { shared: { k: 'result.missing' } } },
      (bench) => bench.complete('shares', { x: 1 }),
      'failed',
    ),
  },
  {
    title: 'what a model said',
    async walk(bench, models) {
      const model = models();
      const run = await bench.start({ tasks: [{ name: 'shares', ...model.task, outputs }] });
      await model.called();
      await model.answer(7);
      await bench.fermata.runtime.waitFor(run);
      expect(await bench.fermata.runtime.sharedValue(run, 'k')).toMatchObject({ value: 7, by: 'shares' });
      return run;
    },
  },
  {
    title: 'what it gave before tasks were added, which their function may add to',
    walk: publishing({ onComplete: { addTasks: 'work', join: false } }, async (bench) => {
      await bench.complete('shares', 'first');
      const written = bench.call('shares').context.shared.set('chosen', true);
      await bench.settle();
      expect(await written).toEqual({ revision: 1 });
      await bench.complete('shares', []);
    }),
  },
  { title: 'an empty map', walk: publishing({ kind: 'map', items: '[]', task: work }, settles) },
  {
    title: 'the items of a map',
    walk: publishing({ kind: 'map', items: '[1]', task: work }, (bench) => bench.complete('shares[0]', 'one')),
  },
  { title: 'what it decided', walk: publishing({ kind: 'condition', if: 'true', then: [] }, settles) },
  {
    title: 'the date for which it waited',
    walk: publishing({ kind: 'wait', seconds: 5 }, (bench) => bench.advance(6)),
  },
  {
    title: 'that its date did not come in time',
    walk: publishing({ kind: 'wait', seconds: 50, timeoutSeconds: 5, onTimeout: 'continue' }, (bench) =>
      bench.advance(6),
    ),
  },
  {
    title: 'the event for which it waited',
    walk: publishing(paid, async (bench, run) => {
      await bench.fermata.runtime.send(run, { type: 'paid', n: 1 });
    }),
  },
  { title: 'that no event came in time', walk: publishing(paid, (bench) => bench.advance(11)) },
  {
    title: 'what it gave in the run from which this one was forked',
    async walk(bench) {
      const origin = await bench.start({
        tasks: [
          { name: 'shares', outputs },
          { name: 'last', dependsOn: ['shares'] },
        ],
      });
      await bench.complete('shares', 'known');
      await bench.complete('last');
      const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits: {} });
      await bench.complete('last');
      expect(await bench.statuses(run)).toEqual({ shares: 'completed', last: 'completed' });
      expect(await bench.fermata.runtime.sharedValue(run, 'k')).toMatchObject({ value: 'known', revision: 1 });
      return run;
    },
  },
  {
    title: 'what somebody has given it in a fork',
    async walk(bench) {
      const origin = await bench.start({
        tasks: [
          { name: 'shares', outputs },
          { name: 'last', dependsOn: ['shares'] },
        ],
      });
      await bench.complete('shares', 'known');
      await bench.complete('last');
      const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits: { shares: { output: 'given' } } });
      await bench.complete('last');
      expect(await bench.fermata.runtime.sharedValue(run, 'k')).toMatchObject({ value: 'given', revision: 1 });
      return run;
    },
  },
  { title: 'what its run gave', walk: publishing(runs, (bench) => bench.complete('inside')) },
  {
    title: 'which run it has begun',
    walk: publishing({ ...runs, wait: false }, (bench) => bench.complete('inside')),
  },
  { title: 'and is stopped with its run', walk: stoppedRun('shared.k == "text"', 'cancelled', false) },
  { title: 'and fails with its run', walk: stoppedRun('shared.k > 1', 'failed', false) },
  { title: 'and is stopped while its run begins', walk: stoppedRun('shared.k == "text"', 'cancelled', true) },
  { title: 'and fails while its run begins', walk: stoppedRun('shared.k > 1', 'failed', true) },
  { title: 'and fails before its run could not begin', walk: stoppedRun('shared.k > 1', 'failed', true, refused) },
  { title: 'and is stopped by what another one writes', walk: stopped('shared.k == 1', 1, 'cancelled') },
  { title: 'and fails where that cannot be compared', walk: stopped('shared.k > 1', 'text', 'failed') },
];
