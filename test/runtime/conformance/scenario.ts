/** What a scenario is, and what is compared of it. */
import { createActor, type AnyStateMachine } from 'xstate';
import type { Gates } from './gates.ts';

/** Something that happens to the machine from outside. */
export type Step =
  | { readonly send: { readonly type: string; readonly [key: string]: unknown } }
  | { readonly advance: number }
  | { readonly resolve: string; readonly with?: unknown }
  | { readonly reject: string; readonly with: string };

/** A machine and what happens to it. */
export interface Scenario {
  readonly name: string;
  machine(gates: Gates): AnyStateMachine;
  readonly input?: unknown;
  readonly steps: readonly Step[];
}

/** Something an actor did: it took an event, or emitted one. */
export type Trace = readonly [what: 'takes' | 'emits', actor: string, event: unknown];

/** What is seen after a step (and, first, after the start). */
export interface SeenStep {
  /** The persisted tree of actors, with tags and meta of the root. */
  readonly snapshot: unknown;
  /** What all actors took and emitted, in order. */
  readonly trace: readonly Trace[];
  /** True where the root had no transition for the event that was sent. */
  readonly refused: boolean;
}

/** A scenario as it went. */
export interface Seen {
  readonly steps: readonly SeenStep[];
  /** What custom actions did, in order. */
  readonly did: readonly string[];
}

/** Steps that only send. */
export function send(...types: readonly string[]): Step[] {
  return types.map((type) => ({ send: { type } }));
}

/** Time that most scenarios move on by, so that they can share a runtime. */
export const TICK = 10;
/** A step of `TICK` milliseconds. */
export const tick: Step = { advance: TICK };

/** An event as it is compared: errors by their message, without what only one side adds. */
export function comparableEvent(event: { readonly type: string; readonly [key: string]: unknown }): unknown {
  const { type, input } = event;
  if (type === 'xstate.init') return plain({ type, input });
  return plain(event);
}

/** The persisted tree of a root, with what can be read from it: it must be one that plain XState goes on from. */
export function comparableRoot(machine: AnyStateMachine, persisted: unknown): unknown {
  const revived = createActor(machine, { snapshot: persisted as never }).getSnapshot();
  // What could not even begin has no states.
  const readable = 'tags' in revived && revived.status !== 'error';
  return {
    ...(comparable(persisted) as object),
    ...(readable ? { tags: [...revived.tags].toSorted(), meta: plain(revived.getMeta()) } : {}),
  };
}

interface PersistedChild {
  readonly snapshot: Readonly<Record<string, unknown>>;
  readonly src: unknown;
  readonly systemId?: string;
}

/** Without what cannot be the same: ended promises keep their output in plain XState only, errors their stack. */
function comparable(persisted: unknown): unknown {
  const { children, status, value, context, historyValue, output, error } = persisted as Record<string, unknown>;
  const below = Object.entries((children ?? {}) as Record<string, PersistedChild>).map(
    ([id, { snapshot, src, systemId }]) => [
      id,
      { src, systemId, ...(('value' in snapshot ? comparable(snapshot) : { status: snapshot['status'] }) as object) },
    ],
  );
  return plain({
    status,
    value,
    context,
    historyValue: withoutOrder(historyValue),
    output,
    error,
    children: Object.fromEntries(below),
  });
}

/**
 * What lay side by side in a parallel state is remembered in the order in which it was entered, and once XState itself has
 * restored a snapshot, in another: states are entered in the order of their definition, whatever this one is.
 */
function withoutOrder(history: unknown): unknown {
  if (history === undefined) return undefined;
  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
  return Object.fromEntries(
    Object.entries(history as Readonly<Record<string, readonly { readonly id: string }[]>>).map(([id, nodes]) => [
      id,
      nodes.toSorted(byId),
    ]),
  );
}

function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Error) return part.message;
    // A reference: whose it is shows in what is sent by it; the id of a root is made up by each side.
    const isReference = part !== null && typeof part === 'object' && ('xstate$$type' in part || 'birth' in part);
    return isReference ? '(an actor)' : part;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
