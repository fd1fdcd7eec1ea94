/** R9: no machine can hang the house: what loops or throws is its own error, and others go on. */
import { describe, expect, it } from 'vitest';
import { assign, raise, sendParent, sendTo, setup, type AnyStateMachine } from 'xstate';
import type { Projection } from '../../src/runtime/projection.ts';
import type { Machine } from '../../src/runtime/xstate.ts';
import { openRuntime } from '../harness/runtime.ts';
import { counter } from './machines.ts';

/** Runs `machine` up to and with `GO`, beside another run that must not notice. */
async function beside(machine: AnyStateMachine) {
  const under = await openRuntime({ machines: { 'm@1': machine as Machine, 'counter@1': counter } });
  const other = await under.runtime.start('counter');
  const { runId } = await under.runtime.start('m');
  await Promise.all([under.runtime.send(runId, { type: 'GO' }), under.runtime.send(other.runId, { type: 'ADD' })]);
  await under.settle();
  await under.runtime.send(other.runId, { type: 'END' });
  expect((await under.runtime.read(other.runId)).output).toBe(1);
  return { under, runId, run: await under.runtime.read(runId) };
}

const types = {} as { context: { n: number; error: unknown } };
const context = { n: 0, error: null };
/** Exchanges of two turns each: twice as many are more turns than are allowed in one go. */
const HALF = 30_000;

describe('R9: machines that never come to rest', () => {
  it('`always` in a circle', async () => {
    const circle = setup({}).createMachine({
      initial: 'idle',
      states: { idle: { on: { GO: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
    });
    expect((await beside(circle)).run).toMatchObject({ status: 'failed', reason: { code: 'endlessLoop' } });
  });

  it('`raise` in a circle', async () => {
    const circle = setup({ types }).createMachine({
      context,
      on: { GO: { actions: [assign({ n: ({ context: { n } }) => n + 1 }), raise({ type: 'GO' } as never)] } },
    });
    expect((await beside(circle)).run).toMatchObject({ status: 'failed', reason: { code: 'endlessLoop' } });
  });

  it('two actors that answer each other for ever; the run is told which', async () => {
    const wall = setup({}).createMachine({ on: { PING: { actions: sendParent({ type: 'GO' }) } } });
    const rally = setup({ actors: { wall } }).createMachine({
      invoke: { id: 'wall', src: 'wall' },
      on: { GO: { actions: sendTo('wall', { type: 'PING' } as never) } },
    });
    const { run } = await beside(rally);
    expect(run).toMatchObject({ status: 'failed', reason: { code: 'endlessLoop' } });
    expect(run.reason?.message).toMatch(/100000 turns.*"\/(wall)?"/);
  });

  it('those that get on, as the counts of their run say, may take as many turns as they need', async () => {
    const wall = setup({}).createMachine({ on: { PING: { actions: sendParent({ type: 'GO' }) } } });
    const rally = setup({
      types,
      actors: { wall },
      actions: {
        'fermata.fact': (_, _params: object) => {},
        count: assign({ n: ({ context: { n } }) => n + 1 }),
        answer: sendTo('wall', { type: 'PING' } as never),
      },
      guards: { isHalf: ({ context: { n } }) => n === HALF, isOver: ({ context: { n } }) => n === 2 * HALF },
    }).createMachine({
      context,
      initial: 'playing',
      invoke: { id: 'wall', src: 'wall' },
      states: {
        playing: {
          on: {
            GO: [
              { guard: 'isOver', target: 'over' },
              { guard: 'isHalf', actions: ['count', 'answer', { type: 'fermata.fact', params: { type: 'half' } }] },
              { actions: ['count', 'answer'] },
            ],
          },
        },
        over: { type: 'final' },
      },
    });
    const half: Projection = { facts: ['half'], project: () => ({ counts: { halves: 1 } }) };
    const under = await openRuntime({ machines: { 'm@1': rally as unknown as Machine }, projections: [half] });
    const { runId } = await under.runtime.start('m');
    await under.runtime.send(runId, { type: 'GO' });
    await under.settle();
    expect(await under.runtime.read(runId)).toMatchObject({ status: 'completed', counts: { halves: 1 } });
  });

  it('a child in a circle is an error of that child, which its parent can handle', async () => {
    const child = setup({}).createMachine({
      initial: 'idle',
      states: { idle: { on: { SPIN: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
    });
    const parent = setup({ types, actors: { child } }).createMachine({
      context,
      invoke: { id: 'kid', src: 'child', onError: { actions: assign({ error: ({ event }) => event.error }) } },
      on: { GO: { actions: sendTo('kid', { type: 'SPIN' } as never) } },
    });
    const { under, run, runId } = await beside(parent);
    expect(run.status).toBe('waiting');
    expect((await under.runtime.snapshot(runId)).snapshot.context).toMatchObject({ error: { code: 'endlessLoop' } });
  });
});

describe('R9: machines that throw', () => {
  const boom = (): never => {
    throw new RangeError('boom');
  };

  it.each([
    ['an assign', { actions: assign({ n: boom }) }],
    ['a guard', { guard: boom, actions: assign({ n: 1 }) }],
    ['the event of a raise', { actions: raise(boom) }],
  ])('%s: the run fails with what was thrown', async (_, transition) => {
    const machine = setup({ types }).createMachine({ context, on: { GO: transition as never } });
    const { run } = await beside(machine);
    expect(run.status).toBe('failed');
    expect(run.reason?.message).toContain('boom');
  });

  it('the first turn: the run is there, failed, and says why', async () => {
    const under = await openRuntime({
      machines: { 'm@1': setup({ types }).createMachine({ context: boom }) as Machine },
    });
    const { runId } = await under.runtime.start('m');
    expect(await under.runtime.read(runId)).toMatchObject({ status: 'failed', reason: { message: 'boom' } });
  });
});
