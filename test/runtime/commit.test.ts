/** Groups: nothing leaves before the commit (R1), and what a failed commit leaves (R4). */
import { describe, expect, it } from 'vitest';
import { effect } from '../../src/runtime/effect.ts';
import { steadyLoop } from '../harness/clock.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { asker, bouncing, counter, Deferred, sender } from './machines.ts';
import { faulty } from './stores.ts';
import { assign, raise, sendTo, setup } from 'xstate';

const raiseToSelf = sendTo(({ self }) => self as never, { type: 'NEXT' } as never) as never;
const never = () => new Promise<never>(() => {});

describe('R1: nothing leaves before the commit', () => {
  it('no effect starts, no fact is published, no reply is sent while a commit is under way', async () => {
    const store = faulty();
    const calls: string[] = [];
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: { call: effect({ run: async (input: string) => void calls.push(input) }) },
      wrap: store.wrap,
    });
    const { runId } = await under.runtime.start('asker');
    const facts = under.facts.length;
    const release = store.hold();
    let answered = false;
    const sent = under.runtime.send(runId, { type: 'ASK' }).then(() => (answered = true));
    await turnsOfTheLoop();
    expect({ calls, answered, facts: under.facts.length }).toEqual({ calls: [], answered: false, facts });
    expect((await under.runtime.snapshot(runId)).snapshot.value, 'reads see what is committed').toBe('idle');
    release();
    await sent;
    await under.settle();
    expect(calls).toEqual(['the question']);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('answered');
  });

  it('custom actions run after the commit', async () => {
    const store = faulty();
    const done: string[] = [];
    const machine = setup({ actions: { own: () => void done.push('own') } }).createMachine({
      on: { GO: { actions: 'own' } },
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, wrap: store.wrap });
    const { runId } = await under.runtime.start('m');
    const release = store.hold();
    const sent = under.runtime.send(runId, { type: 'GO' });
    await turnsOfTheLoop();
    expect(done).toEqual([]);
    release();
    await sent;
    expect(done).toEqual(['own']);
  });
});

describe('R4: a commit that certainly changed nothing', () => {
  it('requests from outside get storeUnavailable and are gone', async () => {
    const store = faulty();
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap: store.wrap });
    const { runId } = await under.runtime.start('counter');
    store.fault = 'unchanged';
    await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({
      code: 'storeUnavailable',
      status: 503,
      retry: 'backoff',
    });
    await expect(
      Promise.race([
        under.runtime.start('counter'),
        turnsOfTheLoop()
          .then(() => under.clock.advance(300, turnsOfTheLoop))
          .then(never),
      ]),
    ).rejects.toMatchObject({ code: 'storeUnavailable' });
    store.fault = 'none';
    await under.clock.advance(1_000, turnsOfTheLoop);
    await under.runtime.send(runId, { type: 'ADD' });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 1 });
    expect(await under.runtime.list({ limit: 10 })).toHaveLength(1);
  });

  it('the log says once that commits fail, again each minute, and once that they succeed', async () => {
    const store = faulty();
    const answer = new Deferred();
    let elapsed = 0;
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: { call: effect({ run: () => answer.promise }) },
      wrap: store.wrap,
      loop: { ...steadyLoop, elapsed: () => elapsed },
    });
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 250) {
        elapsed += 250;
        await under.clock.advance(250, turnsOfTheLoop);
      }
    };
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    store.fault = 'unchanged';
    answer.resolve('42');
    await turnsOfTheLoop();
    expect(under.runtime.failingCommits).toEqual({ forMs: 0, failures: 1, error: 'The disk is full.' });
    expect(await under.runtime.healthy(), 'although the store could write').toBe(false);
    await pass(130_000);
    store.fault = 'none';
    await pass(500);
    const error = 'The disk is full.';
    const fails = 'commits fail, change nothing, and are tried again';
    expect(under.logged).toEqual([
      { message: fails, fields: { forMs: 0, failures: 1, error } },
      { message: fails, fields: { forMs: 60_000, failures: 241, error } },
      { message: fails, fields: { forMs: 120_000, failures: 481, error } },
      { message: 'commits succeed again', fields: { forMs: 130_250, failures: 521 } },
    ]);
    expect(under.runtime.failingCommits).toBeUndefined();
    expect(await under.runtime.healthy()).toBe(true);
  });

  it('says so no more once nothing of it is left to be tried, also while the next commit is under way', async () => {
    const store = faulty();
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap: store.wrap });
    const { runId } = await under.runtime.start('counter');
    store.fault = 'unchanged';
    await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'storeUnavailable' });
    await under.clock.advance(300, turnsOfTheLoop);
    store.fault = 'none';
    const release = store.hold();
    const asked = under.runtime.send(runId, { type: 'ADD' });
    await turnsOfTheLoop();
    expect(under.runtime.failingCommits).toBeUndefined();
    expect(await under.runtime.healthy()).toBe(true);
    release();
    await asked;
  });

  it('big commits that fail among small ones that fit are said once a minute; trouble that lasts, after a second', async () => {
    const store = faulty();
    let elapsed = 0;
    const under = await openRuntime({
      machines: { 'counter@1': counter },
      wrap: store.wrap,
      loop: { ...steadyLoop, elapsed: () => elapsed },
    });
    const { runId } = await under.runtime.start('counter');
    const fail = async (): Promise<void> => {
      store.fault = 'unchanged';
      await expect(under.runtime.send(runId, { type: 'ADD' })).rejects.toMatchObject({ code: 'storeUnavailable' });
      expect(under.runtime.failingCommits).toMatchObject({ error: 'The disk is full.' });
      // Nothing is left to be tried: nobody waits for it but who asks again.
      await under.clock.advance(300, turnsOfTheLoop);
      expect(under.runtime.failingCommits).toBeUndefined();
    };
    for (let round = 0; round < 4; round++) {
      await fail();
      store.fault = 'none';
      elapsed += 20_000;
      await under.runtime.send(runId, { type: 'ADD' });
    }
    const words = (): readonly string[] => under.logged.map(({ message }) => message.split(',', 1).join(''));
    expect(words()).toEqual(['commits fail', 'commits succeed again', 'commits fail', 'commits succeed again']);
    await fail();
    elapsed += 999;
    await fail();
    expect(words()).toHaveLength(4);
    elapsed += 1;
    await fail();
    expect(words().slice(4)).toEqual(['commits fail']);
  });

  it('the outcome of an effect survives and is taken again, without a second call', async () => {
    const store = faulty();
    const answer = new Deferred();
    let calls = 0;
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: { call: effect({ run: () => (calls++, answer.promise) }) },
      wrap: store.wrap,
    });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    store.fault = 'unchanged';
    answer.resolve('42');
    await turnsOfTheLoop();
    for (let i = 0; i < 3; i++) await under.clock.advance(300, turnsOfTheLoop);
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('asking');
    store.fault = 'none';
    await under.clock.advance(300, turnsOfTheLoop);
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'answered',
      context: { answer: '42' },
    });
    expect(calls).toBe(1);
    const outcomes = (await under.runtime.journal(runId)).filter(({ type }) => type === 'xstate.done.actor.call');
    expect(outcomes).toHaveLength(1);
  });

  it('a due timer survives and fires once', async () => {
    const store = faulty();
    const machine = setup({ types: {} as { context: { rang: number } } }).createMachine({
      context: { rang: 0 },
      entry: raise({ type: 'RING' }, { delay: 1_000 }),
      on: { RING: { actions: assign({ rang: ({ context }) => context.rang + 1 }) } },
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, wrap: store.wrap });
    const { runId } = await under.runtime.start('m');
    await under.settle();
    store.fault = 'unchanged';
    await under.clock.advance(2_000, turnsOfTheLoop);
    store.fault = 'none';
    await under.clock.advance(1_000, turnsOfTheLoop);
    await under.advance(10_000);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ rang: 1 });
  });

  it('a message between runs survives and arrives once', async () => {
    const store = faulty();
    const under = await openRuntime({ machines: { 'counter@1': counter, 'sender@1': sender }, wrap: store.wrap });
    const [to, from] = [await under.runtime.start('counter'), await under.runtime.start('sender')];
    const release = store.hold();
    const told = under.runtime.send(from.runId, { type: 'TELL', to: to.runId });
    await turnsOfTheLoop();
    release();
    await told;
    store.fault = 'unchanged';
    await turnsOfTheLoop();
    await under.clock.advance(600, turnsOfTheLoop);
    store.fault = 'none';
    await under.clock.advance(600, turnsOfTheLoop);
    await under.settle();
    expect((await under.runtime.snapshot(to.runId)).snapshot.context).toEqual({ count: 1 });
  });

  it('other requests that came while it failed are taken afterwards', async () => {
    const store = faulty();
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap: store.wrap });
    const { runId } = await under.runtime.start('counter');
    store.fault = 'unchanged';
    const release = store.hold();
    const first = under.runtime.send(runId, { type: 'ADD' });
    await turnsOfTheLoop(2);
    const second = under.runtime.send(runId, { type: 'ADD' });
    const results = Promise.allSettled([first, second]);
    release();
    await turnsOfTheLoop();
    store.fault = 'none';
    await under.clock.advance(600, turnsOfTheLoop);
    expect((await results).map(({ status }) => status)).toContain('rejected');
    const { count } = (await under.runtime.snapshot(runId)).snapshot.context as { count: number };
    expect(count).toBe((await results).filter(({ status }) => status === 'fulfilled').length);
  });

  it('a refused event leaves the run as it can be written', async () => {
    const answer = new Deferred();
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: { call: effect({ run: () => answer.promise }) },
    });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await expect(under.runtime.send(runId, { type: 'ASK' })).rejects.toMatchObject({
      code: 'eventNotAccepted',
      data: { accepts: ['LEAVE'] },
    });
    await under.runtime.send(runId, { type: 'LEAVE' });
    expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('idle');
  });
});

describe.each(['unknownLost', 'unknownKept'] as const)('R4: a commit whose outcome is unknown (%s)', (fault) => {
  it('answers outcomeUnknown, starts and releases nothing, and asks for the end of the process', async () => {
    const store = faulty();
    const fatal: Error[] = [];
    const calls: unknown[] = [];
    const under = await openRuntime({
      machines: { 'asker@1': asker, 'counter@1': counter },
      actors: { call: effect({ run: async (input) => void calls.push(input) }) },
      wrap: store.wrap,
      onFatal: (error) => fatal.push(error),
      leavesWork: true,
    });
    const { runId } = await under.runtime.start('asker');
    const facts = under.facts.length;
    store.fault = fault;
    const release = store.hold();
    const asked = under.runtime.send(runId, { type: 'ASK' });
    await turnsOfTheLoop(2);
    const waiting = under.runtime.start('counter');
    const answers = Promise.allSettled([asked, waiting]);
    release();
    expect(await answers).toMatchObject([
      { reason: { code: 'outcomeUnknown', status: 503 } },
      { reason: { code: 'outcomeUnknown' } },
    ]);
    await expect(under.runtime.send(runId, { type: 'ASK' })).rejects.toMatchObject({ code: 'outcomeUnknown' });
    await under.settle();
    expect({
      calls,
      facts: under.facts.length,
      fatal: fatal.map((error) => (error as { code?: string }).code),
    }).toEqual({ calls: [], facts, fatal: ['outcomeUnknown'] });

    // The next start finds out which it was.
    store.fault = 'none';
    const runtime = await under.restart({ onFatal: () => {} });
    await under.settle();
    expect((await runtime.snapshot(runId)).snapshot.value).toBe(fault === 'unknownKept' ? 'answered' : 'idle');
    expect(calls).toHaveLength(fault === 'unknownKept' ? 1 : 0);
  });
});

describe('R4: a group that is cut in the middle of a cascade', () => {
  it('goes on with what is left, and the run rests afterwards', async () => {
    const store = faulty();
    const under = await openRuntime({ machines: { 'bouncing@1': bouncing }, wrap: store.wrap });
    const { runId } = await under.runtime.start('bouncing');
    const before = store.commits;
    await under.runtime.send(runId, { type: 'SERVE' });
    await under.settle();
    expect(store.commits - before, 'more than one group').toBeGreaterThan(1);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ heard: 2_500 });
    expect((await under.runtime.read(runId)).status).toBe('waiting');
  });

  it('is taken up from its row after a crash in between, and loses and repeats nothing', async () => {
    const under = await openRuntime({ machines: { 'bouncing@1': bouncing } });
    const { runId } = await under.runtime.start('bouncing');
    await under.runtime.send(runId, { type: 'SERVE' });
    const { heard } = (await under.runtime.snapshot(runId)).snapshot.context as { heard: number };
    expect(heard, 'the first group is committed, the second is not').toBeLessThan(2_500);
    const runtime = await under.crash();
    await under.settle();
    expect((await runtime.snapshot(runId)).snapshot.context).toEqual({ heard: 2_500 });
    const pongs = (await runtime.journal(runId, { limit: 10_000 }))
      .filter(({ type }) => type === 'PONG')
      .map(({ data }) => (data as { n: number }).n);
    expect(pongs).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 1));
    expect((await runtime.read(runId)).status).toBe('waiting');
  });

  it('keeps what the rest of the cascade only asks for: a timer, an effect, a message', async () => {
    // The last turn of the first group is the 2,000th: all its actions are left for the second.
    const done: unknown[] = [];
    const machine = (last: number) =>
      setup({
        types: {} as { context: { n: number }; events: { type: 'GO' } | { type: 'NEXT' } | { type: 'RING' } },
        actors: { call: asker.implementations.actors['call'] as never },
        actions: { 'fermata.send': (_, _params: { to: { run: string }; event: { type: string } }) => {} },
      }).createMachine({
        context: { n: 0 },
        initial: 'on',
        states: {
          on: {
            on: {
              GO: { actions: raiseToSelf },
              NEXT: [
                { guard: ({ context }) => context.n >= last, target: 'off' },
                { actions: [assign({ n: ({ context }) => context.n + 1 }), raiseToSelf] },
              ],
            },
          },
          off: {
            entry: [
              { type: 'fermata.send', params: { to: { run: 'run-1' }, event: { type: 'ADD' } } },
              raise({ type: 'RING' }, { delay: 500 }),
            ],
            invoke: { id: 'call', src: 'call', input: 'late' } as never,
            on: { RING: 'rung' },
          },
          rung: {},
        },
      });
    const lasts = [1_996, 1_997, 1_998, 1_999, 2_000];
    const under = await openRuntime({
      machines: { 'counter@1': counter, ...Object.fromEntries(lasts.map((last) => [`m${last}@1`, machine(last)])) },
      actors: { call: effect({ run: async (input) => void done.push(input) }) },
    });
    const { runId: told } = await under.runtime.start('counter');
    for (const last of lasts) {
      const { runId } = await under.runtime.start(`m${last}`);
      await under.runtime.send(runId, { type: 'GO' });
      await under.restart();
      await under.advance(500);
      expect((await under.runtime.snapshot(runId)).snapshot.value, `after ${last} turns`).toBe('rung');
    }
    expect(done).toEqual(lasts.map(() => 'late'));
    expect((await under.runtime.snapshot(told)).snapshot.context).toEqual({ count: lasts.length });
  });
});
