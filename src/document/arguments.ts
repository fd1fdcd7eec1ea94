/**
 * What a `code` task gives its function, against what the function declares: as much as the document itself says before
 * a run starts, the values before each call.
 */
import { z } from 'zod';
import { FermataError, type Fault } from '../errors.ts';
import { formatPath } from './faults.ts';
import { issueFaults } from './issues.ts';
import { checkValue, schemaFaults, type JsonSchema } from './json-schema.ts';
import { didYouMean } from './nearest.ts';

/** A schema of zod, or a JSON Schema. */
export type ArgumentsSchema = z.ZodType | JsonSchema;

/** Which call it is. */
export interface ArgumentsOf {
  readonly task: string;
  readonly function: string;
}

/** What can be said of arguments without their values. */
interface Outline {
  /** Schema of each argument that is declared. */
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: readonly string[];
  /** Arguments that are not declared are refused: nothing would ever read them. */
  readonly closed: boolean;
}

/** A schema is the same for ever: it belongs to a registered function. */
const outlines = new WeakMap<ArgumentsSchema, Outline>();

/**
 * Checks what the document says: names, and values that are no expressions.
 *
 * @param tree the task's `input`: texts are expressions
 * @throws FermataError `invalidArgument` with every fault
 */
export function checkWrittenArguments(
  schema: ArgumentsSchema,
  tree: Readonly<Record<string, unknown>>,
  of: ArgumentsOf,
): void {
  const { properties, required } = outlineOf(schema);
  const missing = required
    .filter((name) => !Object.hasOwn(tree, name))
    .map((name): Fault => ({ path: formatPath([name]), message: 'is required, and the task does not give it' }));
  const wrong = Object.entries(tree).flatMap(([name, value]) => {
    const declared = properties.get(name);
    return declared === undefined || hasExpression(value) ? [] : checkValue(declared, value, [name]).faults;
  });
  refuse([...unknownNames(schema, tree), ...missing, ...wrong], of);
}

/**
 * Checks values before a call. Answers with what the schema makes of them, defaults included.
 *
 * @throws FermataError `invalidArgument` with every fault
 */
export async function readArguments(
  schema: ArgumentsSchema,
  values: Readonly<Record<string, unknown>>,
  of: ArgumentsOf,
): Promise<unknown> {
  refuse(unknownNames(schema, values), of);
  if (!isZod(schema)) {
    const { value, faults } = checkValue(schema, values, []);
    refuse(faults, of);
    return value;
  }
  const parsed = await schema.safeParseAsync(values);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => issueFaults(issue, values));
  refuse(faults, of);
  return values;
}

/** What makes a JSON Schema of a function unusable; none for a schema of zod. */
export function argumentsSchemaFaults(schema: ArgumentsSchema): readonly Fault[] {
  return isZod(schema) ? [] : schemaFaults(schema, ['input']);
}

function refuse(faults: readonly Fault[], { task, function: name }: ArgumentsOf): void {
  if (faults.length === 0) return;
  const reasons = faults.map(({ path, message }) => (path === '' ? message : `"${path}" ${message}`)).join('; ');
  throw new FermataError(
    'invalidArgument',
    `Task "${task}" gives the function "${name}" wrong arguments: ${reasons}. Correct the task's input.`,
    { faults: faults.map(({ path, message }) => ({ path: path === '' ? 'input' : `input.${path}`, message })) },
  );
}

function unknownNames(schema: ArgumentsSchema, given: Readonly<Record<string, unknown>>): Fault[] {
  const { properties, closed } = outlineOf(schema);
  if (!closed) return [];
  const known = [...properties.keys()];
  return Object.keys(given)
    .filter((name) => !properties.has(name))
    .map((name) => ({
      path: formatPath([name]),
      message: `is no argument of it${didYouMean(name, known) || `; it takes ${known.join(', ') || 'none'}`}`,
    }));
}

function outlineOf(schema: ArgumentsSchema): Outline {
  const known = outlines.get(schema);
  if (known !== undefined) return known;
  const json = isZod(schema) ? jsonOf(schema) : schema;
  const { properties, required, additionalProperties, $defs } = json;
  const entries = Object.entries(isObject(properties) ? properties : {}).flatMap(([name, property]) => {
    if (!isObject(property)) return [];
    const declared = $defs === undefined ? property : { ...property, $defs };
    // What a schema of zod says and JSON Schema cannot is checked before the call.
    return [[name, schemaFaults(declared, []).length === 0 ? declared : {}] as const];
  });
  const outline = {
    properties: new Map<string, JsonSchema>(entries),
    required: Array.isArray(required) ? required.map(String) : [],
    // An object of zod drops what it does not know, which is a typing error more often than not.
    closed: isObject(properties) && (additionalProperties === false || (isZod(schema) && !additionalProperties)),
  };
  outlines.set(schema, outline);
  return outline;
}

function jsonOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}

function isZod(schema: ArgumentsSchema): schema is z.ZodType {
  return schema instanceof z.ZodType;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Texts are expressions: what they come to is known only in the run. */
function hasExpression(tree: unknown): boolean {
  if (typeof tree === 'string') return true;
  return typeof tree === 'object' && tree !== null && Object.values(tree).some(hasExpression);
}
