/**
 * The keywords of JSON Schema (draft 2020-12, and of draft 7 `definitions`, `dependencies`, `items` as a list). What is
 * not among them is refused by its name: a check that silently does nothing is worse than none. Annotations say nothing
 * about a value and are taken as they are: `title`, `description`, `examples`, `contentEncoding` …, and all `x-…`.
 */
import { z } from 'zod';
import { FermataError, type Fault } from '../../errors.ts';
import { formatPath, type Path } from '../faults.ts';
import { issueFaults } from '../issues.ts';
import { isRecord } from '../json.ts';
import { didYouMean } from '../nearest.ts';
import { FORMAT_NAMES } from './formats.ts';
import { Pattern } from './pattern.ts';
import { circleFaults, targetOf } from './references.ts';

/** A JSON Schema as it stands in a document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Names of the types of JSON; `integer` is a number without a fraction. */
export const typeName = z.enum(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

const subschema = z.union([z.boolean(), z.record(z.string(), z.unknown())]);
const names = z.array(z.string());
/** A map by name. Zod leaves out a field called `__proto__` of what it gives back, so only its verdict is used. */
const record = z.looseObject({});
const count = z.int().min(0);
const amount = z.number();

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const ONE = ['additionalProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else', 'additionalItems'];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];

const DESCRIPTIONS = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'];
const CONTENTS = ['readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType', 'contentSchema'];

const keywords = z
  .strictObject({
    ...all(DESCRIPTIONS, z.unknown()),
    ...all(CONTENTS, z.unknown()),
    ...all(ONE, subschema),
    ...all(LISTS, z.array(subschema).min(1)),
    ...all(MAPS, record),
    ...all(['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'], count),
    ...all(['minContains', 'maxContains'], count),
    ...all(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], amount),
    $ref: z.string(),
    type: z.union([typeName, z.array(typeName).min(1)]),
    enum: z.array(z.unknown()).min(1),
    const: z.unknown(),
    required: names,
    items: z.union([subschema, z.array(subschema)]),
    uniqueItems: z.boolean(),
    dependentRequired: record,
    dependencies: record,
    multipleOf: amount.gt(0),
    pattern: z.string(),
    format: z.string(),
  })
  .partial();
const KNOWN = Object.keys(keywords.shape);

/** Keywords that exist elsewhere, and what to write instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['nullable', 'write type: ["string", "null"]'],
  ['unevaluatedProperties', 'write additionalProperties'],
  ['unevaluatedItems', 'write items'],
  ['discriminator', 'write oneOf with a const in each'],
  ['$anchor', 'refer to a schema by its place: #/$defs/NAME'],
  ['$dynamicRef', 'write $ref'],
  ['$dynamicAnchor', 'write $ref'],
  ['$recursiveRef', 'write $ref'],
  ['$vocabulary', 'the keywords are those of draft 2020-12'],
  ['id', 'write $id'],
]);

/** Everything that makes a JSON Schema unusable, in all of its parts. */
export function keywordFaults(root: JsonSchema, base: Path): Fault[] {
  const faults: Fault[] = [];
  const add = (found: readonly Fault[]): void => {
    for (const fault of found) faults.push(fault);
  };
  const places = new Map<JsonSchema, Path>([[root, base]]);
  // The map grows while it is walked: without recursion, and each schema once.
  for (const [schema, path] of places) {
    const checked = keywords.safeParse(schema);
    for (const issue of checked.error?.issues ?? []) {
      if (issue.code === 'unrecognized_keys') add(issue.keys.flatMap((key) => unknownFaults(key, path)));
      else add(issueFaults(issue, schema, path));
    }
    add(meaningFaults(schema, path, root));
    for (const part of partsOf(schema, root)) {
      const place = [...path, ...part.path];
      if (isRecord(part.schema)) {
        if (!places.has(part.schema)) places.set(part.schema, place);
      } else if (typeof part.schema !== 'boolean') {
        faults.push({ path: formatPath(place), message: 'expected a JSON Schema: an object, true or false' });
      }
    }
  }
  return faults.length > 0 ? faults : circleFaults(root, places.keys(), base);
}

/** The schemas inside of one, and the one that it refers to, with their places in it. */
function partsOf(schema: JsonSchema, root: JsonSchema): { readonly schema: unknown; readonly path: Path }[] {
  const named = (key: string, wanted: (part: unknown) => boolean = () => true) =>
    Object.entries(isRecord(schema[key]) ? schema[key] : {})
      .filter(([, part]) => wanted(part))
      .map(([name, part]) => ({ schema: part, path: [key, name] }));
  const list = (key: string) =>
    (Array.isArray(schema[key]) ? schema[key] : []).map((part: unknown, index) => ({
      schema: part,
      path: [key, index],
    }));
  const one = (key: string) => (isRecord(schema[key]) ? [{ schema: schema[key], path: [key] }] : []);
  const { $ref } = schema;
  const target = typeof $ref === 'string' ? targetOf(root, $ref) : undefined;
  return [
    ...(target === undefined ? [] : [{ schema: target, path: ['$ref'] }]),
    ...[...ONE, 'items'].flatMap(one),
    ...[...LISTS, 'items'].flatMap(list),
    ...MAPS.flatMap((key) => named(key)),
    ...named('dependencies', (part) => !Array.isArray(part)),
  ];
}

function unknownFaults(key: string, path: Path): Fault[] {
  if (key.startsWith('x-')) return [];
  const instead = REFUSED.get(key);
  const message =
    instead === undefined
      ? `unknown keyword ${JSON.stringify(key)} of JSON Schema${didYouMean(key, KNOWN)}`
      : `the keyword ${JSON.stringify(key)} is not supported: ${instead}`;
  return [{ path: formatPath([...path, key]), message }];
}

/** Faults that the types of the keywords do not show. */
function meaningFaults(schema: JsonSchema, path: Path, root: JsonSchema): Fault[] {
  const faults: Fault[] = [];
  const add = (key: string, message: string, ...steps: string[]): void => {
    faults.push({ path: formatPath([...path, key, ...steps]), message });
  };
  const { format, pattern, patternProperties, $ref } = schema;
  if (typeof format === 'string' && !FORMAT_NAMES.includes(format)) {
    const hint = didYouMean(format, FORMAT_NAMES) || `: known are ${FORMAT_NAMES.join(', ')}`;
    add('format', `unknown format ${JSON.stringify(format)}, which would not be checked${hint}`);
  }
  const patternFault = typeof pattern === 'string' ? faultOf(pattern) : undefined;
  if (patternFault !== undefined) add('pattern', patternFault);
  for (const source of Object.keys(isRecord(patternProperties) ? patternProperties : {})) {
    const fault = faultOf(source);
    if (fault !== undefined) add('patternProperties', fault, source);
  }
  if (typeof $ref === 'string' && targetOf(root, $ref) === undefined)
    add('$ref', `nothing stands at ${JSON.stringify($ref)}: expected "#" or "#/$defs/NAME" of this schema`);
  for (const [key, isList] of [
    ['dependentRequired', () => true],
    ['dependencies', Array.isArray],
  ] as const) {
    for (const [name, needed] of Object.entries(isRecord(schema[key]) ? schema[key] : {})) {
      if (isList(needed) && !names.safeParse(needed).success) add(key, 'expected a list of names', name);
    }
  }
  return faults;
}

function faultOf(source: string): string | undefined {
  try {
    new Pattern(source);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    return `the pattern ${JSON.stringify(source.slice(0, 100))} ${thrown.message}`;
  }
}

function all<Shape extends z.ZodType>(keys: readonly string[], shape: Shape): Record<string, Shape> {
  return Object.fromEntries(keys.map((key) => [key, shape]));
}
