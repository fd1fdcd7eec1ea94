/** Values of journals, contexts and outputs as JSON: what JSON cannot carry is written in its nearest JSON form. */

/**
 * A copy of `value` that `JSON.stringify` writes whole: dates as ISO 8601, maps and sets as lists, big integers as
 * texts, errors with name and message, bytes in base64.
 *
 * @example
 * toJson({ seen: new Set([1]), at: new Date(0) }) // { seen: [1], at: '1970-01-01T00:00:00.000Z' }
 */
export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Map) return [...value].map(toJson);
  if (value instanceof Set) return [...value].map(toJson);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Error) return { name: value.name, message: value.message, ...record(value) };
  if ('toJSON' in value && typeof value.toJSON === 'function') return toJson(value.toJSON());
  return record(value);
}

function record(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toJson(part)]));
}

/** Milliseconds since 1970 as ISO 8601 UTC; null stays null. */
export function iso(at: number): string;
export function iso(at: number | null): string | null;
export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
