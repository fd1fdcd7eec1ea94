/**
 * A condition: an expression, or a registered predicate, that says yes or no. Evaluated when a task is made ready, and what
 * it found goes into the journal with the task (R2): replaying a run evaluates nothing.
 */
import type { z } from 'zod';
import { FermataError } from '../errors.ts';
import { evaluate, readsOfExpression } from './expression.ts';
import { describeValue, type Path } from './faults.ts';
import type { condition } from './fields.ts';
import { isRecord } from './json.ts';
import type { Placed } from './kinds/places.ts';
import { cut, valuesRead } from './read-values.ts';
import type { Scope } from './reads.ts';

/** A CEL expression, or the name of a registered predicate. */
export type Condition = z.output<typeof condition>;

/**
 * A registered predicate: synchronous, and pure, for it may be asked again after a crash. It sees the input of the run and
 * the tasks on which its task depends; of shared values those whose keys it says.
 *
 * @example
 * const isLarge: Predicate = ({ tasks }) => (tasks['count']?.output as number) > 100
 * const isFull: Predicate = { shared: ['full'], holds: ({ shared }) => shared['full'] === true }
 */
export type Predicate = ((scope: Scope) => boolean) | SharingPredicate;

/** A predicate that reads shared values. */
export interface SharingPredicate {
  /** Keys of those that it reads: it is asked with these alone. */
  readonly shared: readonly string[];
  /** Says it. A value that nobody has written is undefined. */
  holds(scope: Scope & Required<Pick<Scope, 'shared'>>): boolean;
}

/** Registered predicates by name. */
export type Predicates = Readonly<Record<string, Predicate>>;

/** What was asked, and of which values: what facts and results show. Long values are cut. */
export interface Asked {
  readonly expression?: string;
  readonly predicate?: string;
  /** By where they were read (`tasks.risk.output.timeline`); null where there was nothing. Of a predicate: the shared values that it says. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Characters of an expression in facts and results: there may be 100,000 of them. */
const LONGEST_EXPRESSION = 1_000;

/** The expression of a condition that is written at `path`, where it is one. */
export function conditionAt(holder: Readonly<Record<string, unknown>>, path: Path, field: string): readonly Placed[] {
  const condition = holder[field];
  return typeof condition === 'string' ? [{ path: [...path, field], text: condition }] : [];
}

/** The name of the predicate that is asked, where one is. */
function predicateOf(condition: unknown): string | undefined {
  return isRecord(condition) && typeof condition['predicate'] === 'string' ? condition['predicate'] : undefined;
}

/** What is asked, with the values it reads in a scope. */
export function askedOf(condition: Condition, scope: Scope, predicates: Predicates = {}): Asked {
  if (typeof condition !== 'string') {
    const { predicate } = condition;
    const read = sharedKeysAsked([condition], predicates).map((key) => ({ path: ['shared', key], at: '' }));
    return { predicate, ...(read.length === 0 ? {} : { values: valuesRead(read, scope) }) };
  }
  return {
    expression: cut(condition, LONGEST_EXPRESSION),
    values: valuesRead(readsOfExpression(condition).variables, scope),
  };
}

/** What is asked, in one piece of a sentence. */
export function wordsOf(condition: Condition): string {
  return typeof condition === 'string' ? condition : `the predicate "${condition.predicate}"`;
}

/**
 * What a condition says. It never guesses: what cannot be evaluated, or gives something else than true or false, throws.
 *
 * @example
 * holds('tasks.risk.output.timeline > 5', scope, {}) // true
 * @throws FermataError `expressionFailed`, naming the expression and the missing key; `functionMissing` for a predicate
 */
export function holds(condition: Condition, scope: Scope, predicates: Predicates): boolean {
  if (typeof condition !== 'string') return ask(condition.predicate, scope, predicates);
  const value = evaluate(condition, scope);
  if (typeof value === 'boolean') return value;
  throw new FermataError(
    'expressionFailed',
    `The expression ${JSON.stringify(condition)} gives ${describeValue(value)}, and a condition has to give true or false: compare it with something.`,
    { data: { expression: condition } },
  );
}

/** A registered predicate. Throws `functionMissing`. */
export function findPredicate(predicates: Predicates, name: string): Predicate {
  const predicate = Object.hasOwn(predicates, name) ? predicates[name] : undefined;
  if (predicate !== undefined) return predicate;
  const known = Object.keys(predicates).map((other) => JSON.stringify(other));
  throw new FermataError(
    'functionMissing',
    `The predicate "${name}" is not registered here; ${known.length === 0 ? 'no predicate is' : `registered are ${known.join(', ')}`}. Add it to predicates in fermata.config.ts.`,
    { data: { predicate: name } },
  );
}

/** Keys of the shared values that the predicates of these conditions read. Of one that is not registered: none. */
export function sharedKeysAsked(conditions: readonly unknown[], predicates: Predicates): readonly string[] {
  return conditions.flatMap((condition) => {
    const name = predicateOf(condition);
    const predicate = name !== undefined && Object.hasOwn(predicates, name) ? predicates[name] : undefined;
    return typeof predicate === 'object' ? predicate.shared : [];
  });
}

function ask(name: string, scope: Scope, predicates: Predicates): boolean {
  const predicate = findPredicate(predicates, name);
  const failed = (reason: string, cause?: unknown): FermataError =>
    new FermataError('expressionFailed', `The predicate "${name}" ${reason}.`, { data: { predicate: name }, cause });
  let unsaid: FermataError | undefined;
  let value: unknown;
  try {
    // A copy: what a predicate changes must not be what the next task reads.
    const { shared = {}, ...rest } = structuredClone(scope);
    const keys = typeof predicate === 'object' ? predicate.shared : [];
    const said = onlyKeys(shared, keys, (key) => {
      const list = [...keys, key].map((one) => JSON.stringify(one)).join(', ');
      unsaid = failed(
        `reads the shared value ${JSON.stringify(key)}, and does not say so: register { shared: [${list}], holds: … }`,
      );
      return unsaid;
    });
    const seen = { ...rest, shared: said };
    value = typeof predicate === 'object' ? predicate.holds(seen) : predicate(seen);
  } catch (thrown) {
    throw unsaid ?? failed(`threw: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
  }
  // Also where it was caught on the way: what the predicate makes of it is a guess.
  if (unsaid !== undefined) throw unsaid;
  if (typeof value === 'boolean') return value;
  const promise = value instanceof Promise ? ' (a predicate is synchronous)' : '';
  throw failed(`gave ${describeValue(value)}${promise}, and has to give true or false`);
}

/** Shared values of these keys. To read another one is an error: it would look like one that nobody has written. */
function onlyKeys(
  shared: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  refuse: (key: string) => FermataError,
): Readonly<Record<string, unknown>> {
  const known = new Set(keys);
  const values = Object.fromEntries(Object.entries(shared).filter(([key]) => known.has(key)));
  const check = (key: string | symbol): void => {
    // `toJSON` and the like are asked for by JavaScript itself.
    if (typeof key === 'string' && !known.has(key) && key !== 'toJSON' && !(key in Object.prototype)) throw refuse(key);
  };
  const isSaid = (key: string | symbol): boolean => typeof key === 'string' && known.has(key);
  return new Proxy(values, {
    get(target, key) {
      check(key);
      // One that is called `toString` and that nobody has written is no function.
      return isSaid(key) && !Object.hasOwn(target, key) ? undefined : (Reflect.get(target, key) as unknown);
    },
    has(target, key) {
      check(key);
      return isSaid(key) ? Object.hasOwn(target, key) : Reflect.has(target, key);
    },
  });
}
