/** What Ajv finds, in the words of this project: what was expected, what came. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { describeValue, excerpt, type Path } from './faults.ts';
import { duplicates } from './json-schema-dialect.ts';
import { isRecord } from './json.ts';
import { didYouMean } from './nearest.ts';

/** Something that does not hold. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** What was expected, as a noun, where the message says so: to be joined with that of other variants. */
  readonly expected?: string;
}

/** Among more names the nearest is not looked for, and more options are not shown: it would be done for each fault. */
const MOST_NAMES = 100;
const MOST_SHOWN = 10;

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

/** What a keyword expects, with its own value and its parameters, as a noun. */
const EXPECTED: Readonly<Record<string, (keyword: unknown, params: Readonly<Record<string, unknown>>) => string>> = {
  type: nounsOf,
  enum: (options) => (Array.isArray(options) ? optionsOf(options) : ''),
  const: (value) => excerpt(JSON.stringify(value), 100),
  pattern: (source) => `a text that matches ${JSON.stringify(source)}`,
  format: (name) => `a text of the format ${JSON.stringify(name)}`,
  minimum: (bound) => `at least ${String(bound)}`,
  exclusiveMinimum: (bound) => `more than ${String(bound)}`,
  maximum: (bound) => `at most ${String(bound)}`,
  exclusiveMaximum: (bound) => `less than ${String(bound)}`,
  multipleOf: (bound) => `a multiple of ${String(bound)}`,
  minLength: (bound) => `at least ${String(bound)} characters`,
  maxLength: (bound) => `at most ${String(bound)} characters`,
  minItems: (bound) => `at least ${String(bound)} entries`,
  maxItems: (bound) => `at most ${String(bound)} entries`,
  items: (_, { limit }) => `at most ${String(limit)} entries`,
  unevaluatedItems: (_, { len }) => `at most ${String(len)} entries`,
  minProperties: (bound) => `at least ${String(bound)} fields`,
  maxProperties: (bound) => `at most ${String(bound)} fields`,
  contains: (_, { minContains, maxContains }) =>
    `${String(minContains)}${typeof maxContains === 'number' ? ` to ${maxContains}` : ' or more'} entries of "contains"`,
};

/** `if` and `propertyNames` only say that there are other errors. */
const SAID_BY_OTHERS = new Set(['if', 'propertyNames']);

/**
 * The findings behind errors of Ajv, with `verbose`, in their order.
 *
 * @param root the value that was checked
 * @param base where it stands
 */
export function findings(errors: readonly ErrorObject[], root: unknown, base: Path): Finding[] {
  const found = new Map<string, Finding>();
  for (const finding of ofErrors(errors, 0, errors.length, root)) {
    const key = `${finding.path.join('/')}: ${finding.message}`;
    if (!found.has(key)) found.set(key, { ...finding, path: [...base, ...finding.path] });
  }
  return [...found.values()];
}

/** Those of the errors from `start` to before `end`. Errors of variants stand before that of their `anyOf`. */
function ofErrors(errors: readonly ErrorObject[], start: number, end: number, root: unknown): Finding[] {
  const mistyped = new Map<unknown, Set<string>>();
  for (const { keyword, parentSchema, instancePath } of errors.slice(start, end)) {
    if (keyword !== 'type') continue;
    const places = mistyped.get(parentSchema) ?? new Set();
    mistyped.set(parentSchema, places.add(instancePath));
  }
  const found: Finding[][] = [];
  for (let at = end - 1; at >= start; at--) {
    const error = errors[at];
    if (error === undefined || SAID_BY_OTHERS.has(error.keyword)) continue;
    const { keyword, params, parentSchema, instancePath } = error;
    const position = at;
    const variants = variantsOf(params, position);
    at = variants[0]?.[0] ?? at;
    // What is not even of the right type breaks other keywords as well, which helps nobody.
    if (keyword !== 'type' && mistyped.get(parentSchema)?.has(instancePath) === true) continue;
    const path = pathOf(error, root);
    const isUnion = (keyword === 'anyOf' || keyword === 'oneOf') && !Array.isArray(params['passingSchemas']);
    if (!isUnion) found.push(ofError(error, path));
    else
      found.push(
        noneOf(
          variants.map(([from, to]) => ofErrors(errors, from, to, root)),
          path,
          error.data,
        ),
      );
  }
  return found.toReversed().flat();
}

/** The errors of each variant as `[start, end]` in all errors: Ajv counts them from the schema around. */
function variantsOf(
  { start, ends }: Readonly<Record<string, unknown>>,
  position: number,
): (readonly [number, number])[] {
  if (typeof start !== 'number' || !Array.isArray(ends)) return [];
  const offset = position - Number(ends.at(-1) ?? start);
  return ends.map(
    (end, index) => [Number(index === 0 ? start : ends[index - 1]) + offset, Number(end) + offset] as const,
  );
}

/** Of variants that all fail, the one that was meant: that which fails deeper than at its root. */
function noneOf(variants: readonly (readonly Finding[])[], path: Path, value: unknown): Finding[] {
  const meant = variants.find(
    (found) => found.length > 0 && found.every((finding) => finding.path.length > path.length),
  );
  if (meant !== undefined) return [...meant];
  const nouns = variants.flat().map(({ expected }) => expected);
  const expected = [...new Set(nouns.filter((noun) => noun !== undefined))].join(' or ') || 'one of its variants';
  return [{ path, message: `expected ${expected}, came ${describeValue(value)}`, expected }];
}

function ofError({ keyword, params, schema, parentSchema, data }: ErrorObject, path: Path): Finding[] {
  const expected = EXPECTED[keyword]?.(schema, params);
  if (expected !== undefined) {
    const size = sizeOf(keyword, data);
    if (size === 0 && typeof data === 'string') return [{ path, message: 'must not be empty', expected }];
    const hint = keyword === 'enum' && typeof data === 'string' ? hintOf(data, schema) : '';
    return [{ path, message: `expected ${expected}, came ${size ?? describeValue(data)}${hint}`, expected }];
  }
  if (keyword === 'uniqueItems' && Array.isArray(data)) {
    return duplicates(data).map(([index, before]) => ({
      path: [...path, index],
      message: `is the same as [${before}]: entries must differ`,
    }));
  }
  const { missingProperty, property, additionalProperty, unevaluatedProperty } = params;
  const properties: unknown = parentSchema?.['properties'];
  if (typeof missingProperty === 'string') {
    const place = [...path, missingProperty];
    if (typeof property === 'string')
      return [{ path: place, message: `is required where ${JSON.stringify(property)} is given` }];
    const part: unknown =
      isRecord(properties) && Object.hasOwn(properties, missingProperty) ? properties[missingProperty] : {};
    const noun = isRecord(part) && part['type'] !== undefined ? `: expected ${nounsOf(part['type'])}` : '';
    return [{ path: place, message: `is required${noun}` }];
  }
  const unknownField: unknown = additionalProperty ?? unevaluatedProperty;
  if (typeof unknownField === 'string') {
    const hint = isRecord(properties) ? didYouMean(unknownField, fewNames(properties)) : '';
    return [{ path: [...path, unknownField], message: `unknown field ${JSON.stringify(unknownField)}${hint}` }];
  }
  if (keyword === 'false schema') return [{ path, message: 'must not be there' }];
  if (keyword === 'not') return [{ path, message: `is what "not" excludes, came ${describeValue(data)}` }];
  if (keyword === 'oneOf') return [{ path, message: 'expected exactly one of "oneOf", but 2 of them hold' }];
  return [{ path, message: `is not as ${JSON.stringify(keyword)} has it, came ${describeValue(data)}` }];
}

const namesOf = new WeakMap<object, readonly string[]>();

/** The names of properties, none where there are too many. */
function fewNames(properties: object): readonly string[] {
  const known = namesOf.get(properties);
  if (known !== undefined) return known;
  const names = Object.keys(properties);
  const few = names.length <= MOST_NAMES ? names : [];
  namesOf.set(properties, few);
  return few;
}

/** How large a value is, in the unit of which a keyword speaks. */
function sizeOf(keyword: string, value: unknown): number | undefined {
  if (keyword.endsWith('Length') && typeof value === 'string') return Array.from(value).length;
  if (/items$/i.test(keyword) && Array.isArray(value)) return value.length;
  return keyword.endsWith('Properties') && isRecord(value) ? Object.keys(value).length : undefined;
}

function nounsOf(types: unknown): string {
  const list: readonly unknown[] = Array.isArray(types) ? types : [types];
  return list.map((type) => NOUNS[String(type)] ?? String(type)).join(' or ');
}

function optionsOf(options: readonly unknown[]): string {
  const shown = options
    .slice(0, MOST_SHOWN)
    .map((option) => JSON.stringify(option))
    .join(' or ');
  return options.length > MOST_SHOWN ? `${shown} or one of ${options.length - MOST_SHOWN} more` : shown;
}

function hintOf(text: string, options: unknown): string {
  if (!Array.isArray(options) || options.length > MOST_NAMES) return '';
  return didYouMean(
    text,
    options.filter((option) => typeof option === 'string'),
  );
}

/** A JSON Pointer as a path: its steps into lists are numbers. */
function pathOf({ instancePath, propertyName }: ErrorObject, root: unknown): Path {
  const path: (string | number)[] = [];
  let value = root;
  for (const step of instancePath.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(name) : name);
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  }
  return propertyName === undefined ? path : [...path, propertyName];
}
