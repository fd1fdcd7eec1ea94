/** Defaults of a JSON Schema, put in place in a copy: the value that was given stays as it is. */
import type { Path } from '../faults.ts';

/** A property that is absent, and what stands for it. */
export interface Addition {
  readonly path: Path;
  readonly value: unknown;
}

/**
 * The value with its additions; the very same value where there are none. Only what is on the way to one is copied.
 *
 * @param base how many steps of each path lead to `root`
 */
export function withAdditions(root: unknown, additions: readonly Addition[], base: number): unknown {
  if (additions.length === 0) return root;
  const copies = new Map<object, object>();
  const copyOf = (value: object): object => {
    const known = copies.get(value);
    if (known !== undefined) return known;
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
    copies.set(value, copy);
    copies.set(copy, copy);
    return copy;
  };
  const result = copyOf(root as object);
  for (const { path, value } of additions) {
    let place = result;
    for (const step of path.slice(base, -1)) {
      const inner = copyOf(Reflect.get(place, step) as object);
      put(place, step, inner);
      place = inner;
    }
    const last = path.at(-1);
    if (last !== undefined && !Object.hasOwn(place, last)) put(place, last, structuredClone(value));
  }
  return result;
}

/** An assignment to `__proto__` would change what the object is. */
function put(object: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
