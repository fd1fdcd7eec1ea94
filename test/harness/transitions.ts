/** The transitions of a machine by name, from its own definition, and which of them are taken. */
import { expect } from 'vitest';
import { createEmptyActor, type AnyStateMachine, type AnyStateNode, type InspectionEvent } from 'xstate';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Turn } from '../../src/runtime/replay.ts';
import { explorable } from './plain.ts';

type Transition = NonNullable<AnyStateNode['always']>[number];

/**
 * The name of a transition: `running: fermata.inDoubt [mustAsk] → inDoubt`. One that stays has no arrow; the root's have
 * no state before the colon.
 */
export function nameOf({ source, eventType, guard, target = [] }: Transition): string {
  const to = target.map((node) => node.path.join('.')).join(', ');
  const condition = guard === undefined ? '' : ` [${typeof guard === 'string' ? guard : 'a guard without a name'}]`;
  return `${source.path.join('.')}: ${eventType === '' ? 'always' : eventType}${condition}${to === '' ? '' : ` → ${to}`}`;
}

/** The names of all transitions of a machine, each once. */
export function transitionsOf(machine: AnyStateMachine): readonly string[] {
  return nodesOf(machine.root).flatMap(({ transitions, always = [] }) =>
    [...transitions.values()].flat().concat(always).map(nameOf),
  );
}

/** States in which a machine can come to rest: innermost, not final, and not left at once by an `always` that holds in any case. */
export function restingStates(machine: AnyStateMachine): readonly AnyStateNode[] {
  return nodesOf(machine.root).filter(
    ({ type, always = [] }) => type === 'atomic' && always.every(({ guard }) => guard !== undefined),
  );
}

function nodesOf(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}

/** Counts which transitions real runs have taken. */
export class TransitionsTaken {
  /** Names by the id of the machine. */
  readonly #taken = new Map<string, Set<string>>();
  /** To copy a machine takes longer than one of its turns. */
  readonly #copies = new WeakMap<AnyStateMachine, AnyStateMachine>();

  /** Takes the turns of an ended run again, one after the other from its journal, and notes the transitions of each. */
  async note(runtime: Runtime, runId: string): Promise<void> {
    const snapshots = new Map<string, Turn['snapshot']>();
    for await (const { address, machine, began, event, snapshot } of runtime.turns(runId)) {
      const before = snapshots.get(address);
      // What broke an actor was not taken to its end.
      if (snapshot.status === 'error') continue;
      const { copy, scope } = this.#watched(machine);
      if (began) copy.getInitialSnapshot(scope, event['input']);
      else if (before !== undefined) copy.transition(before, event, scope);
      snapshots.set(address, snapshot);
    }
    // A runtime that is closed has nothing to tell.
    expect(snapshots.size, `actors of run ${runId}`).toBeGreaterThan(0);
  }

  of(machine: AnyStateMachine): ReadonlySet<string> {
    return this.#taken.get(machine.id) ?? new Set();
  }

  /** A copy that can decide, and a scope that hears of each microstep. */
  #watched(machine: AnyStateMachine) {
    const taken = this.#taken.get(machine.id) ?? new Set();
    this.#taken.set(machine.id, taken);
    const self = createEmptyActor();
    self.system.inspect((event: InspectionEvent) => {
      if (event.type !== '@xstate.microstep') return;
      for (const transition of event._transitions) taken.add(nameOf(transition));
    });
    const nothing = (): void => {};
    const scope = {
      self,
      system: self.system,
      id: self.id,
      sessionId: self.sessionId,
      logger: nothing,
      defer: nothing,
      emit: nothing,
      stopChild: nothing,
      actionExecutor: nothing,
    };
    const copy = this.#copies.get(machine) ?? explorable(machine);
    this.#copies.set(machine, copy);
    return { copy, scope: scope as unknown as Parameters<AnyStateMachine['transition']>[2] };
  }
}
