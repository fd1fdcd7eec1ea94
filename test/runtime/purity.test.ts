/** R2: a turn is pure, so that a run's journal alone gives back every state it was ever in. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendParent, sendTo, setup } from 'xstate';
import { openRuntime, type RuntimeUnderTest } from '../harness/runtime.ts';
import { asker, counter } from './machines.ts';

const line = setup({
  types: {} as { context: { pieces: number }; input: { pieces: number }; events: { type: 'MORE'; pieces: number } },
}).createMachine({
  context: ({ input }) => ({ pieces: input.pieces }),
  on: {
    MORE: {
      actions: [
        assign({ pieces: ({ context, event }) => context.pieces + event.pieces }),
        sendParent(({ context }) => ({ type: 'HELD', pieces: context.pieces })),
      ],
    },
  },
});

/** Every kind of turn: events, a child, messages to and fro, a timer, an effect, history, an end. */
const order = setup({
  types: {} as {
    context: { held: number; receipt: unknown };
    events:
      | { type: 'ADD'; pieces: number }
      | { type: 'HELD'; pieces: number }
      | { type: 'PAY' }
      | { type: 'AWAY' }
      | { type: 'BACK' };
  },
  actors: { line, ship: fromPromise<string, { pieces: number }>(async ({ input }) => `parcel of ${input.pieces}`) },
}).createMachine({
  context: { held: 0, receipt: null },
  initial: 'open',
  invoke: { id: 'line', src: 'line', input: { pieces: 1 } },
  on: { HELD: { actions: assign({ held: ({ event }) => event.pieces }) } },
  states: {
    open: {
      initial: 'fresh',
      on: {
        ADD: { actions: sendTo('line', ({ event }) => ({ type: 'MORE', pieces: event.pieces })) },
        PAY: 'shipping',
        AWAY: 'away',
      },
      states: { fresh: { after: { 1_000: 'stale' } }, stale: {}, last: { type: 'history' } },
    },
    away: { on: { BACK: 'open.last' } },
    shipping: {
      invoke: {
        src: 'ship',
        input: ({ context }) => ({ pieces: context.held }),
        onDone: { target: 'done', actions: assign({ receipt: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
});

/** What the run looks like after each of its steps, by journal number. */
async function history(under: RuntimeUnderTest, runId: string, steps: readonly (() => Promise<unknown>)[]) {
  const states = new Map<number, unknown>();
  for (const step of [() => Promise.resolve(), ...steps]) {
    await step();
    await under.settle();
    const { seq } = await under.runtime.read(runId);
    states.set(seq, (await under.runtime.snapshot(runId)).snapshot);
  }
  return states;
}

describe('R2: the journal gives back every state the run was in', () => {
  it('of a machine with children, timers, effects and history, over a restart and a crash', async () => {
    const under = await openRuntime({ machines: { 'order@1': order } });
    const { runId } = await under.runtime.start('order');
    const send = (event: { type: string; pieces?: number }) => () => under.runtime.send(runId, event);
    const states = await history(under, runId, [
      send({ type: 'ADD', pieces: 2 }),
      () => under.restart(),
      () => under.advance(1_000),
      send({ type: 'AWAY' }),
      () => under.crash(),
      send({ type: 'BACK' }),
      send({ type: 'ADD', pieces: 4 }),
      send({ type: 'PAY' }),
    ]);
    expect((await under.runtime.read(runId)).status).toBe('completed');
    expect(states.size).toBeGreaterThan(5);
    for (const [seq, snapshot] of states) {
      expect((await under.runtime.snapshot(runId, { at: seq })).snapshot, `as of ${seq}`).toEqual(snapshot);
    }
  });

  it('of a child, too', async () => {
    const under = await openRuntime({ machines: { 'order@1': order } });
    const { runId } = await under.runtime.start('order');
    await under.runtime.send(runId, { type: 'ADD', pieces: 2 });
    const { seq } = await under.runtime.read(runId);
    await under.runtime.send(runId, { type: 'ADD', pieces: 5 });
    const pieces = async (at?: number) =>
      (
        (await under.runtime.snapshot(runId, { actor: '/line', ...(at === undefined ? {} : { at }) })).snapshot as {
          context: object;
        }
      ).context;
    expect(await pieces()).toEqual({ pieces: 8 });
    expect(await pieces(seq)).toEqual({ pieces: 3 });
  });

  it('a refused event leaves no trace', async () => {
    const under = await openRuntime({ machines: { 'asker@1': asker, 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    await under.runtime.send(runId, { type: 'ADD' });
    const before = await under.runtime.read(runId);
    await expect(under.runtime.send(runId, { type: 'SUBTRACT' })).rejects.toMatchObject({ code: 'eventNotAccepted' });
    expect(await under.runtime.read(runId)).toEqual(before);
  });
});
