/** What holds for every machine in `machines/`, whichever there are. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine, type AnyStateMachine } from 'xstate';
import { restingStates } from '../harness/transitions.ts';

const FOLDER = new URL('../../machines/', import.meta.url);

async function machinesOf(file: string): Promise<readonly AnyStateMachine[]> {
  const exported: readonly unknown[] = Object.values((await import(new URL(file, FOLDER).href)) as object);
  return exported.filter(
    (value): value is AnyStateMachine => typeof value === 'object' && '__xstatenode' in (value as object),
  );
}

// The folders hold earlier versions, which are frozen.
const files = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isFile());
const machines = (await Promise.all(files.map(({ name }) => machinesOf(name)))).flat();

/** States in which a machine rests without saying what it waits for. */
function silent(machine: AnyStateMachine): readonly string[] {
  return restingStates(machine)
    .filter(({ meta }) => {
      const waitsFor: unknown = (meta as { readonly waitsFor?: unknown } | undefined)?.waitsFor;
      return typeof waitsFor !== 'string' || waitsFor === '';
    })
    .map(({ path }) => path.join('.'));
}

it('each machine is walked: budget-walk.test.ts, rounds-walk.test.ts, task-walk.test.ts and workflow-walk.test.ts are for these', () => {
  expect(machines.map(({ id }) => id).toSorted()).toEqual([
    'budget',
    'planExecuteReflect',
    'shared',
    'sharedBudget',
    'task',
    'workflow',
  ]);
});

describe('a resting state says what it waits for', () => {
  it.each(machines)('in the machine "$id"', (machine) => {
    expect(restingStates(machine).length).toBeGreaterThan(0);
    expect(silent(machine), 'resting states without meta.waitsFor').toEqual([]);
  });

  it('and one that does not is found by name; one that is left at once, or is the end, need not', () => {
    const machine = createMachine({
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: () => false, target: 'end' }, { target: 'outer' }] },
        outer: {
          initial: 'inner',
          states: {
            inner: { always: { guard: () => false, target: '#end' } },
            named: { meta: { waitsFor: 'a call' } },
          },
        },
        end: { id: 'end', type: 'final' },
      },
    });
    expect(silent(machine)).toEqual(['outer.inner']);
  });
});
