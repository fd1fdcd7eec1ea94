/** References inside of a JSON Schema: `#`, and `#/…` as a JSON Pointer (RFC 6901). */
import type { Fault } from '../../errors.ts';
import { formatPath, type Path } from '../faults.ts';
import { isRecord } from '../json.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The schema that a reference means, or undefined where there is none. */
export function targetOf(root: Schema, reference: string): Schema | boolean | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined;
  let target: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const key = unescaped(step);
    if (key === undefined || typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) {
      return undefined;
    }
    target = Reflect.get(target, key);
  }
  return isRecord(target) || typeof target === 'boolean' ? target : undefined;
}

function unescaped(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}

/** Keywords whose schemas are about the very value that the schema around them is about. */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependencies'];

/** A schema that refers to itself for one and the same value would be checked without end. */
export function circleFaults(root: Schema, schemas: Iterable<Schema>, base: Path): Fault[] {
  const state = new Map<Schema, 'open' | 'done'>();
  const stack: { readonly schema: Schema; readonly rest: Schema[] }[] = [];
  const enter = (schema: Schema): void => {
    state.set(schema, 'open');
    stack.push({ schema, rest: inPlace(root, schema) });
  };
  for (const start of schemas) {
    if (!state.has(start)) enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.pop();
      if (next === undefined) {
        state.set(top.schema, 'done');
        stack.pop();
      } else if (state.get(next) === 'open') {
        const message = 'a schema in it refers to itself for the same value, without going into a property or an item';
        return [{ path: formatPath(base), message }];
      } else if (!state.has(next)) enter(next);
    }
  }
  return [];
}

function inPlace(root: Schema, schema: Schema): Schema[] {
  const { $ref } = schema;
  const target = typeof $ref === 'string' ? targetOf(root, $ref) : undefined;
  const parts = IN_PLACE.flatMap((key): unknown[] => {
    const value = schema[key];
    if (Array.isArray(value)) return value;
    if (!isRecord(value)) return [];
    return key.startsWith('depend') ? Object.values(value) : [value];
  });
  return [target, ...parts].filter(isRecord);
}
