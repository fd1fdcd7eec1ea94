/** JSON Schemas as documents have them: what is wrong with them, and what of them Ajv is to check. */
import type { Fault } from '../errors.ts';
import { formatPath, type Path } from './faults.ts';
import { DEFAULTS, FORMAT_NAMES, patternFault, standard, STEPS } from './json-schema-dialect.ts';
import { findings } from './json-schema-words.ts';
import { isRecord } from './json.ts';
import { didYouMean } from './nearest.ts';

/** A JSON Schema as it stands in a document. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Behind more faults the nearest word is not looked for. */
const MOST_SUGGESTIONS = 50;
/** To compile so many takes Ajv about a second. */
const MOST_SCHEMAS = 5_000;

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const PARTS = ['items', 'additionalProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else'];
const ONE = new Set([...PARTS, 'additionalItems', 'unevaluatedItems', 'unevaluatedProperties']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']);
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']);

/** Keywords that Ajv knows, or other dialects have, and what to write instead. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['nullable', 'write type: ["string", "null"]'],
  ['discriminator', 'write oneOf with a const in each'],
  ['id', 'write $id'],
  ['$anchor', 'refer to a schema by its place: #/$defs/NAME'],
  ...['$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor'].map((key) => [key, 'write $ref'] as const),
  ['$vocabulary', 'the keywords are those of draft 2020-12'],
  ['$async', 'leave it out'],
]);
const KNOWN = [...Object.keys(standard.RULES.keywords), 'additionalItems'].filter((key) => !REFUSED.has(key));

/**
 * The schema with what its author means and the standard does not: `properties` without `type` mean an object, and a
 * name that is required is one that may be there. With all that is wrong with it.
 *
 * @throws RangeError where the schema nests too deeply
 */
export function prepare(root: JsonSchema, base: Path): { schema: JsonSchema | boolean; faults: Fault[] } {
  const faults: Fault[] = [];
  const places = new Set<string>();
  let compiled = 0;
  const references: (readonly [reference: string, path: Path])[] = [];
  const add = (path: Path, message: string): void => {
    faults.push({ path: formatPath([...base, ...path]), message });
  };
  const prepared = read(root, []);
  if (compiled > MOST_SCHEMAS) add([], `has ${compiled} schemas in it: expected at most ${MOST_SCHEMAS}`);
  for (const [reference, path] of references) {
    if (places.has(decoded(reference))) continue;
    add(path, `nothing stands at ${JSON.stringify(reference)}: expected "#" or "#/$defs/NAME" of this schema`);
  }
  if (faults.length === 0 && standard.validateSchema(prepared) === false)
    for (const { path, message } of findings(standard.errors ?? [], prepared, [])) add(path, message);
  return { schema: prepared, faults };

  function read(schema: unknown, path: Path): JsonSchema | boolean {
    places.add(pointer(path));
    if (typeof schema === 'boolean') return schema;
    if (!isRecord(schema)) {
      add(path, 'expected a JSON Schema: an object, true or false');
      return true;
    }
    compiled += 1;
    return completed(Object.fromEntries(keywordsOf(schema, path)), schema);
  }

  function keywordsOf(schema: JsonSchema, path: Path): (readonly [string, unknown])[] {
    return Object.entries(schema).flatMap(([key, value]): (readonly [string, unknown])[] => {
      const place = [...path, key];
      if (key.startsWith('x-')) return [];
      const instead = REFUSED.get(key);
      if (instead !== undefined) add(place, `the keyword ${JSON.stringify(key)} is not supported: ${instead}`);
      else if (!KNOWN.includes(key))
        add(place, `unknown keyword ${JSON.stringify(key)} of JSON Schema${suggested(key, KNOWN)}`);
      else checkTexts(key, value, place);
      if (LISTS.has(key) && Array.isArray(value))
        return [[key, value.map((part: unknown, index) => read(part, [...place, index]))]];
      if (ONE.has(key)) return [[key, read(value, place)]];
      if (MAPS.has(key) && isRecord(value))
        return [
          [
            key,
            mapped(value, (name, part) =>
              key === 'dependencies' && Array.isArray(part) ? part : read(part, [...place, name]),
            ),
          ],
        ];
      // Ajv knows the names of annotations, but has no rule for them. `$id` is one: references stay inside of a schema.
      return typeof standard.getKeyword(key) === 'object' && key !== '$comment' ? [[key, value]] : [];
    });
  }

  function checkTexts(key: string, value: unknown, place: Path): void {
    if (key === 'format' && typeof value === 'string' && !FORMAT_NAMES.includes(value)) {
      const hint = suggested(value, FORMAT_NAMES) || `: known are ${FORMAT_NAMES.join(', ')}`;
      add(place, `unknown format ${JSON.stringify(value)}, which would not be checked${hint}`);
    }
    if (key === '$ref' && typeof value === 'string') references.push([value, place]);
    if (key === 'pattern' && typeof value === 'string') checkPattern(value, place);
    if (key === 'patternProperties' && isRecord(value))
      for (const source of Object.keys(value)) checkPattern(source, [...place, source]);
  }

  /** Of 100,000 faults, looking for the nearest word would take seconds. */
  function suggested(word: string, names: readonly string[]): string {
    return faults.length < MOST_SUGGESTIONS ? didYouMean(word, names) : '';
  }

  function checkPattern(source: string, place: Path): void {
    const fault = patternFault(source);
    if (fault !== undefined) add(place, `the pattern ${JSON.stringify(source.slice(0, 100))} ${fault}`);
  }
}

/** What Ajv is to check of a schema whose parts are prepared; `written` is the schema as it stands in its document. */
function completed(schema: Readonly<Record<string, unknown>>, written: JsonSchema): JsonSchema | boolean {
  if (Object.keys(schema).length === 0) return true;
  const { items, additionalItems, ...copy }: Record<string, unknown> = schema;
  // Draft 7 has `items` for what is now `prefixItems`, and `additionalItems` for what is now `items`.
  if (Array.isArray(items)) copy['prefixItems'] = items;
  const rest = Array.isArray(items) ? additionalItems : items;
  if (rest !== undefined) copy['items'] = rest;
  const type = impliedType(copy);
  if (type !== undefined) copy['type'] = type;
  const required = Array.isArray(copy['required']) ? copy['required'].filter((name) => typeof name === 'string') : [];
  const properties = isRecord(copy['properties']) ? copy['properties'] : {};
  if (required.length > 0 && copy['additionalProperties'] === false)
    copy['properties'] = { ...Object.fromEntries(required.map((name) => [name, true])), ...properties };
  const parts = isRecord(written['properties']) ? Object.entries(written['properties']) : [];
  const defaults = parts.flatMap(([name, part]) =>
    isRecord(part) && part['default'] !== undefined ? [[name, part['default']]] : [],
  );
  if (defaults.length > 0) {
    const standing = new Set(defaults.map(([name]) => name));
    copy[DEFAULTS] = defaults;
    if (Array.isArray(copy['required'])) copy['required'] = copy['required'].filter((name) => !standing.has(name));
  }
  // Ajv passes over a property of this name.
  if (Object.hasOwn(properties, '__proto__')) {
    const patterns = isRecord(copy['patternProperties']) ? copy['patternProperties'] : {};
    copy['patternProperties'] = {
      ...patterns,
      '^__proto__$': Reflect.getOwnPropertyDescriptor(properties, '__proto__')?.value,
    };
  }
  copy[STEPS] = 1 + Object.keys(properties).length + required.length;
  return copy;
}

/** The one type of which all keywords of a schema speak, where it names none. */
function impliedType(schema: JsonSchema): string | undefined {
  const types = new Set<string>();
  for (const key of Object.keys(schema)) {
    const definition = standard.getKeyword(key);
    if (typeof definition !== 'object') continue;
    if (definition.type.length === 0) return undefined;
    types.add(key === 'format' ? 'string' : String(definition.type[0]));
  }
  const [only] = types;
  return types.size === 1 ? only : undefined;
}

function mapped(value: Readonly<Record<string, unknown>>, read: (name: string, part: unknown) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, read(name, part)]));
}

function pointer(path: Path): string {
  return ['#', ...path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/');
}

function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return '';
  }
}
