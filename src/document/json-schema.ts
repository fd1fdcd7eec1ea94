/**
 * JSON Schema (draft 2020-12): the input of a run, and answers of models. Every keyword that is taken is kept; what is
 * not known, or could not be kept, is refused when its document is loaded. Formats are checked, not mere annotations.
 *
 * Not read by `z.fromJSONSchema`: it passes over keywords that it does not know and over those beside an `enum`, a
 * `$ref` or an `anyOf`, drops fields called `__proto__`, and tests patterns with JavaScript's own, which backtrack.
 */
import { FermataError, type Fault } from '../errors.ts';
import { formatPath, type Path } from './faults.ts';
import { Check } from './json-schema/check.ts';
import { withAdditions } from './json-schema/defaults.ts';
import { keywordFaults, type JsonSchema } from './json-schema/keywords.ts';

export type { JsonSchema } from './json-schema/keywords.ts';

/** An answer of 100,000 faults helps nobody. */
const MOST_LISTED = 1_000;

/** Schemas without faults. A schema is the same for ever: it belongs to a stored document. */
const usable = new WeakSet<JsonSchema>();

/**
 * What makes a JSON Schema unusable.
 *
 * @example
 * schemaFaults({ minimun: 5 }, ['input'])
 * // [{ path: 'input.minimun', message: 'unknown keyword "minimun" of JSON Schema: did you mean "minimum"?' }]
 */
export function schemaFaults(schema: JsonSchema, path: Path): Fault[] {
  const faults = keywordFaults(schema, path);
  if (faults.length === 0) usable.add(schema);
  return faults;
}

/**
 * Checks a value against a JSON Schema, and puts the defaults of absent properties in place.
 *
 * @param path where the value stands, for the paths of faults: `['input']`
 * @throws FermataError `invalidDocument` where the schema itself is unusable: its document was not checked at load
 */
export function checkValue(
  schema: JsonSchema,
  value: unknown,
  path: Path,
): { value: unknown; faults: readonly Fault[] } {
  if (!usable.has(schema)) assertUsable(schema);
  const { findings, additions } = new Check(schema, value).run(value, path);
  if (findings.length === 0) return { value: withAdditions(value, additions, path.length), faults: [] };
  const faults = findings
    .slice(0, MOST_LISTED)
    .map(({ path: place, message }): Fault => ({ path: formatPath(place), message }));
  const unlisted = findings.length - faults.length;
  return { value, faults: unlisted === 0 ? faults : [...faults, { path: '', message: `and ${unlisted} faults more` }] };
}

function assertUsable(schema: JsonSchema): void {
  const faults = schemaFaults(schema, ['schema']);
  if (faults.length === 0) return;
  const reasons = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new FermataError('invalidDocument', `The JSON Schema cannot be used: ${reasons}.`, { faults });
}
