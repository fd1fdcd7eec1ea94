/** References to actors are values: they may wait in an event, over a restart, and still reach who they name (R8). */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendTo, setup, type ActorRef, type EventObject, type Snapshot } from 'xstate';
import { effect } from '../../src/runtime/effect.ts';
import { openRuntime } from '../harness/runtime.ts';

type AnyRef = ActorRef<Snapshot<unknown>, EventObject>;

const answering = setup({ types: {} as { events: { type: 'PING'; replyTo: AnyRef } } }).createMachine({
  on: { PING: { actions: sendTo(({ event }) => event.replyTo, { type: 'PONG' }) } },
});

const asking = (delay: number) =>
  setup({ actors: { answering } }).createMachine({
    initial: 'waiting',
    invoke: { id: 'other', src: 'answering' },
    states: {
      waiting: {
        entry: sendTo('other', ({ self }) => ({ type: 'PING', replyTo: self }) as never, { delay }),
        on: { PONG: 'answered' },
      },
      answered: { type: 'final' },
    },
  });

describe('R8: a reference in an event', () => {
  it('that is delayed reaches whom it names', async () => {
    const under = await openRuntime({ machines: { 'asking@1': asking(50) } });
    const { runId } = await under.runtime.start('asking');
    await under.advance(50);
    expect((await under.runtime.read(runId)).status).toBe('completed');
  });

  it('that is delayed over a restart, too', async () => {
    const under = await openRuntime({ machines: { 'asking@1': asking(60_000) } });
    const { runId } = await under.runtime.start('asking');
    await under.restart();
    await under.advance(60_000);
    expect((await under.runtime.read(runId)).status).toBe('completed');
  });

  it("in the input of an effect is one again when a crash repeats it, and reaches the run's actor", async () => {
    const machine = setup({
      types: {} as { context: { heard: number }; events: { type: 'HEARD' } | { type: 'GO' } },
      actors: { call: fromPromise<unknown, { self: unknown }>(() => Promise.reject(new RangeError('replaced'))) },
    }).createMachine({
      context: { heard: 0 },
      initial: 'idle',
      on: { HEARD: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
      states: {
        idle: { on: { GO: 'calling' } },
        calling: { invoke: { src: 'call', input: ({ self }) => ({ self }) } },
      },
    });
    const call = effect({
      run: ({ self }: { self: AnyRef }) => {
        self.send({ type: 'HEARD' });
        return new Promise(() => {});
      },
    });
    const under = await openRuntime({ machines: { 'm@1': machine }, actors: { call }, leavesWork: true });
    const { runId } = await under.runtime.start('m');
    await under.runtime.send(runId, { type: 'GO' });
    await under.settle();
    await under.crash();
    await under.settle();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ heard: 2 });
  });
});
