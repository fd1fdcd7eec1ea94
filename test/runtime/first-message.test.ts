/** A message to a child that the same turn spawns. */
import { describe, expect, it } from 'vitest';
import { assign, createActor, sendParent, sendTo, setup } from 'xstate';
import { openRuntime } from '../harness/runtime.ts';

const echo = setup({}).createMachine({ id: 'echo', on: { say: { actions: sendParent({ type: 'said' }) } } });

const caller = setup({ types: {} as { context: { said: number } }, actors: { echo } }).createMachine({
  id: 'caller',
  context: { said: 0 },
  initial: 'idle',
  on: { said: { actions: assign({ said: ({ context }) => context.said + 1 }) } },
  states: {
    idle: { on: { call: 'calling' } },
    calling: {
      invoke: { src: 'echo', id: 'echo' },
      entry: sendTo('echo', { type: 'say' }),
      on: { call: { target: 'calling', reenter: true }, end: 'over' },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.said,
});

describe('R8: a message to a child that the same turn spawns', () => {
  it('reaches it, as in plain XState, also when the state is entered again', async () => {
    const events = ['call', 'call', 'end'];
    const plain = createActor(caller).start();
    for (const type of events) plain.send({ type });

    const { runtime } = await openRuntime({ machines: { 'caller@1': caller } });
    const { runId } = await runtime.start('caller');
    for (const type of events) await runtime.send(runId, { type });

    expect((await runtime.waitFor(runId)).output).toBe(2);
    expect(plain.getSnapshot().output).toBe(2);
  });
});
