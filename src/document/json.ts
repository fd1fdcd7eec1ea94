/** Is a value JSON? Documents and inputs are stored as JSON text; what JSON cannot carry is refused by its path. */
import type { Fault } from '../errors.ts';
import { describeValue, formatPath, type Path } from './faults.ts';
import { atOnce, type Steps } from './steps.ts';

/** Deeper values would overflow the stack of whoever writes or walks them. */
const DEEPEST = 100;
/** Values between two interruptions: about a millisecond. */
const VALUES_PER_STEP = 1_000;
/** Faults of a kind that are listed: a list of a million holes would have a million. */
const MOST_LISTED = 1_000;

/** Narrows to a JSON object: neither null nor a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `jsonFaults` found: the first 1,000 of each. */
export interface JsonFindings {
  /** Values that no later check could walk: a circle, too deep, a function, a Date. */
  readonly structure: readonly Fault[];
  /** Texts that hold NUL, which databases and C libraries cut off or refuse. */
  readonly nul: readonly Fault[];
}

/**
 * Finds what JSON cannot carry in a value, and NUL characters in its texts and keys. A field that is `undefined`
 * counts as absent.
 *
 * @example
 * jsonFaults({ when: new Date() }).structure // [{ path: 'when', message: 'expected JSON, came an instance of Date' }]
 */
export function jsonFaults(root: unknown, base: Path = []): JsonFindings {
  return atOnce(walkJson(root, base));
}

/** `jsonFaults`, to be interrupted. */
export function* walkJson(root: unknown, base: Path = []): Steps<JsonFindings> {
  const structure: Fault[] = [];
  const nul: Fault[] = [];
  const open = new Map<object, Path>();
  const done = new Set<object>();
  const stack: Frame[] = [];

  const text = (value: string, path: () => Path): void => {
    if (!value.includes('\0') || nul.length === MOST_LISTED) return;
    nul.push({ path: formatPath(path()), message: 'must not contain a NUL character (U+0000)' });
  };
  // The path is made where it is needed: most values are texts and numbers without a fault.
  const look = (value: unknown, path: () => Path): void => {
    if (typeof value === 'string') return text(value, path);
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return;
    const fault = structureFault(value, stack.length, open);
    if (fault !== undefined) {
      structure.push({ path: formatPath(path()), message: fault });
    } else if (typeof value === 'object' && !done.has(value)) {
      const place = path();
      open.set(value, place);
      stack.push({ value, path: place, entries: Array.isArray(value) ? value.entries() : fieldsOf(value) });
    }
  };

  look(root, () => base);
  let visited = 0;
  for (let top = stack.at(-1); top !== undefined && structure.length < MOST_LISTED; top = stack.at(-1)) {
    const { value, path, entries } = top;
    const next = entries.next();
    if (next.done === true) {
      stack.pop();
      open.delete(value);
      done.add(value);
      continue;
    }
    if (++visited % VALUES_PER_STEP === 0) yield;
    const [key, entry] = next.value;
    const place = (): Path => [...path, key];
    if (typeof key === 'string') text(key, place);
    if (entry !== undefined || typeof key === 'number') look(entry, place);
  }
  return { structure, nul };
}

interface Frame {
  readonly value: object;
  readonly path: Path;
  readonly entries: Iterator<readonly [string | number, unknown]>;
}

function fieldsOf(value: object): Iterator<readonly [string, unknown]> {
  return Object.entries(value).values();
}

function structureFault(value: unknown, depth: number, open: ReadonlyMap<object, Path>): string | undefined {
  if (typeof value !== 'object' || value === null) return `expected JSON, came ${describeValue(value)}`;
  const outer = open.get(value);
  if (outer !== undefined) return `expected JSON, came a value that contains itself: it is ${placeOf(outer)} again`;
  if (depth > DEEPEST) return `is nested deeper than ${DEEPEST} levels`;
  if (Array.isArray(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return undefined;
  const name: unknown = Reflect.get(Reflect.get(prototype as object, 'constructor') as object, 'name');
  return `expected JSON, came an instance of ${String(name)}`;
}

function placeOf(path: Path): string {
  return path.length === 0 ? 'the whole value' : formatPath(path);
}
