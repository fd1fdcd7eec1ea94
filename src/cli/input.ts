/** `--input key=value`: texts of the command line as the values that a workflow's input schema asks for. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FermataError } from '../errors.ts';

type Schema = Readonly<Record<string, unknown>>;

/** How deep alternatives and references of a schema are followed; a schema may refer to itself. */
const MAX_DEPTH = 8;

/**
 * The input that `--input` options stand for. A value is a text where the schema takes one (or says nothing), otherwise
 * JSON: `3`, `true`, `["a"]`. `key=@file` reads the value from a file, `key=@@x` is the text `@x`. What does not fit the
 * schema stays a text, and the check of the input says what was expected.
 *
 * @param directory where relative files are
 * @example
 * await readInput(['topic=tea', 'depth=3'], { properties: { depth: { type: 'integer' } } }, '.') // { topic: 'tea', depth: 3 }
 * @throws FermataError `invalidRequest` for what is not `key=value`, a key given twice, a file that cannot be read
 */
export async function readInput(
  options: readonly string[],
  schema: unknown,
  directory: string,
): Promise<Readonly<Record<string, unknown>>> {
  const input = new Map<string, unknown>();
  for (const option of options) {
    const [, key, text] = /^([^=]+)=([^]*)$/.exec(option) ?? [];
    if (key === undefined || text === undefined) {
      throw wrong(`--input expects key=value, came ${JSON.stringify(option)}: write --input topic="tea houses".`);
    }
    if (input.has(key))
      throw wrong(`--input gives ${JSON.stringify(key)} twice: keep one of them (a list is JSON: ${key}='["a","b"]').`);
    input.set(key, typed(await textOf(key, text, directory), propertyOf(schema, key)));
  }
  return Object.fromEntries(input);
}

/**
 * Names that a schema requires and an input lacks.
 *
 * @example
 * missingInput({}, { required: ['topic'] }) // ['topic']
 */
export function missingInput(input: Readonly<Record<string, unknown>>, schema: unknown): readonly string[] {
  if (!isSchema(schema) || !Array.isArray(schema['required'])) return [];
  const hasDefault = (name: string): boolean => {
    const { property } = propertyOf(schema, name);
    return isSchema(property) && 'default' in property;
  };
  return schema['required'].map(String).filter((name) => !Object.hasOwn(input, name) && !hasDefault(name));
}

async function textOf(key: string, text: string, directory: string): Promise<string> {
  if (text.startsWith('@@')) return text.slice(1);
  if (!text.startsWith('@')) return text;
  const path = resolve(directory, text.slice(1));
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw wrong(
      `--input ${key}=${text} cannot be read (${causeOf(cause)}): name an existing file, or write ${key}=@${text} for the text itself.`,
      cause,
    );
  }
}

function typed(text: string, schema: { readonly root: Schema; readonly property: unknown }): unknown {
  const types = typesOf(schema.property, schema.root, 0);
  if (types.size === 0 || types.has('string')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return types.has(typeName(value)) ? value : text;
  } catch {
    return text;
  }
}

/** Names of the types that a schema takes; none: it says nothing about them. Integers are numbers here. */
function typesOf(schema: unknown, root: Schema, depth: number): Set<string> {
  if (!isSchema(schema) || depth > MAX_DEPTH) return new Set();
  if (typeof schema['$ref'] === 'string') return typesOf(follow(schema['$ref'], root), root, depth + 1);
  const written = [schema['type']].flat().filter((type) => typeof type === 'string');
  if (written.length > 0) return new Set(written.map((type) => (type === 'integer' ? 'number' : type)));
  if ('const' in schema) return new Set([typeName(schema['const'])]);
  if (Array.isArray(schema['enum'])) return new Set(schema['enum'].map(typeName));
  const alternatives = [schema['anyOf'], schema['oneOf'], schema['allOf']].flat().filter(isSchema);
  return new Set(alternatives.flatMap((alternative) => [...typesOf(alternative, root, depth + 1)]));
}

function propertyOf(schema: unknown, key: string): { readonly root: Schema; readonly property: unknown } {
  const root = isSchema(schema) ? schema : {};
  const { properties, additionalProperties } = root;
  const known = isSchema(properties) && Object.hasOwn(properties, key);
  return { root, property: known ? properties[key] : additionalProperties };
}

/** `#/$defs/step`. */
function follow(reference: string, root: Schema): unknown {
  const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  return path.reduce<unknown>((schema, name) => (isSchema(schema) ? schema[name] : undefined), root);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  // JSON.parse gives Infinity for 1e999, which JSON cannot carry on
  return typeof value === 'number' && !Number.isFinite(value) ? 'none' : typeof value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function causeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
}

function wrong(message: string, cause?: unknown): FermataError {
  return new FermataError('invalidRequest', message, { cause });
}
