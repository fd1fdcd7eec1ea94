/** Random machines as data that can be printed: what they are made of, and how fast-check makes and shrinks them. */
import * as fc from 'fast-check';
import { tick, type Step } from './scenario.ts';

/** Something a state or a transition does. */
export type Act =
  | { readonly do: 'note' | 'add' | 'emit' }
  | { readonly do: 'raise' | 'parent' | 'self'; readonly event: string; readonly delay: number }
  | { readonly do: 'kid'; readonly to: string; readonly event: string; readonly delay: number }
  | { readonly do: 'system' | 'cancel'; readonly event: string }
  | { readonly do: 'spawn'; readonly id: string; readonly src: 'kid0' | 'kid1' | 'gate' }
  | { readonly do: 'stop'; readonly id: string };

/** A transition: only where the count is a multiple of `every`; to the n-th state of its machine, or to none. */
export interface Move {
  readonly every: number;
  readonly to: number | null;
  readonly reenter: boolean;
  readonly acts: readonly Act[];
}

/** A state. */
export interface State {
  readonly kind: 'atomic' | 'final' | 'compound' | 'parallel';
  /** A compound or parallel state may have a history state beside its children. */
  readonly history: 'none' | 'shallow' | 'deep';
  readonly entry: readonly Act[];
  readonly exit: readonly Act[];
  readonly on: readonly (Move & { readonly event: string })[];
  readonly always: readonly Move[];
  readonly after: readonly (Move & { readonly delay: number })[];
  readonly onDone: Move | null;
  readonly invoke: 'none' | 'gate' | 'kid0' | 'kid1';
  readonly states: readonly State[];
}

/** A machine, the two kinds of children it may have, and what happens to it. */
export interface Description {
  readonly root: State;
  readonly kid0: State;
  readonly kid1: State;
  readonly steps: readonly Step[];
}

const EVENTS = ['A', 'B', 'C', 'D'] as const;
/** Ids of spawned children. */
const SPAWNED = ['x', 'y'] as const;
const event = fc.constantFrom(...EVENTS);
const delay = fc.constantFrom(0, 0, 5, 10, 15);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('note' as const, 'add' as const, 'emit' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('raise' as const, 'parent' as const, 'self' as const), event, delay }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('kid' as const), to: fc.constantFrom('held', ...SPAWNED), event, delay }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('system' as const, 'cancel' as const), event }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('spawn' as const),
      id: fc.constantFrom(...SPAWNED),
      src: fc.constantFrom('kid0' as const, 'kid1' as const, 'gate' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), id: fc.constantFrom(...SPAWNED) }) },
);
/** None that throws: what becomes of the children then differs on purpose (`orphans.ts`), and named cases hold it. */
const acts = fc.array(act, { maxLength: 3 });
const move = {
  every: fc.constantFrom(1, 1, 2, 3),
  to: fc.option(fc.nat({ max: 11 }), { freq: 4 }),
  reenter: fc.boolean(),
  acts,
};

const common = {
  entry: acts,
  exit: acts,
  on: fc.array(fc.record({ event, ...move }), { maxLength: 3 }),
  always: fc.array(fc.record(move), { maxLength: 1 }),
  after: fc.array(fc.record({ delay: fc.constantFrom(5, 10, 15), ...move }), { maxLength: 1 }),
  invoke: fc.constantFrom(...(['none', 'none', 'none', 'gate', 'kid0', 'kid1'] as const)),
  onDone: fc.option(fc.record(move)),
};
const childless = { history: fc.constant('none' as const), states: fc.constant<readonly State[]>([]) };
const atomic: fc.Arbitrary<State> = fc.record({ kind: fc.constant('atomic' as const), ...common, ...childless });
const final: fc.Arbitrary<State> = atomic.map(({ entry }) => ({
  kind: 'final',
  history: 'none',
  entry,
  exit: [],
  on: [],
  always: [],
  after: [],
  onDone: null,
  invoke: 'none',
  states: [],
}));

/** A state with children: a first one, a second that may be final where one region ends so, and perhaps a third. */
function branching(kind: 'compound' | 'parallel', child: fc.Arbitrary<State>): fc.Arbitrary<State> {
  const second =
    kind === 'parallel' ? child : fc.oneof({ weight: 3, arbitrary: child }, { weight: 1, arbitrary: final });
  return fc.record({
    kind: fc.constant(kind),
    ...common,
    history: fc.constantFrom(...(['none', 'shallow', 'deep'] as const)),
    states: fc.oneof(fc.tuple(child, second), fc.tuple(child, second, child)),
  });
}

const inner = fc.oneof(
  { weight: 3, arbitrary: atomic },
  { weight: 2, arbitrary: branching('compound', atomic) },
  { weight: 1, arbitrary: branching('parallel', atomic) },
);
const small = fc.oneof(branching('compound', atomic), branching('parallel', branching('compound', atomic)));
const large = fc.oneof(
  { weight: 2, arbitrary: branching('compound', inner) },
  { weight: 1, arbitrary: branching('parallel', inner) },
);

const GATES = ['', 'held/', 'x/', 'y/', 'held/held/'].flatMap((actor) =>
  ['r', 'r_0', 'r_1', 'r_0_1'].map((at) => `${actor}${at}`),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: event.map((type) => ({ send: { type } })) },
  { weight: 1, arbitrary: fc.constantFrom(...GATES).map((name) => ({ resolve: name, with: 1 })) },
  { weight: 1, arbitrary: fc.constantFrom(...GATES).map((name) => ({ reject: name, with: 'no' })) },
);

/** Random machines with what happens to them. Time moves in all of them at the same steps, so that they can share a clock. */
export const descriptions: fc.Arbitrary<Description> = fc.record({
  root: large,
  kid0: small,
  kid1: small,
  steps: fc
    .array(fc.tuple(step, step), { minLength: 1, maxLength: 4 })
    .map((pairs) => pairs.flatMap(([first, second]): Step[] => [first, second, tick])),
});

/** A description as people read it: without what is empty or usual. */
export function printed(description: Description): string {
  const unusual = (_key: string, value: unknown): unknown =>
    value === 'none' || value === null || value === false || (Array.isArray(value) && value.length === 0)
      ? undefined
      : value;
  return JSON.stringify(description, unusual, 1)
    .replace(/\n\s*(?=[\]}])/g, ' ')
    .replace(/\{\n\s*("do"|"every"|"send"|"advance"|"resolve"|"reject"|"event")/g, '{ $1')
    .replace(/,\n\s*("event"|"delay"|"to"|"reenter"|"id"|"src"|"with"|"every")/g, ', $1');
}
