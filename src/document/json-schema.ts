/**
 * JSON Schema, read by zod. Zod passes over what it does not know; here a schema that would not be kept is refused or
 * completed, since a check that silently does nothing is worse than none.
 */
import { z } from 'zod';
import { FermataError, type Fault } from '../errors.ts';
import type { Path } from './faults.ts';
import { issueFaults } from './issues.ts';
import { isRecord } from './json.ts';

/** A JSON Schema as it stands in a document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const checkers = new WeakMap<JsonSchema, z.ZodType>();

const typeName = z.enum(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const subschema = z.union([z.boolean(), z.record(z.string(), z.unknown())]);
const count = z.int().min(0).optional();
const amount = z.number().optional();

/** The keywords whose wrong values zod would pass over. */
const keywords = z.object({
  type: z.union([typeName, z.array(typeName).min(1)]).optional(),
  properties: z.record(z.string(), subschema).optional(),
  patternProperties: z.record(z.string(), subschema).optional(),
  $defs: z.record(z.string(), subschema).optional(),
  definitions: z.record(z.string(), subschema).optional(),
  additionalProperties: subschema.optional(),
  required: z.array(z.string()).optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  items: z.union([subschema, z.array(subschema)]).optional(),
  anyOf: z.array(subschema).min(1).optional(),
  oneOf: z.array(subschema).min(1).optional(),
  allOf: z.array(subschema).min(1).optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  ...Object.fromEntries(
    ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map((key) => [key, count]),
  ),
  ...Object.fromEntries(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map((key) => [key, amount]),
  ),
});

/** Without `type`, zod lets these keywords go unchecked. */
const IMPLIED_TYPES = [
  [
    'object',
    [
      'properties',
      'required',
      'additionalProperties',
      'patternProperties',
      'propertyNames',
      'minProperties',
      'maxProperties',
    ],
  ],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
] as const;
const TYPED = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'not'];
/** Anything that is there; `z.any()` would also take a field that is absent. */
const PRESENT = ['string', 'number', 'boolean', 'object', 'array', 'null'];

/** What makes a JSON Schema unusable. */
export function schemaFaults(schema: JsonSchema, path: Path): Fault[] {
  const faults: Fault[] = [];
  const complete = completed(schema, path, faults);
  if (faults.length > 0) return faults;
  try {
    keep(schema, complete);
    return [];
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return issueFaults(
      { code: 'custom', path: [], message: `cannot be read as a JSON Schema: ${reason}` },
      schema,
      path,
    );
  }
}

/**
 * Checks a value against a JSON Schema, and puts its defaults in place.
 *
 * @param path where the value stands, for the paths of faults: `['input']`
 * @throws FermataError `invalidDocument` where the schema itself is unusable: its document was not checked at load
 */
export function checkValue(
  schema: JsonSchema,
  value: unknown,
  path: Path,
): { value: unknown; faults: readonly Fault[] } {
  const checker = checkers.get(schema) ?? compile(schema);
  const checked = checker.safeParse(value);
  if (checked.success) return { value: checked.data, faults: [] };
  return { value, faults: checked.error.issues.flatMap((issue) => issueFaults(issue, value, path)) };
}

function compile(schema: JsonSchema): z.ZodType {
  const faults = schemaFaults(schema, ['schema']);
  const checker = checkers.get(schema);
  if (checker !== undefined) return checker;
  const reasons = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new FermataError('invalidDocument', `The JSON Schema cannot be used: ${reasons}.`, { faults });
}

function keep(schema: JsonSchema, complete: JsonSchema): void {
  // A registry of its own: in the global one two schemas of the same `id` would collide, and none would ever be freed.
  checkers.set(schema, z.fromJSONSchema(complete, { registry: z.registry() }));
}

/** The same schema with what it implies written out: the type of its keywords, a property for each required name. */
function completed(schema: JsonSchema, path: Path, faults: Fault[]): JsonSchema {
  const checked = keywords.safeParse(schema);
  if (!checked.success) {
    faults.push(...checked.error.issues.flatMap((issue) => issueFaults(issue, schema, path)));
    return schema;
  }
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] => [
    key,
    completedPart(key, value, [...path, key], faults),
  ]);
  const result: Record<string, unknown> = Object.fromEntries(entries);
  if (!TYPED.some((key) => key in result)) {
    const implied = IMPLIED_TYPES.find(([, names]) => names.some((key) => key in result));
    if (implied !== undefined) result['type'] = implied[0];
  }
  if (checked.data.required !== undefined)
    result['properties'] = withRequired(result['properties'], checked.data.required);
  return result;
}

function completedPart(key: string, value: unknown, path: Path, faults: Fault[]): unknown {
  const each = (part: unknown, step: PropertyKey): unknown =>
    isRecord(part) ? completed(part, [...path, step], faults) : part;
  if (['properties', 'patternProperties', '$defs', 'definitions'].includes(key) && isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, each(part, name)]));
  }
  if (['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items'].includes(key) && Array.isArray(value)) return value.map(each);
  if (['items', 'additionalProperties', 'contains'].includes(key) && isRecord(value))
    return completed(value, path, faults);
  return value;
}

function withRequired(properties: unknown, required: readonly string[]): unknown {
  const result: Record<string, unknown> = { ...(isRecord(properties) ? properties : {}) };
  for (const name of required) {
    const property = Object.hasOwn(result, name) ? result[name] : {};
    const part = property === true ? {} : property;
    if (isRecord(part) && !('default' in part) && !TYPED.some((key) => key in part))
      result[name] = { ...part, type: PRESENT };
  }
  return result;
}
