type Schema = Readonly<Record<string, unknown>>;

/** References may be recursive: beyond this depth optional parts are left out. */
const MAX_DEPTH = 6;

/**
 * A small value that fits a JSON Schema, for a model that is only scripted. It knows types, properties, items, enums,
 * constants, bounds, alternatives and local references; patterns and formats it does not.
 *
 * @param text what strings are filled with
 * @example
 * sampleValue({ type: 'object', properties: { n: { type: 'integer', minimum: 3 } } }, 'text') // { n: 3 }
 */
export function sampleValue(schema: unknown, text: string): unknown {
  return sample(schema, { root: schema, text, depth: 0 });
}

interface Sampling {
  readonly root: unknown;
  readonly text: string;
  readonly depth: number;
}

function sample(schema: unknown, sampling: Sampling): unknown {
  if (!isSchema(schema)) return sampling.text;
  const inner = { ...sampling, depth: sampling.depth + 1 };
  if (sampling.depth > 4 * MAX_DEPTH) return null;
  if (typeof schema['$ref'] === 'string') return sample(resolve(schema['$ref'], sampling.root), inner);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  for (const keyword of ['anyOf', 'oneOf']) {
    const alternatives = schema[keyword];
    // the last one is mostly null, which ends a recursion
    if (Array.isArray(alternatives)) return sample(alternatives.at(sampling.depth > MAX_DEPTH ? -1 : 0), inner);
  }
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type ?? (schema['properties'] === undefined ? 'string' : 'object')) {
    case 'object':
      return sampleObject(schema, inner);
    case 'array':
      return Array.from({ length: itemCount(schema, sampling.depth) }, () => sample(schema['items'], inner));
    case 'integer':
      return Math.ceil(lowest(schema));
    case 'number':
      return lowest(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleText(schema, sampling.text);
  }
}

function sampleObject(schema: Schema, inner: Sampling): Record<string, unknown> {
  const properties = isSchema(schema['properties']) ? Object.entries(schema['properties']) : [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const kept = properties.filter(([name]) => inner.depth <= MAX_DEPTH || required.includes(name));
  return Object.fromEntries(kept.map(([name, property]) => [name, sample(property, inner)]));
}

function itemCount({ minItems }: Schema, depth: number): number {
  const least = typeof minItems === 'number' ? minItems : 0;
  return depth > MAX_DEPTH ? least : Math.max(1, least);
}

function lowest({ minimum, exclusiveMinimum, maximum }: Schema): number {
  if (typeof minimum === 'number') return minimum;
  if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1;
  return typeof maximum === 'number' ? Math.min(1, maximum) : 1;
}

function sampleText({ minLength, maxLength }: Schema, text: string): string {
  const long = typeof minLength === 'number' ? text.padEnd(minLength, '.') : text;
  return typeof maxLength === 'number' ? long.slice(0, maxLength) : long;
}

/** `#/$defs/step`, or `#` for the whole schema. */
function resolve(reference: string, root: unknown): unknown {
  const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  return path.reduce<unknown>(
    (schema, name) => (isSchema(schema) ? schema[decodeURIComponent(name)] : undefined),
    root,
  );
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
