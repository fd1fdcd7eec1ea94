/** Is a value JSON? Documents and inputs are stored as JSON text; what JSON cannot carry is refused by its path. */
import type { Fault } from '../errors.ts';
import { describeValue, formatPath, type Path } from './faults.ts';

/** Deeper values would overflow the stack of whoever writes or walks them. */
const DEEPEST = 100;

/** Narrows to a JSON object: neither null nor a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What `jsonFaults` found. */
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
  const structure: Fault[] = [];
  const nul: Fault[] = [];
  const open = new Set<object>();
  const done = new Set<object>();

  const text = (value: string, path: Path): void => {
    if (value.includes('\0'))
      nul.push({ path: formatPath(path), message: 'must not contain a NUL character (U+0000)' });
  };

  const visit = (value: unknown, path: Path): void => {
    if (typeof value === 'string') return text(value, path);
    if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return;
    const fault = structureFault(value, path.length - base.length, open);
    if (fault !== undefined) {
      structure.push({ path: formatPath(path), message: fault });
      return;
    }
    if (typeof value !== 'object' || value === null || done.has(value)) return;
    open.add(value);
    if (Array.isArray(value)) for (const [index, entry] of value.entries()) visit(entry, [...path, index]);
    else {
      for (const [key, entry] of Object.entries(value)) {
        if (key.includes('\0')) text(key, [...path, key]);
        if (entry !== undefined) visit(entry, [...path, key]);
      }
    }
    open.delete(value);
    done.add(value);
  };

  visit(root, base);
  return { structure, nul };
}

function structureFault(value: unknown, depth: number, open: ReadonlySet<object>): string | undefined {
  if (typeof value !== 'object' || value === null) return `expected JSON, came ${describeValue(value)}`;
  if (open.has(value)) return 'expected JSON, came a value that contains itself';
  if (depth > DEEPEST) return `is nested deeper than ${DEEPEST} levels`;
  if (Array.isArray(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return undefined;
  return `expected JSON, came an instance of ${value.constructor.name}`;
}
