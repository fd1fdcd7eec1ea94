/** Effects are called at least once, and say so (R5). */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendTo, setup } from 'xstate';
import { effect, type EffectContext, type InDoubtPolicy } from '../../src/runtime/effect.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { asker, Deferred } from './machines.ts';
import { faulty, watching } from './stores.ts';

interface Call {
  readonly key: string;
  readonly repeated: boolean;
  readonly answer: Deferred;
  readonly signal: AbortSignal;
}

/** An effect whose calls a test sees and answers. */
function callable(policy: InDoubtPolicy = 'retry') {
  const calls: Call[] = [];
  const definition = effect({
    onInDoubt: () => policy,
    run: (_input: unknown, { key, repeated, signal }: EffectContext) => {
      const answer = new Deferred();
      calls.push({ key, repeated, answer, signal });
      return answer.promise;
    },
  });
  return { calls, definition };
}

const machines = { 'asker@1': asker };

describe('around', () => {
  it('stands around every call, registered or of the machine itself, and its answer is the outcome', async () => {
    const seen: unknown[] = [];
    const under = await openRuntime({
      machines,
      actors: { call: fromPromise(async () => 'the answer') },
      async around({ src, context, run }) {
        seen.push([src, context.key.length > 0]);
        return `around ${String(await run())}`;
      },
    });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    expect(seen).toEqual([['call', true]]);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ answer: 'around the answer' });
  });
});

describe('a call hears its actor', () => {
  const machine = setup({
    types: {} as { events: { type: 'SAY'; n: number } },
    actors: { call: fromPromise<unknown>(() => Promise.reject(new Error('is provided'))) },
  }).createMachine({
    invoke: { src: 'call', id: 'call' },
    on: { SAY: { actions: sendTo('call', ({ event }) => ({ type: 'said', n: event.n })) } },
  });

  it('after the commit, in order; what came before a crash does not come again', async () => {
    const heard: unknown[][] = [];
    const call = effect({
      run: (_input: unknown, { receive }: EffectContext) => {
        const events: unknown[] = [];
        heard.push(events);
        receive((event) => events.push(event));
        return new Deferred().promise;
      },
    });
    const under = await openRuntime({ machines: { 'sayer@1': machine }, actors: { call }, leavesWork: true });
    const { runId } = await under.runtime.start('sayer');
    for (const n of [1, 2]) await under.runtime.send(runId, { type: 'SAY', n });
    await under.settle();
    const runtime = await under.crash();
    await under.settle();
    await runtime.send(runId, { type: 'SAY', n: 3 });
    await under.settle();
    const said = (n: number) => ({ type: 'said', n });
    expect(heard).toEqual([[said(1), said(2)], [said(3)]]);
  });

  it('and brings nothing down where it cannot hear', async () => {
    const deaf = (): never => {
      throw new TypeError('deaf');
    };
    const call = effect({
      run: (_input: unknown, { receive }: EffectContext) => {
        receive(deaf);
        return new Deferred().promise;
      },
    });
    const under = await openRuntime({ machines: { 'sayer@1': machine }, actors: { call }, leavesWork: true });
    const { runId } = await under.runtime.start('sayer');
    await under.runtime.send(runId, { type: 'SAY', n: 1 });
    await under.settle();
    expect((await under.runtime.read(runId)).status).toBe('running');
  });
});

describe('R5: keys', () => {
  it('a repeat after a crash has the same key and says that it is one; the fact effect_in_doubt is stated', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    const runtime = await under.crash();
    await under.settle();
    expect(calls).toHaveLength(2);
    expect(calls.map(({ repeated }) => repeated)).toEqual([false, true]);
    expect(calls[1]?.key).toBe(calls[0]?.key);
    expect(under.facts.filter(({ type }) => type === 'effect_in_doubt').map(({ data }) => data)).toEqual([
      { actor: '/', id: 'call', key: calls[0]?.key, policy: 'retry' },
    ]);
    calls[0]?.answer.resolve('of the dead process');
    calls[1]?.answer.resolve('second');
    await under.settle();
    expect((await runtime.snapshot(runId)).snapshot.context).toEqual({ answer: 'second' });
  });

  it('asked again by the machine, it is a new call with a new key', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    for (const answer of ['one', 'two']) {
      await under.runtime.send(runId, { type: 'ASK' });
      await under.settle();
      calls.at(-1)?.answer.resolve(answer);
      await under.settle();
    }
    expect(calls).toHaveLength(2);
    expect(calls[1]?.key).not.toBe(calls[0]?.key);
    expect(calls[1]?.repeated).toBe(false);
  });

  it('a committed outcome is never asked for again', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    calls[0]?.answer.resolve('once');
    await under.settle();
    await under.crash();
    await under.settle();
    expect(calls).toHaveLength(1);
  });

  it('an orderly stop aborts the call and repeats it at the next start', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.restart();
    await under.settle();
    expect(calls.map(({ signal, repeated }) => [signal.aborted, repeated])).toEqual([
      [true, false],
      [false, true],
    ]);
    calls[1]?.answer.reject(new Error('no luck'));
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'refused',
      context: { answer: { message: 'no luck' } },
    });
  });
});

describe('R5: what is in doubt is settled by its policy', () => {
  it.each(['ask', 'fail'] as const)('%s: a call that was marked fails, and is not repeated', async (policy) => {
    const { calls, definition } = callable(policy);
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    expect(calls).toHaveLength(1);
    const runtime = await under.crash();
    await under.settle();
    expect(calls).toHaveLength(1);
    expect((await runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'refused',
      context: { answer: { code: 'effectInDoubt', retry: 'never' } },
    });
    expect(under.facts.filter(({ type }) => type === 'effect_in_doubt')).toHaveLength(1);
  });

  it.each(['ask', 'fail'] as const)(
    '%s: a call that was never marked was never sent, and is simply sent',
    async (policy) => {
      const { calls, definition } = callable(policy);
      const store = faulty();
      const under = await openRuntime({ machines, actors: { call: definition }, wrap: store.wrap });
      const { runId } = await under.runtime.start('asker');
      await under.settle();
      await under.runtime.send(runId, { type: 'ASK' });
      // The mark is a commit of its own, which never comes to be.
      expect(calls).toHaveLength(0);
      await under.crash();
      await under.settle();
      expect(calls.map(({ repeated }) => repeated)).toEqual([false]);
      expect(under.facts.filter(({ type }) => type === 'effect_in_doubt')).toEqual([]);
      calls[0]?.answer.resolve('fine');
      await under.settle();
      expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('answered');
    },
  );

  it('the mark is committed before the call', async () => {
    const { calls, definition } = callable('fail');
    const store = faulty();
    const under = await openRuntime({ machines, actors: { call: definition }, wrap: store.wrap });
    const { runId } = await under.runtime.start('asker');
    await under.settle();
    await under.runtime.send(runId, { type: 'ASK' });
    const release = store.hold();
    await turnsOfTheLoop();
    expect(calls).toHaveLength(0);
    release();
    await under.settle();
    expect(calls).toHaveLength(1);
    calls[0]?.answer.resolve(1);
  });

  it('retry: an actor that understands fermata.inDoubt is told instead', async () => {
    const { calls, definition } = callable();
    const machine = setup({
      types: {} as {
        context: { told: unknown[] };
        events: { type: 'fermata.inDoubt'; key: string; policy: string; id: string };
      },
      actors: { call: fromPromise<unknown>(() => new Promise(() => {})) },
    }).createMachine({
      context: { told: [] },
      invoke: { id: 'call', src: 'call', onDone: '.end' },
      on: { 'fermata.inDoubt': { actions: assign({ told: ({ event }) => [[event.id, event.policy]] }) } },
      initial: 'on',
      states: { on: {}, end: {} },
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, actors: { call: definition } });
    const { runId } = await under.runtime.start('m');
    await under.settle();
    await under.crash();
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ told: [['call', 'retry']] });
    expect(under.facts.filter(({ type }) => type === 'effect_in_doubt')).toEqual([]);
    calls[1]?.answer.resolve(1);
    await under.settle();
  });

  it('a policy that throws is an error of the call, which the machine can handle', async () => {
    let calls = 0;
    const call = effect({
      run: async () => calls++,
      onInDoubt: () => {
        throw new RangeError('which policy?');
      },
    });
    const under = await openRuntime({ machines: { 'asker@1': asker }, actors: { call } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'refused',
      context: { answer: { message: 'which policy?' } },
    });
    expect(calls).toBe(0);
  });

  it.each(['ask', 'fail'] as const)(
    '%s: a call that found no place was never marked, and is no doubt',
    async (policy) => {
      const called: string[] = [];
      const call = effect({
        run: (_, { runId }) => {
          called.push(runId);
          return new Promise(() => {});
        },
        onInDoubt: () => policy,
      });
      const actors = { call };
      const under = await openRuntime({ machines: { 'asker@1': asker }, actors, maxInFlight: 1, leavesWork: true });
      const runs = await Promise.all([1, 2, 3].map(() => under.runtime.start('asker')));
      await Promise.all(runs.map(({ runId }) => under.runtime.send(runId, { type: 'ASK' })));
      await under.settle();
      expect(called).toHaveLength(1);
      await under.crash({ maxInFlight: 10 });
      await under.settle();
      const values = await Promise.all(
        runs.map(async ({ runId }) => (await under.runtime.snapshot(runId)).snapshot.value),
      );
      expect(
        values.filter((value) => value === 'refused'),
        'the one that was called',
      ).toHaveLength(1);
      expect(called).toHaveLength(3);
    },
  );

  it('ask: a call that is asked for while the process stops is not marked', async () => {
    const first = new Deferred();
    const called: string[] = [];
    const chain = setup({
      actors: {
        one: fromPromise<unknown, unknown>(() => Promise.reject(new RangeError('replaced'))),
        two: fromPromise<unknown, unknown>(() => Promise.reject(new RangeError('replaced'))),
      },
    }).createMachine({
      initial: 'one',
      states: {
        one: { invoke: { src: 'one', onDone: 'two' } },
        two: { invoke: { src: 'two', onDone: 'done', onError: 'refused' } },
        done: {},
        refused: {},
      },
    });
    const two = effect({
      run: async () => {
        called.push('two');
      },
      onInDoubt: () => 'fail' as const,
    });
    const under = await openRuntime({
      machines: { 'chain@1': chain },
      actors: { one: effect({ run: () => first.promise }), two },
    });
    const { runId } = await under.runtime.start('chain');
    first.resolve(1);
    await first.promise;
    await Promise.resolve();
    await under.runtime.close();
    expect(called).toEqual([]);
    await under.open();
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('done');
    expect(called).toEqual(['two']);
  });

  it('many runs: each call is repeated once', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    for (let i = 0; i < 30; i++) {
      const { runId } = await under.runtime.start('asker');
      await under.runtime.send(runId, { type: 'ASK' });
    }
    await under.settle();
    await under.crash();
    await under.settle();
    expect(calls).toHaveLength(60);
    expect(new Set(calls.map(({ key }) => key)).size).toBe(30);
    for (const { answer } of calls) answer.resolve('done');
    await under.settle();
  });
});

describe('effects under way', () => {
  it('what is left is aborted, and its late answer changes nothing', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition } });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    await under.runtime.send(runId, { type: 'LEAVE' });
    expect(calls[0]?.signal.aborted).toBe(true);
    calls[0]?.answer.resolve('late');
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'idle', context: { answer: null } });
  });

  it('asked for and taken back in one turn is never called', async () => {
    const { calls, definition } = callable();
    const machine = setup({ actors: { call: fromPromise<unknown>(() => new Promise(() => {})) } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { src: 'call' }, always: 'b' }, b: {} },
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, actors: { call: definition } });
    await under.runtime.start('m');
    await under.settle();
    expect(calls).toEqual([]);
  });

  it('only so many at once; the others wait in order', async () => {
    const { calls, definition } = callable();
    const under = await openRuntime({ machines, actors: { call: definition }, maxInFlight: 2 });
    for (let i = 0; i < 5; i++) {
      const { runId } = await under.runtime.start('asker');
      await under.runtime.send(runId, { type: 'ASK' });
    }
    await under.settle();
    expect(calls).toHaveLength(2);
    for (let i = 0; i < 5; i++) {
      calls[i]?.answer.resolve(i);
      await under.settle();
    }
    expect(calls).toHaveLength(5);
  });

  it('what a promise actor emits is a fact, and no event of the actor that asked', async () => {
    const machine = setup({
      actors: {
        call: fromPromise(async ({ emit }) => {
          emit({ type: 'HALF' });
          return 'whole';
        }),
      },
    }).createMachine({
      initial: 'calling',
      states: {
        calling: { invoke: { src: 'call', onDone: 'done' }, on: { HALF: 'wrong' } },
        wrong: {},
        done: { type: 'final' },
      },
    });
    const under = await openRuntime({ machines: { 'm@1': machine } });
    const { runId } = await under.runtime.start('m');
    expect((await under.runtime.waitFor(runId)).status).toBe('completed');
    const emitted = under.facts.filter(({ type }) => type === 'emitted').map(({ data }) => data);
    expect(emitted).toEqual([{ event: { type: 'HALF' } }]);
  });

  it('many big answers at once are committed in several groups', async () => {
    const sizes: number[] = [];
    const answer = new Deferred();
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: {
        call: effect({
          run: async (_, { runId }) => `${runId}${String(await answer.promise)}${'x'.repeat(1_000_000)}`,
        }),
      },
      wrap: watching(({ blobs }) => sizes.push(blobs.reduce((sum, { text }) => sum + text.length, 0))),
    });
    const runs = await Promise.all(Array.from({ length: 40 }, () => under.runtime.start('asker')));
    await Promise.all(runs.map(({ runId }) => under.runtime.send(runId, { type: 'ASK' })));
    answer.resolve('');
    await Promise.all(runs.map(({ runId }) => under.runtime.waitFor(runId, ({ state }) => state === 'answered')));
    expect(Math.max(...sizes)).toBeLessThan(10_000_000);
  });

  it('an effect speaks to the actor that asked (notify), and streams text (delta) that late joiners get too', async () => {
    const answer = new Deferred();
    let context: EffectContext | undefined;
    const machine = setup({
      types: {} as { context: { percent: number }; events: { type: 'PROGRESS'; percent: number } },
      actors: { call: fromPromise<unknown>(() => new Promise(() => {})) },
    }).createMachine({
      context: { percent: 0 },
      invoke: { id: 'call', src: 'call' },
      on: { PROGRESS: { actions: assign({ percent: ({ event }) => event.percent }) } },
    });
    const call = effect({
      describe: () => ({ task: 't' }),
      run: (_: unknown, given: EffectContext) => ((context = given), answer.promise),
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, actors: { call } });
    const { runId } = await under.runtime.start('m');
    await under.settle();
    context?.notify({ type: 'PROGRESS', percent: 40 });
    context?.delta('Hello ');
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ percent: 40 });
    const seen: unknown[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const item of under.runtime.stream(runId, { signal: stop.signal }))
        if ('delta' in item) seen.push([item.delta.offset, item.delta.delta, item.delta.about]);
    })();
    await turnsOfTheLoop();
    context?.delta('world');
    await turnsOfTheLoop();
    stop.abort();
    await reading;
    expect(seen).toEqual([
      [0, 'Hello ', { task: 't' }],
      [6, 'world', { task: 't' }],
    ]);
    answer.resolve('done');
    await under.settle();
    context?.notify({ type: 'PROGRESS', percent: 99 });
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ percent: 40 });
  });
});
