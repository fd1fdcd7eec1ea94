/** JSON as values of CEL and back, after CEL's own mapping: durations are texts of seconds (`90s`), bytes are base64. */
import { Optional } from '@marcbachmann/cel-js';
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';

/**
 * JSON as CEL can read it. CEL asks a value for its `constructor` to learn what it is, and takes a field of that name
 * for the answer: such an object becomes a Map, which it knows as well. Whatever holds none is handed over as it is.
 */
export function toCel(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const entries = value.map(toCel);
    return entries.some((entry, index) => entry !== value[index]) ? entries : value;
  }
  const fields = Object.entries(value).map(([name, entry]): [string, unknown] => [name, toCel(entry)]);
  if (Object.hasOwn(value, 'constructor')) return new Map(fields);
  return fields.some(([name, entry]) => entry !== Reflect.get(value, name)) ? Object.fromEntries(fields) : value;
}

/**
 * A result of CEL as JSON; undefined for an empty optional.
 *
 * @param refuse told what JSON cannot carry: a whole number beyond 2^53, a type
 */
export function fromCel(value: unknown, refuse: (what: string) => never): unknown {
  if (typeof value === 'bigint') return toNumber(value, refuse);
  if (typeof value === 'number') return Number.isFinite(value) ? value : refuse(`the number ${value}`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => fromCel(entry, refuse) ?? null);
  if (value instanceof Optional) return value.hasValue() ? fromCel(value.value(), refuse) : undefined;
  if (value instanceof UnsignedInt) return toNumber(BigInt(value.valueOf()), refuse);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Duration) return `${value.valueOf() / 1_000}s`;
  if (value instanceof Uint8Array) return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(''));
  if (value instanceof Map) return fromEntries([...value], refuse);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return refuse('a type');
  return fromEntries(Object.entries(value), refuse);
}

function fromEntries(entries: readonly [unknown, unknown][], refuse: (what: string) => never): unknown {
  const converted = entries.map(([key, entry]): [string, unknown] => [String(key), fromCel(entry, refuse)]);
  return Object.fromEntries(converted.filter(([, entry]) => entry !== undefined));
}

function toNumber(value: bigint, refuse: (what: string) => never): number {
  const safe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  return safe ? Number(value) : refuse(`the whole number ${value}`);
}
