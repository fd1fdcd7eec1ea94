/** Runs that other runs began: whoever waits is told how one ends, whether or not a machine was asked about it (R8). */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import type { RunParent } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { faulty } from './stores.ts';

/** Hears how the runs end that it waits for; throws when it is told to. */
const waiter = setup({ types: {} as { context: { heard: readonly unknown[] } } }).createMachine({
  context: { heard: [] },
  on: {
    'fermata.childEnded': { actions: assign({ heard: ({ context, event }) => [...context.heard, event] }) },
    THROW: {
      actions: assign(() => {
        throw new Error('broken');
      }),
    },
  },
});
const worker = setup({ types: {} as { input: object } }).createMachine({
  initial: 'working',
  states: {
    working: { on: { END: 'done', 'fermata.cancel': 'cancelled' } },
    done: { type: 'final' },
    cancelled: { type: 'final' },
  },
  on: {
    THROW: {
      actions: assign(() => {
        throw new Error('broken');
      }),
    },
  },
  output: () => ({ value: 42 }),
});
/** It knows nothing of being cancelled: it is stopped. */
const stubborn = setup({}).createMachine({ initial: 'working', states: { working: {} } });

const machines = { 'waiter@1': waiter, 'worker@1': worker, 'stubborn@1': stubborn };
const parentOf = (run: string, more: Partial<RunParent> = {}): RunParent => ({
  run,
  task: 'phase',
  attempt: 1,
  depth: 1,
  awaited: true,
  ...more,
});

type Opened = Awaited<ReturnType<typeof open>>;

async function open(wrap: (store: Store) => Store = (store) => store) {
  const under = await openRuntime({ machines, wrap });
  const { runId: upper } = await under.runtime.start('waiter');
  return {
    under,
    upper,
    begin: async (machine = 'worker', more: Partial<RunParent> = {}) =>
      (await under.runtime.start(machine, { input: {}, parent: parentOf(upper, more) })).runId,
    heard: async () => {
      const { snapshot } = await under.runtime.snapshot(upper);
      return (snapshot.context as { heard: readonly object[] }).heard;
    },
  };
}

describe('R8: a run that another one waits for', () => {
  it('tells it how it ended, once, over a crash', async () => {
    const { under, begin, heard } = await open();
    const run = await begin();
    await under.runtime.send(run, { type: 'END' });
    await under.crash();
    await under.settle();
    expect(await heard()).toEqual([
      {
        type: 'fermata.childEnded',
        task: 'phase',
        attempt: 1,
        runId: run,
        status: 'completed',
        output: { value: 42 },
        counts: {},
      },
    ]);
  });

  it('tells it also where its machine throws, and where it is stopped without being asked', async () => {
    const { under, begin, heard } = await open();
    await under.runtime.send(await begin(), { type: 'THROW' });
    await under.runtime.cancel(await begin('stubborn', { attempt: 2 }), 'enough');
    await under.settle();
    expect(await heard()).toMatchObject([
      { attempt: 1, status: 'failed', reason: { message: 'broken' } },
      { attempt: 2, status: 'cancelled', reason: { message: 'enough' } },
    ]);
  });

  it('tells nothing where nobody waits', async () => {
    const { under, begin, heard } = await open();
    await under.runtime.send(await begin('worker', { awaited: false }), { type: 'END' });
    await under.settle();
    expect(await heard()).toEqual([]);
  });

  it.each(['breaks', 'is stopped'])(
    'is cancelled where the one that waits %s, and its machine is not asked',
    async (how) => {
      const { under, upper, begin } = await open();
      const [awaited, alone] = [await begin(), await begin('worker', { awaited: false })];
      if (how === 'breaks') await under.runtime.send(upper, { type: 'THROW' });
      else await under.runtime.cancel(upper);
      await under.settle();
      expect((await under.runtime.snapshot(awaited)).snapshot.value).toBe('cancelled');
      expect((await under.runtime.read(alone)).endedAt).toBeNull();
      await under.runtime.cancel(alone);
    },
  );

  describe('does not go on for nobody where the one that begins it ends', () => {
    const ends = {
      breaks: ({ under, upper }: Opened) => under.runtime.send(upper, { type: 'THROW' }),
      'is stopped': ({ under, upper }: Opened) => under.runtime.cancel(upper),
    };
    const live = async ({ under, upper }: Opened): Promise<readonly unknown[]> => {
      await under.settle();
      return (await under.runtime.list({ parent: upper, limit: 10 })).filter(({ endedAt }) => endedAt === null);
    };

    it.each(['breaks', 'is stopped'] as const)('before: the one above %s', async (how) => {
      const opened = await open();
      await ends[how](opened);
      for (const awaited of [true, false]) {
        const refused = opened.begin('worker', { awaited });
        await expect(refused).rejects.toMatchObject({
          code: 'runEnded',
          data: { runStatus: expect.any(String) as string },
        });
      }
      expect(await opened.under.runtime.list({ parent: opened.upper, limit: 10 })).toEqual([]);
    });

    it('before, and has been deleted', async () => {
      const opened = await open();
      await opened.under.runtime.cancel(opened.upper);
      await opened.under.runtime.delete(opened.upper);
      await expect(opened.begin()).rejects.toMatchObject({ code: 'notFound' });
    });

    it.each(['breaks', 'is stopped'] as const)('in the same commit, just before: the one above %s', async (how) => {
      const opened = await open();
      const [, begun] = await Promise.allSettled([ends[how](opened), opened.begin()]);
      expect(begun).toMatchObject({ status: 'rejected', reason: { code: 'runEnded' } });
      expect(await live(opened)).toEqual([]);
    });

    it.each(['breaks', 'is stopped'] as const)('in the same commit, just after: the one above %s', async (how) => {
      const opened = await open();
      const [begun] = await Promise.allSettled([opened.begin(), ends[how](opened)]);
      expect(begun.status).toBe('fulfilled');
      expect(await live(opened)).toEqual([]);
    });

    it('while its end is being written, and then is not', async () => {
      const store = faulty();
      const opened = await open(store.wrap);
      const release = store.hold();
      const ended = ends.breaks(opened);
      await turnsOfTheLoop();
      const begun = opened.begin();
      store.fault = 'unchanged';
      release();
      await expect(ended).rejects.toMatchObject({ code: 'storeUnavailable' });
      store.fault = 'none';
      await opened.under.clock.advance(1_000, turnsOfTheLoop);
      expect(await live(opened)).toHaveLength(1);
      await opened.under.runtime.cancel(await begun);
    });
  });

  it('is listed under the one that began it, and says who that is', async () => {
    const { under, upper, begin } = await open();
    const [one, two] = [await begin(), await begin('worker', { attempt: 2, depth: 3, awaited: false })];
    await under.runtime.start('worker', { input: {} });
    const children = await under.runtime.list({ parent: upper, limit: 10 });
    expect(children.map(({ runId, parent }) => [runId, parent?.attempt])).toEqual([
      [two, 2],
      [one, 1],
    ]);
    expect(await under.runtime.list({ parent: upper, status: 'completed', limit: 10 })).toEqual([]);
    expect(await under.runtime.parentOf(two)).toEqual(parentOf(upper, { attempt: 2, depth: 3, awaited: false }));
    expect(await under.runtime.parentOf(upper)).toBeUndefined();
    for (const run of [one, two]) await under.runtime.cancel(run);
  });

  it('can be deleted once it has ended, and so can the one that waited: the others stay', async () => {
    const { under, upper, begin, heard } = await open();
    const run = await begin();
    await under.runtime.send(run, { type: 'END' });
    await under.settle();
    await under.runtime.delete(run);
    expect(await heard()).toHaveLength(1);
    const other = await begin('worker', { awaited: false, attempt: 2 });
    await under.runtime.cancel(upper);
    await under.runtime.delete(upper);
    expect((await under.runtime.read(other)).parent?.run).toBe(upper);
    await under.runtime.cancel(other);
  });
});

it('a run that cannot go on keeps one word of the progress of each run that it waits for', async () => {
  const stepper = setup({ actions: { 'fermata.fact': (_, _params: { readonly type: string }) => {} } }).createMachine({
    on: { STEP: { actions: { type: 'fermata.fact', params: { type: 'stepped' } } } },
  });
  const steps = { facts: ['stepped'], project: () => ({ counts: { steps: 1 } }) };
  const registered = { machine: stepper, progress: ({ steps: taken = 0 }) => taken };
  let store: Store | undefined;
  const under = await openRuntime({
    machines: { 'waiter@1': waiter, 'stepper@1': registered },
    projections: [steps],
    wrap: (given) => (store = given),
  });
  const { runId: upper } = await under.runtime.start('waiter');
  const { runId } = await under.runtime.start('stepper', { parent: parentOf(upper) });
  await under.restart({ machines: { 'stepper@1': registered } });
  for (let step = 0; step < 5; step++) {
    await under.advance(1_000);
    await under.runtime.send(runId, { type: 'STEP' });
  }
  await under.settle();
  const kept = await store?.messages(100);
  expect(kept?.map(({ eventJson }) => (JSON.parse(eventJson) as { progress: number }).progress)).toEqual([5]);
  await under.runtime.cancel(runId);
});
