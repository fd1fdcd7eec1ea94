/** A scenario in plain XState: `createActor` with a simulated clock. */
import {
  createActor,
  SimulatedClock,
  type AnyActor,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { childAddress } from '../../../src/runtime/xstate.ts';
import { withoutOrphans } from './orphans.ts';
import { Gates } from './gates.ts';
import {
  comparableEvent,
  comparableRoot,
  type Scenario,
  type Seen,
  type SeenStep,
  type Step,
  type Trace,
} from './scenario.ts';

/** Turns of the event loop in which promises settle and their outcome is taken. */
const ROUNDS = 3;

/** Drives the machine in plain XState. */
export async function runPlain(scenario: Scenario): Promise<Seen> {
  const gates = new Gates();
  const clock = new SimulatedClock();
  const steps: SeenStep[] = [];
  const begun = new WeakSet<AnyActorRef>();
  let trace: Trace[] = [];
  const machine = scenario.machine(gates);
  const takes = (actor: AnyActorRef, event: { type: string }): void =>
    void trace.push(['takes', addressOf(actor), comparableEvent(event)]);
  const root = createActor(observed(machine, takes), {
    input: scenario.input,
    clock,
    inspect: (inspected) => {
      const actor = inspected.actorRef as AnyActor;
      if (inspected.type === '@xstate.event' && inspected.event.type === 'xstate.init') begun.add(actor);
      if (inspected.type === '@xstate.event' && inspected.event.type === 'xstate.init' && isMachine(actor.logic))
        takes(actor, inspected.event);
      if (inspected.type === '@xstate.actor')
        actor.on('*', (event: EventObject) => void trace.push(['emits', addressOf(actor), comparableEvent(event)]));
    },
  });
  root.subscribe({ error: () => {} });

  const see = async (refused = false): Promise<void> => {
    for (let i = 0; i < ROUNDS; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      // What is due at once, with no time passing.
      clock.increment(0);
    }
    steps.push({ snapshot: comparableRoot(machine, withoutUnbegun(root, begun)), trace, refused });
    trace = [];
  };
  root.start();
  await see();
  for (const step of scenario.steps) {
    const refused = 'send' in step && !accepts(root, step.send);
    act(step);
    // Plain XState takes what leads nowhere, the runtime refuses it to the caller.
    if (refused) trace = trace.slice(1);
    await see(refused);
  }
  root.stop();
  return { steps: withoutOrphans(steps), did: gates.did };

  function act(step: Step): void {
    if ('send' in step) root.send(step.send as never);
    else if ('advance' in step) for (let i = 0; i < step.advance; i++) clock.increment(1);
    else if ('resolve' in step) gates.settle(step.resolve, { resolve: step.with });
    else gates.settle(step.reject, { reject: step.with });
  }
}

/**
 * What an actor is persisted as, without the children that never began: a child that is stopped in the very turn that spawns
 * it, because its parent ends, plain XState goes on to show as it would have begun. Here it never was.
 */
function withoutUnbegun(actor: AnyActorRef, begun: WeakSet<AnyActorRef>): object {
  const persisted = (actor as AnyActor).getPersistedSnapshot() as { readonly children?: Record<string, object> };
  const { children } = actor.getSnapshot() as { readonly children?: Record<string, AnyActorRef> };
  if (children === undefined || persisted.children === undefined) return persisted;
  const below = Object.entries(persisted.children).flatMap(([id, child]): [string, object][] => {
    const of = children[id];
    return of !== undefined && begun.has(of) ? [[id, { ...child, snapshot: withoutUnbegun(of, begun) }]] : [];
  });
  return { ...persisted, children: Object.fromEntries(below) };
}

function accepts(root: AnyActor, event: { readonly type: string }): boolean {
  const snapshot = root.getSnapshot() as AnyMachineSnapshot;
  if (snapshot.status !== 'active') return false;
  try {
    return snapshot.can(event as never);
  } catch {
    // A guard that throws shows itself when the event is taken.
    return true;
  }
}

/** `machine` and those below it, telling of every event when the actor begins to take it. */
function observed(
  machine: AnyStateMachine,
  takes: (actor: AnyActorRef, event: { type: string }) => void,
): AnyStateMachine {
  const actors = machine.implementations.actors as Record<string, AnyActorLogic>;
  const copy = machine.provide({
    actors: Object.fromEntries(
      Object.entries(actors).map(([name, logic]) => [name, isMachine(logic) ? observed(logic, takes) : logic]),
    ),
  } as never);
  const transition = copy.transition.bind(copy);
  copy.transition = (snapshot, event, scope) => {
    takes(scope.self as AnyActorRef, event as { type: string });
    return transition(snapshot, event, scope);
  };
  return copy;
}

function isMachine(logic: AnyActorLogic): logic is AnyStateMachine {
  return '__xstatenode' in logic;
}

function addressOf(actor: Pick<AnyActorRef, 'id' | '_parent'>): string {
  if (actor._parent === undefined) return '/';
  const above = addressOf(actor._parent);
  return childAddress(above, actor.id);
}
