import { describe, expect, it } from 'vitest';
import { getShortestPaths } from '@xstate/graph';
import { createActor, enqueueActions, fromPromise, setup, SimulatedClock, type AnyMachineSnapshot } from 'xstate';
import { taskMachine } from '../../machines/task.ts';
import { workflowMachine } from '../../machines/workflow.ts';
import { explorable, onPlainXState } from './plain.ts';
import { turnsOfTheLoop } from './runtime.ts';

const prepared = {
  description: undefined,
  call: { kind: 'code', function: 'sum', input: {} },
  approval: undefined,
  approvalPrompt: undefined,
  retry: { maxRetries: 1, initialSeconds: 1, factor: 2, maxSeconds: 60 },
  timeoutMs: 1_000,
  onInDoubt: 'retry',
  seed: 'seed',
} as const;
const answering = {
  code: fromPromise(async () => ({ value: 42 })),
  modelCall: fromPromise(async () => ({ value: 42 })),
};

describe('the reserved actions on plain XState', () => {
  it('run the task machine under createActor', async () => {
    const { machine, facts } = onPlainXState(taskMachine, { actors: answering });
    const actor = createActor(machine, {
      input: { name: 'sum', prepared } as never,
      clock: new SimulatedClock(),
    }).start();
    await turnsOfTheLoop(3);
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: { name: 'sum', status: 'completed' } });
    expect(facts.map(({ type }) => type)).toEqual(['task_started', 'task_completed']);
  });

  it('run the workflow machine with its tasks under createActor', async () => {
    const { machine, facts, detached } = onPlainXState(workflowMachine, {
      actors: answering,
      prepare: (_, input) => ({ ...(input as object), prepared }),
    });
    const input = {
      workflow: 'w',
      version: 1,
      total: 2,
      breadth: 2,
      timeoutMs: undefined,
      onTaskFailure: 'stop',
      prepared: {
        candidates: [
          { name: 'a', live: false, root: 0 },
          { name: 'b', live: false, root: 1 },
        ],
      },
    };
    const actor = createActor(machine, { input: input as never, clock: new SimulatedClock() }).start();
    await turnsOfTheLoop(3);
    expect((actor.getSnapshot() as AnyMachineSnapshot).value).toBe('completed');
    expect([...detached.keys()]).toEqual(['a', 'b']);
    expect(facts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['run_started', 'task_completed', 'run_completed']),
    );
  });

  it('stop a detached child and send to it', async () => {
    const heard: string[] = [];
    const child = setup({ actions: { hear: ({ event }) => void heard.push(event.type) } }).createMachine({
      on: { HI: { actions: 'hear' } },
    });
    const noop = (_: unknown, _params: Readonly<Record<string, unknown>>) => {};
    const parent = setup({
      actors: { child },
      actions: { 'fermata.spawn': noop, 'fermata.send': noop, 'fermata.stop': noop },
    }).createMachine({
      entry: { type: 'fermata.spawn', params: { id: 'kid', src: 'child', input: undefined } },
      on: {
        TELL: { actions: { type: 'fermata.send', params: { to: 'kid', event: { type: 'HI' } } } },
        STOP: { actions: enqueueActions(({ enqueue }) => enqueue({ type: 'fermata.stop', params: { id: 'kid' } })) },
      },
    });
    const { machine, detached } = onPlainXState(parent);
    const actor = createActor(machine).start();
    for (const type of ['TELL', 'STOP', 'TELL'] as const) {
      actor.send({ type });
      await turnsOfTheLoop(1);
    }
    expect(heard).toEqual(['HI']);
    expect(detached.get('kid')?.getSnapshot()).toMatchObject({ status: 'stopped' });
  });

  it('are explored by @xstate/graph', () => {
    const { machine } = onPlainXState(taskMachine, { actors: answering });
    const paths = getShortestPaths(explorable(machine), {
      input: { name: 'sum', prepared } as never,
      events: [{ type: 'fermata.cancel' }, { type: 'fermata.task.attemptTimedOut' }] as never,
      limit: 200,
    });
    expect(
      paths.map(({ state }) => (typeof state.value === 'string' ? state.value : Object.keys(state.value)[0])),
    ).toEqual(expect.arrayContaining(['running', 'cancelled', 'retrying']));
  });
});
