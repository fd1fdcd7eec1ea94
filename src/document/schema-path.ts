/** What a JSON Schema says of one place in the values it describes: so that a typing error is found before there are values. */
import { isRecord } from './json.ts';

/** What is known of a value; `any` where the schema does not say. */
export type SchemaType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'any';

/** What stands at the end of a path; or the first step that cannot be there. */
export type SchemaPlace =
  | { readonly type: SchemaType }
  | {
      /** Number of the step. */
      readonly step: number;
      /** The fields that there are; undefined: it is no object at all, but `type`. */
      readonly known: ReadonlySet<string> | undefined;
      readonly type: SchemaType;
      /** The schema allows no others. */
      readonly closed: boolean;
    };

/** With one of these a schema says more than can be told from its fields alone. */
const BEYOND = ['$ref', '$dynamicRef', 'anyOf', 'oneOf', 'allOf', 'not', 'if', 'patternProperties'] as const;
const TYPES: Readonly<Record<string, SchemaType>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'array',
  object: 'object',
};

/**
 * Follows a path into a schema.
 *
 * @param path undefined where a step is computed at run time
 * @example
 * schemaAt({ type: 'object', properties: { age: { type: 'integer' } } }, ['age']) // { type: 'number' }
 */
export function schemaAt(schema: unknown, path: readonly (string | undefined)[]): SchemaPlace {
  let current = schema;
  for (const [step, name] of path.entries()) {
    const type = typeOf(current);
    if (!isRecord(current) || type === 'any') return { type: 'any' };
    if (type === 'array') {
      current = name === undefined || /^\d+$/.test(name) ? current['items'] : undefined;
    } else if (type === 'object') {
      if (name === undefined) return { type: 'any' };
      const properties = isRecord(current['properties']) ? current['properties'] : {};
      const more = current['additionalProperties'];
      if (Object.hasOwn(properties, name)) current = properties[name];
      else if (isRecord(more)) current = more;
      else return { step, type, known: new Set(Object.keys(properties)), closed: more === false };
    } else return { step, type, known: undefined, closed: true };
  }
  return { type: typeOf(current) };
}

function typeOf(schema: unknown): SchemaType {
  if (!isRecord(schema) || BEYOND.some((word) => Object.hasOwn(schema, word))) return 'any';
  const { type } = schema;
  if (typeof type === 'string') return TYPES[type] ?? 'any';
  return type === undefined && isRecord(schema['properties']) ? 'object' : 'any';
}
