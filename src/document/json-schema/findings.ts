/** What a check of a value finds, in words. */
import { describeValue, type Path } from '../faults.ts';
import { isRecord } from '../json.ts';
import { canonical } from './canonical.ts';
import type { Addition } from './defaults.ts';
import type { JsonSchema } from './keywords.ts';
import { typeNoun } from './types.ts';

/** Something that does not hold. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** What was expected, as a noun, where the message says so: to be joined with that of other variants. */
  readonly expected?: string;
}

/** What does not hold, and the defaults that stand for absent properties. */
export interface Findings {
  readonly findings: readonly Finding[];
  readonly additions: readonly Addition[];
}

/** A value, and where it stands. */
export interface Value {
  readonly value: unknown;
  readonly path: Path;
}

export const NOTHING: Findings = { findings: [], additions: [] };

/** True where an object has a field; one that is `undefined` counts as absent. */
export function isThere(object: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.hasOwn(object, name) && object[name] !== undefined;
}

export function failed({ path }: Value, message: string): Findings {
  return { findings: [{ path, message }], additions: [] };
}

export function mismatch({ path, value }: Value, expected: string, hint = ''): Finding {
  return { path, message: `expected ${expected}, came ${describeValue(value)}${hint}`, expected };
}

export function joined(parts: readonly Findings[]): Findings {
  const some = parts.filter(({ findings, additions }) => findings.length > 0 || additions.length > 0);
  const [only] = some;
  if (only === undefined) return NOTHING;
  if (some.length === 1) return only;
  return {
    findings: some.flatMap(({ findings }) => findings),
    additions: some.flatMap(({ additions }) => additions),
  };
}

/** Of variants that all fail, the one that the author meant: the one that fails deeper than at its root. */
export function noneOf(variants: readonly Findings[], at: Value): Findings {
  const deep = ({ path }: Finding): boolean => path.length > at.path.length;
  const meant = variants.find(({ findings }) => findings.every(deep));
  if (meant !== undefined) return { findings: meant.findings, additions: [] };
  const nouns = variants.flatMap(({ findings }) => findings.map(({ expected }) => expected));
  const expected = [...new Set(nouns.filter((noun) => noun !== undefined))].join(' or ');
  return { findings: [mismatch(at, expected || 'one of its variants')], additions: [] };
}

/** A size between the bounds that two keywords set. */
export function bounds(
  schema: Readonly<Record<string, unknown>>,
  [least, most]: readonly [string, string],
  size: number,
  unit: string,
  { path }: Value,
): Finding[] {
  const low = schema[least];
  const high = schema[most];
  const wrong = (expected: string): Finding[] => [
    {
      path,
      message: size === 0 && unit === ' characters' ? 'must not be empty' : `expected ${expected}, came ${size}`,
      expected,
    },
  ];
  if (typeof low === 'number' && size < low) return wrong(`at least ${low}${unit}`);
  return typeof high === 'number' && size > high ? wrong(`at most ${high}${unit}`) : [];
}

const NUMBER_TESTS: readonly (readonly [
  key: string,
  expected: string,
  holds: (value: number, bound: number) => boolean,
])[] = [
  ['minimum', 'at least', (value, bound) => value >= bound],
  ['exclusiveMinimum', 'more than', (value, bound) => value > bound],
  ['maximum', 'at most', (value, bound) => value <= bound],
  ['exclusiveMaximum', 'less than', (value, bound) => value < bound],
  ['multipleOf', 'a multiple of', isMultiple],
];

export function numberFindings(schema: JsonSchema, value: number, at: Value): Finding[] {
  const found: Finding[] = [];
  for (const [key, expected, holds] of NUMBER_TESTS) {
    const bound = schema[key];
    if (typeof bound === 'number' && !holds(value, bound)) found.push(mismatch(at, `${expected} ${bound}`));
  }
  return found;
}

/** Entries that an earlier one equals. */
export function duplicates(list: readonly unknown[], { path }: Value): Finding[] {
  const first = new Map<string, number>();
  return list.flatMap((value, index) => {
    const key = canonical(value);
    const before = first.get(key);
    if (before === undefined) first.set(key, index);
    return before === undefined
      ? []
      : [{ path: [...path, index], message: `is the same as [${before}]: entries must differ` }];
  });
}

/** `: expected a text`, for what is required and absent. */
export function expectationOf(schema: JsonSchema | boolean): string {
  const noun = isRecord(schema) ? typeNoun(schema) : undefined;
  return noun === undefined ? '' : `: expected ${noun}`;
}

/** Decimal, as it is written: 0.3 is a multiple of 0.1, although 0.3 % 0.1 is not 0. */
function isMultiple(value: number, divisor: number): boolean {
  const places = Math.min(100, Math.max(decimals(value), decimals(divisor)));
  const whole = scaled(divisor, places);
  return whole === 0n ? value % divisor === 0 : scaled(value, places) % whole === 0n;
}

function decimals(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent));
}

function scaled(value: number, places: number): bigint {
  return Number.isInteger(value)
    ? BigInt(value) * 10n ** BigInt(places)
    : BigInt(value.toFixed(places).replace('.', ''));
}
