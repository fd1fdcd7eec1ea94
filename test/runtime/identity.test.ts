/** Identity decides, not names: what is late is journaled as ignored, what comes twice is taken once (R6). */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { effect } from '../../src/runtime/effect.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { asker, counter, Deferred } from './machines.ts';
import { faulty } from './stores.ts';

const ignored = (entries: readonly { kind: string; type: string }[]) =>
  entries.filter(({ kind }) => kind === 'ignored').map(({ type }) => type);

describe('R6: late outcomes and timers', () => {
  it('an outcome that comes when its state was left and entered again is ignored', async () => {
    const answers: Deferred[] = [];
    const store = faulty();
    const under = await openRuntime({
      machines: { 'asker@1': asker },
      actors: {
        call: effect({
          run: () => {
            const answer = new Deferred();
            answers.push(answer);
            return answer.promise;
          },
        }),
      },
      wrap: store.wrap,
    });
    const { runId } = await under.runtime.start('asker');
    await under.runtime.send(runId, { type: 'ASK' });
    await under.settle();
    // While a commit is under way, the state is left and entered again, and then the first call answers.
    const release = store.hold();
    const left = under.runtime.send(runId, { type: 'LEAVE' });
    const asked = under.runtime.send(runId, { type: 'ASK' });
    await turnsOfTheLoop();
    answers[0]?.resolve('of the first call');
    await turnsOfTheLoop();
    release();
    await Promise.all([left, asked]);
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'asking',
      context: { answer: null },
    });
    expect(ignored(await under.runtime.journal(runId))).toEqual(['xstate.done.actor.call']);
    answers[1]?.resolve('of the second call');
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({
      value: 'answered',
      context: { answer: 'of the second call' },
    });
  });

  it('a timer that is due when its state is left and entered again is ignored', async () => {
    const machine = setup({ types: {} as { context: { late: number } } }).createMachine({
      context: { late: 0 },
      initial: 'on',
      states: {
        on: {
          after: {
            1_000: { target: 'on', reenter: true, actions: assign({ late: ({ context }) => context.late + 1 }) },
          },
          on: { AGAIN: { target: 'on', reenter: true } },
        },
      },
    });
    const store = faulty();
    const under = await openRuntime({ machines: { 'm@1': machine }, wrap: store.wrap });
    const { runId } = await under.runtime.start('m');
    await under.settle();
    const release = store.hold();
    const again = under.runtime.send(runId, { type: 'AGAIN' });
    await turnsOfTheLoop();
    await under.clock.advance(1_000, turnsOfTheLoop);
    release();
    await again;
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ late: 0 });
    expect(ignored(await under.runtime.journal(runId))).toEqual(['xstate.after.1000.(machine).on']);
    await under.advance(0);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ late: 1 });
  });
});

describe('R6: a message from outside with an id is taken once', () => {
  it('also at the same moment, and after a restart', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const send = () => under.runtime.send(runId, { type: 'ADD' }, { id: 'msg-1' });
    const receipts = await Promise.all([send(), send()]);
    expect(receipts.map(({ repeated }) => repeated)).toEqual([false, true]);
    expect(receipts[1]?.seq).toBe(receipts[0]?.seq);
    await under.restart();
    expect(await send()).toMatchObject({ repeated: true, seq: receipts[0]?.seq });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 1 });
  });

  it('also after the run has ended', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    await under.runtime.send(runId, { type: 'END' }, { id: 'the end' });
    expect(await under.runtime.send(runId, { type: 'END' }, { id: 'the end' })).toMatchObject({ repeated: true });
    await expect(under.runtime.send(runId, { type: 'END' })).rejects.toMatchObject({ code: 'runEnded' });
  });

  it('the same id with another event is refused, now and after a restart', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    const first = under.runtime.send(runId, { type: 'ADD', by: { n: 1 } }, { id: 'one' });
    const other = under.runtime.send(runId, { type: 'ADD', by: { n: 2 } }, { id: 'one' });
    await expect(other).rejects.toMatchObject({ code: 'idempotencyConflict' });
    await first;
    await under.restart();
    const refused = { code: 'idempotencyConflict', message: expect.stringContaining('a "ADD"') as string };
    await expect(under.runtime.send(runId, { type: 'END' }, { id: 'one' })).rejects.toMatchObject(refused);
    expect(await under.runtime.send(runId, { type: 'ADD', by: { n: 1 } }, { id: 'one' })).toMatchObject({
      repeated: true,
    });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ count: 1 });
  });

  it('an id counts for its run only', async () => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const runs = [await under.runtime.start('counter'), await under.runtime.start('counter')];
    for (const { runId } of runs)
      expect(await under.runtime.send(runId, { type: 'ADD' }, { id: 'x' })).toMatchObject({ repeated: false });
  });
});

it('R6: what the machine does not accept now gets eventNotAccepted with the legal types', async () => {
  const under = await openRuntime({ machines: { 'counter@1': counter } });
  const { runId } = await under.runtime.start('counter');
  await expect(under.runtime.send(runId, { type: 'FLY' })).rejects.toMatchObject({
    code: 'eventNotAccepted',
    status: 409,
    data: { state: 'counting', accepts: ['ADD', 'END'] },
  });
  expect(await under.runtime.acceptedEvents(runId)).toEqual(['ADD', 'END']);
});
