/** What is blamed for a death of the process, and for how long. Deaths here are stores that vanish; real ones: test/crash/poison.test.ts. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { FermataError } from '../../src/errors.ts';
import { effect, type EffectContext } from '../../src/runtime/effect.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { openRuntime, turnsOfTheLoop, type RuntimeSetup, type RuntimeUnderTest } from '../harness/runtime.ts';
import { begin, group, NOON, runKey } from '../store/contract/rows.ts';
import { asker, bouncing, counter, Deferred, sender } from './machines.ts';
import { asynchronous, faulty } from './stores.ts';

interface Call {
  readonly run: string;
  readonly answer: Deferred;
}

/** An effect whose calls the test answers. */
function answered(remote: boolean) {
  const calls: Call[] = [];
  const run = async (_: unknown, { runId }: EffectContext): Promise<unknown> => {
    const answer = new Deferred();
    calls.push({ run: runId, answer });
    return answer.promise;
  };
  return { definition: effect({ run, remote }), calls };
}

/** Calls as soon as it begins. */
const calling = setup({ actors: { far: fromPromise<unknown>(() => Promise.resolve()) } }).createMachine({
  initial: 'calling',
  states: { calling: { invoke: { id: 'far', src: 'far', onDone: 'called' } }, called: { type: 'final' } },
});

/** Runs that each wait for a call, and the calls of the process that is there now. */
async function asking(count: number, setup: Partial<RuntimeSetup> = {}, remote = false) {
  const { definition, calls } = answered(remote);
  const machines = { 'asker@1': asker, 'counter@1': counter };
  const under = await openRuntime({ machines, actors: { call: definition }, leavesWork: true, ...setup });
  for (let i = 0; i < count; i++) await ask(under);
  await under.settle();
  return {
    under,
    calls,
    /** Which runs are called, from now on. */
    async called(): Promise<string[]> {
      await under.settle();
      return calls.map(({ run }) => run);
    },
    async die(): Promise<void> {
      calls.length = 0;
      await under.crash();
      await under.settle();
    },
    async answer(run: string): Promise<void> {
      calls.find((call) => call.run === run)?.answer.resolve('fine');
      await under.settle();
    },
  };
}

async function ask({ runtime }: RuntimeUnderTest): Promise<string> {
  const { runId } = await runtime.start('asker');
  await runtime.send(runId, { type: 'ASK' });
  return runId;
}

async function valueOf({ runtime }: RuntimeUnderTest, run: string): Promise<unknown> {
  return (await runtime.snapshot(run)).snapshot.value;
}

async function inLine({ runtime }: RuntimeUnderTest, run: string): Promise<boolean | undefined> {
  return (await runtime.why(run)).actors[0]?.effects[0]?.inLine;
}

function quarantined({ runtime }: RuntimeUnderTest): string[] {
  return ['run-1', 'run-2', 'run-3', 'run-4'].filter((run) => runtime.isQuarantined(run));
}

describe('an effect that runs in the process', () => {
  it('is called at once after one death, alone after two, and no more after the third', async () => {
    const { under, die, called, answer } = await asking(3);
    await die();
    expect(await called(), 'a first death makes nobody slow').toEqual(['run-1', 'run-2', 'run-3']);
    await die();
    expect(await called(), 'one at a time').toEqual(['run-1']);
    expect(await inLine(under, 'run-1')).toBe(false);
    expect(await inLine(under, 'run-2'), 'and says so').toBe(true);
    const fresh = await ask(under);
    expect(await called(), 'what is new goes on beside it').toEqual(['run-1', fresh]);
    await answer('run-1');
    expect(await called()).toEqual(['run-1', fresh, 'run-2']);
    await answer(fresh);
    await die();
    expect(quarantined(under), 'only the one that ran').toEqual(['run-2']);
    expect(await called(), 'the one behind it was not blamed').toEqual(['run-3']);
    await answer('run-3');
    expect(await valueOf(under, 'run-3')).toBe('answered');
    await expect(under.runtime.send('run-2', { type: 'LEAVE' })).rejects.toMatchObject({
      code: 'quarantined',
      message: expect.stringMatching(
        /^Run run-2 is quarantined: the process died 3 times while the effect "call"/,
      ) as string,
    });
    expect((await under.runtime.why('run-2')).blocked).toMatchObject({ code: 'quarantined' });
    expect(await under.runtime.read('run-2')).toMatchObject({ status: 'running' });
  });

  it('is the same on a store that answers later', async () => {
    const { under, die, called, answer } = await asking(2, { wrap: asynchronous });
    await die();
    await die();
    expect(await called()).toEqual(['run-1']);
    await die();
    expect(quarantined(under)).toEqual(['run-1']);
    expect(await called()).toEqual(['run-2']);
    await answer('run-2');
    expect(await valueOf(under, 'run-2')).toBe('answered');
  });

  it('is not suspected any more once it has an outcome', async () => {
    const { under, die, called, answer } = await asking(1);
    for (let round = 1; round <= 4; round++) {
      await die();
      await die();
      expect(await called()).toEqual(['run-1']);
      await answer('run-1');
      expect(await valueOf(under, 'run-1')).toBe('answered');
      await under.runtime.send('run-1', { type: 'ASK' });
    }
    expect(quarantined(under)).toEqual([]);
  });

  it('makes way in the line where its run is cancelled', async () => {
    const { under, die, called } = await asking(3);
    await die();
    await die();
    await under.runtime.cancel('run-2');
    await under.runtime.cancel('run-1');
    expect(await called()).toEqual(['run-1', 'run-3']);
  });

  it('keeps no place from others while it waits in its line', async () => {
    const near = answered(false);
    const far = answered(true);
    const under = await openRuntime({
      machines: { 'asker@1': asker, 'calling@1': calling },
      actors: { call: near.definition, far: far.definition },
      leavesWork: true,
    });
    const distant = [await under.runtime.start('calling'), await under.runtime.start('calling')];
    const suspects = [await ask(under), await ask(under)];
    await under.settle();
    await under.crash();
    await under.settle();
    for (const { calls } of [near, far]) calls.length = 0;
    await under.crash({ maxInFlight: 2 });
    // A start serves beside what it recovers: who asks at once may come first.
    await under.settle();
    const fresh = await ask(under);
    await under.settle();
    expect(
      far.calls.map(({ run }) => run),
      'both places are taken',
    ).toEqual(distant.map(({ runId }) => runId));
    expect(near.calls).toEqual([]);
    for (const { answer } of far.calls) answer.resolve('fine');
    await under.settle();
    expect(near.calls.map(({ run }) => run)).toEqual([fresh, suspects[0]]);
  });

  it('is not blamed for orderly stops, however many', async () => {
    const { under, calls, called, die } = await asking(2);
    await die();
    await die();
    for (let stop = 1; stop <= 5; stop++) {
      calls.length = 0;
      await under.restart();
      expect(await called(), 'still one at a time').toEqual(['run-1']);
    }
    expect(quarantined(under)).toEqual([]);
  });

  it('is never blamed where another machine does it', async () => {
    const { under, die, called, answer } = await asking(2, {}, true);
    for (let death = 1; death <= 20; death++) {
      await die();
      expect(await called()).toEqual(['run-1', 'run-2']);
    }
    await answer('run-1');
    expect(await valueOf(under, 'run-1')).toBe('answered');
  });

  it('that takes long lets the next one begin after a minute; a death is then the newest one’s', async () => {
    const { under, die, called, answer } = await asking(2);
    await die();
    await die();
    await under.advance(59_000);
    expect(await called()).toEqual(['run-1']);
    await under.advance(2_000);
    expect(await called()).toEqual(['run-1', 'run-2']);
    await die();
    expect(quarantined(under)).toEqual(['run-2']);
    expect(await called()).toEqual(['run-1']);
    await answer('run-1');
    expect(await valueOf(under, 'run-1')).toBe('answered');
  });

  it('that runs alone is not blamed for what the mark says, until that has happened three times', async () => {
    const { under, die, called } = await asking(1);
    const other = await under.runtime.start('counter');
    await die();
    await die();
    for (const n of [1, 2]) {
      leaveMark(under, other.runId, `event/${n}`);
      await die();
      expect(quarantined(under), `alone ${n} times, beside what killed`).toEqual([]);
      expect(await called()).toEqual(['run-1']);
    }
    leaveMark(under, other.runId, 'event/3');
    await die();
    expect(quarantined(under)).toEqual(['run-1']);
  });
});

/** As if the process were at something. */
function leaveMark({ file }: RuntimeUnderTest, run: string, key: string): void {
  writeFileSync(`${file}.deciding`, `${JSON.stringify({ tenant: 'default', run, key, what: 'while it tested' })}\n`);
}

describe('an input that was part of a death', () => {
  it('is decided in a commit of its own until it has been taken', async () => {
    const store = faulty();
    const marks: string[] = [];
    const wrap = (given: Store): Store => ({
      ...store.wrap(given),
      deciding(mark) {
        if (mark !== undefined) marks.push(mark.key);
        given.deciding(mark);
      },
    });
    const under = await openRuntime({ machines: { 'counter@1': counter }, wrap });
    const { runId } = await under.runtime.start('counter');
    const commitsOf = async (numbers: readonly number[]): Promise<number> => {
      const before = store.commits;
      await Promise.all(numbers.map((n) => under.runtime.send(runId, { type: 'ADD', n })));
      return store.commits - before;
    };
    expect(await commitsOf([1, 2, 3]), 'together').toBe(1);
    const [, second = ''] = marks.filter((key) => key.startsWith('event/'));
    leaveMark(under, runId, second);
    await under.crash();
    expect(await commitsOf([1, 2, 3]), 'the second by itself').toBe(3);
    expect(await commitsOf([1, 2, 3]), 'together again').toBe(1);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 9 });
  });
});

describe('the evidence of a death', () => {
  it('stays where a process only looks, and that process knows what is quarantined', async () => {
    const { under, die, called, calls } = await asking(1);
    await die();
    await die();
    calls.length = 0;
    await under.crash({ passive: true });
    expect(quarantined(under), 'not yet counted').toEqual([]);
    await under.restart({ passive: false });
    expect(quarantined(under), 'counted by the process that works').toEqual(['run-1']);
    await under.restart({ passive: true });
    expect(quarantined(under)).toEqual(['run-1']);
    expect(await under.runtime.cancel('run-1')).toMatchObject({ state: { status: 'cancelled' } });
    await under.restart({ passive: false });
    expect(await called()).toEqual([]);
    expect(quarantined(under)).toEqual([]);
  });

  it('is forgotten with the run', async () => {
    const { under, die } = await asking(1);
    for (let death = 1; death <= 3; death++) await die();
    await under.runtime.delete('run-1');
    expect(quarantined(under)).toEqual([]);
    await expect(under.runtime.release('run-1')).rejects.toMatchObject({ code: 'notFound' });
  });
});

/** Waits for a timer and a message. */
const waiting = setup({
  types: {} as { context: { heard: string[] }; events: { type: 'ADD' } },
  delays: { late: 1_000 },
}).createMachine({
  context: { heard: [] },
  initial: 'on',
  on: { ADD: { actions: assign({ heard: ({ context }) => [...context.heard, 'message'] }) } },
  states: { on: { after: { late: { actions: assign({ heard: ({ context }) => [...context.heard, 'timer'] }) } } } },
});

describe('a released run', () => {
  it('takes the timers and messages that it did not take before', async () => {
    const machines = { 'waiting@1': waiting, 'sender@1': sender };
    const under = await openRuntime({ machines });
    const { runId } = await under.runtime.start('waiting');
    const from = await under.runtime.start('sender');
    for (let death = 1; death <= 3; death++) {
      leaveMark(under, runId, 'event/x');
      await under.crash();
    }
    await under.runtime.send(from.runId, { type: 'TELL', to: runId });
    await under.advance(5_000);
    const before = (await under.runtime.snapshot(runId)).snapshot.context;
    expect(before, 'nothing moves it').toEqual({ heard: [] });
    await under.runtime.release(runId);
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ heard: ['message', 'timer'] });
    await under.restart();
    expect(under.runtime.isQuarantined(runId)).toBe(false);
  });

  it('calls again what was cut off, with a fresh count', async () => {
    const { under, die, called, answer, calls } = await asking(1);
    for (let death = 1; death <= 3; death++) await die();
    expect(await called()).toEqual([]);
    await under.runtime.release('run-1');
    expect(await called()).toEqual(['run-1']);
    await die();
    expect(await called()).toEqual(['run-1']);
    expect(calls).toHaveLength(1);
    await answer('run-1');
    expect(await valueOf(under, 'run-1')).toBe('answered');
  });

  it('stays quarantined where its calls cannot be read, so that it can be released again', async () => {
    let fails = false;
    const wrap = (store: Store): Store => ({
      ...store,
      effectsOf: (key) =>
        fails ? Promise.reject(new FermataError('storeUnavailable', 'The disk is away.')) : store.effectsOf(key),
    });
    const { under, die, called } = await asking(1, { wrap });
    for (let death = 1; death <= 3; death++) await die();
    expect(await called()).toEqual([]);
    fails = true;
    await expect(under.runtime.release('run-1')).rejects.toMatchObject({ code: 'storeUnavailable' });
    expect(quarantined(under)).toEqual(['run-1']);
    fails = false;
    await under.runtime.release('run-1');
    expect(await called()).toEqual(['run-1']);
  });
});

describe('a run in the middle of a cascade', () => {
  it('is cancelled without going on with it, once it is quarantined', async () => {
    const store = faulty();
    const machines = { 'bouncing@1': bouncing };
    const under = await openRuntime({ machines, wrap: store.wrap });
    const { runId } = await under.runtime.start('bouncing');
    const first = store.hold();
    const sent = under.runtime.send(runId, { type: 'SERVE' });
    await turnsOfTheLoop();
    // The first group of the cascade is written; none after it.
    first();
    const release = store.hold();
    await sent;
    for (let death = 1; death <= 3; death++) {
      await turnsOfTheLoop();
      leaveMark(under, runId, 'goOn/x');
      await under.crash();
    }
    release();
    const { seq } = await under.runtime.read(runId);
    store.fault = 'unchanged';
    await expect(under.runtime.cancel(runId)).rejects.toMatchObject({ code: 'storeUnavailable' });
    store.fault = 'none';
    await under.clock.advance(60_000, () => turnsOfTheLoop());
    expect(await under.runtime.read(runId), 'nothing moves').toMatchObject({ seq });
    await under.runtime.cancel(runId);
    const entries = await under.runtime.journal(runId, { after: seq });
    expect(entries.map(({ type }) => type)).toEqual(['fermata.cancel', 'xstate.stop', 'run_cancelled']);
    await under.restart();
    expect(await under.runtime.read(runId)).toMatchObject({ status: 'cancelled' });
  });
});

describe('a start with 100 quarantined runs and 10,000 unfinished ones', () => {
  it('reads none of them before it serves, in under two seconds', async () => {
    const { under } = await asking(1, { maxInFlight: 10 });
    const store = sqliteStore(under.file);
    await under.runtime.close();
    await store.open();
    const [run, root, [open]] = [
      await store.run(runKey('run-1')),
      await store.actor(runKey('run-1'), '/'),
      await store.effectsOf(runKey('run-1')),
    ];
    expect([run, root, open]).not.toContain(undefined);
    if (run === undefined || root === undefined || open === undefined) return;
    const keys = Array.from({ length: 10_100 }, (_, n) => runKey(`copy-${n}`));
    const copies = keys.map((key) =>
      begin(key, { state: run, actors: [root], effectsAsked: [{ ...open, ...key }] }, { ...run, ...key }),
    );
    await store.commit(group(copies));
    const row = { key: 'event/x', what: 'while it tested', count: 3, at: NOON, aloneSince: null, quarantinedAt: NOON };
    await store.putSuspects(keys.slice(0, 100).map((key) => ({ ...key, ...row })));
    await store.close();
    writeFileSync(`${under.file}.deciding`, '\n');
    const read: string[] = [];
    const from = performance.now();
    await under.open({
      wrap: (given) => ({
        ...given,
        run: (key) => {
          read.push(key.run);
          return given.run(key);
        },
      }),
    });
    const elapsed = performance.now() - from;
    expect(read).toEqual([]);
    expect(elapsed, 'milliseconds until it serves').toBeLessThan(5_000);
    await expect(under.runtime.send('copy-99', { type: 'LEAVE' })).rejects.toMatchObject({ code: 'quarantined' });
    await under.runtime.send('copy-100', { type: 'LEAVE' });
    // Nobody waits for the 10,000 here.
    await under.crash({ passive: true });
  });
});
