type Schema = Readonly<Record<string, unknown>>;

const KEYWORDS = new Set(
  (
    '$schema $ref $defs definitions title description type enum const anyOf properties required additionalProperties ' +
    'items minItems maxItems pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf'
  ).split(' '),
);

const FORMATS = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']);

const MAX_NESTING = 10;

/**
 * Whether OpenAI's strict mode takes this JSON Schema: an object at the root; every object closed
 * (`additionalProperties: false`) with every property required; no keyword that strict mode does not know. A schema
 * that it does not take is refused with 400 and the task can never run, so what is in doubt counts as no: without
 * strict mode the answer is still checked here and asked for again once.
 *
 * @example
 * allowsStrict({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }) // true
 */
export function allowsStrict(schema: Schema): boolean {
  return schema['type'] === 'object' && isStrict(schema, 0);
}

function isStrict(schema: unknown, nesting: number): boolean {
  if (!isSchema(schema) || nesting > MAX_NESTING) return false;
  if (!Object.keys(schema).every((keyword) => KEYWORDS.has(keyword))) return false;
  const { format, items, anyOf, properties } = schema;
  if (format !== undefined && !(typeof format === 'string' && FORMATS.has(format))) return false;
  const types = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  if ((types.includes('object') || properties !== undefined) && !isClosed(schema)) return false;
  if (types.includes('array') && items === undefined) return false;
  const inner = [
    ...(items === undefined ? [] : [items]),
    ...(Array.isArray(anyOf) ? anyOf : anyOf === undefined ? [] : [undefined]),
    ...Object.values(isSchema(properties) ? properties : {}),
  ];
  // definitions start their own nesting: where they are used is not followed, recursion is allowed
  const definitions = [schema['$defs'], schema['definitions']].flatMap((group) =>
    Object.values(isSchema(group) ? group : {}),
  );
  return inner.every((part) => isStrict(part, nesting + 1)) && definitions.every((part) => isStrict(part, 0));
}

function isClosed({ properties, required, additionalProperties }: Schema): boolean {
  if (additionalProperties !== false || !isSchema(properties) || !Array.isArray(required)) return false;
  return Object.keys(properties).every((name) => required.includes(name));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
