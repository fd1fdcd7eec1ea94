/**
 * JSON Schema (draft 2020-12): the input of a run, and answers of models. Every keyword that is taken is kept; what is
 * not known, or could not be kept, is refused when its document is loaded. Formats are checked, not mere annotations.
 *
 * Checked by Ajv. Not read by `z.fromJSONSchema`: it passes over keywords that it does not know and over those beside
 * an `enum`, a `$ref` or an `anyOf`, drops fields called `__proto__`, and tests patterns with JavaScript's own, which
 * backtrack.
 */
import { FermataError, type Fault } from '../errors.ts';
import { formatPath, type Path } from './faults.ts';
import { compile } from './json-schema-dialect.ts';
import { prepare, type JsonSchema } from './json-schema-prepare.ts';
import { findings } from './json-schema-words.ts';

export type { JsonSchema } from './json-schema-prepare.ts';

/** An answer of 100,000 faults helps nobody. */
const MOST_LISTED = 1_000;

/** A schema is the same for ever: it belongs to a stored document. */
const validators = new WeakMap<JsonSchema, ReturnType<typeof compile>>();

/**
 * What makes a JSON Schema unusable.
 *
 * @example
 * schemaFaults({ minimun: 5 }, ['input'])
 * // [{ path: 'input.minimun', message: 'unknown keyword "minimun" of JSON Schema: did you mean "minimum"?' }]
 */
export function schemaFaults(schema: JsonSchema, path: Path): Fault[] {
  try {
    return prepare(schema, path).faults;
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return [{ path: formatPath(path), message: 'is nested too deeply' }];
  }
}

/**
 * Checks a value against a JSON Schema, and puts the defaults of absent properties in place, in a copy.
 *
 * @param path where the value stands, for the paths of faults: `['input']`
 * @throws FermataError `invalidDocument` where the schema itself is unusable: its document was not checked at load
 */
export function checkValue(
  schema: JsonSchema,
  value: unknown,
  path: Path,
): { value: unknown; faults: readonly Fault[] } {
  const validate = validatorOf(schema);
  try {
    const copy = structuredClone(value);
    const found = findings(validate(copy), copy, path);
    if (found.length === 0) return { value: copy, faults: [] };
    const faults = found
      .slice(0, MOST_LISTED)
      .map(({ path: place, message }): Fault => ({ path: formatPath(place), message }));
    const unlisted = found.length - faults.length;
    return {
      value,
      faults: unlisted === 0 ? faults : [...faults, { path: '', message: `and ${unlisted} faults more` }],
    };
  } catch (thrown) {
    return { value, faults: [{ path: formatPath(path), message: unfinished(thrown) }] };
  }
}

function validatorOf(schema: JsonSchema): ReturnType<typeof compile> {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const faults = schemaFaults(schema, ['schema']);
  if (faults.length > 0) {
    const reasons = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new FermataError('invalidDocument', `The JSON Schema cannot be used: ${reasons}.`, { faults });
  }
  try {
    const validate = compile(prepare(schema, []).schema);
    validators.set(schema, validate);
    return validate;
  } catch (thrown) {
    const reason = thrown instanceof RangeError ? 'it is nested too deeply' : String(thrown);
    throw new FermataError('invalidDocument', `The JSON Schema cannot be used: ${reason}.`, { cause: thrown });
  }
}

/** Why a check did not come to its end. */
function unfinished(thrown: unknown): string {
  if (thrown instanceof FermataError) return thrown.message;
  if (!(thrown instanceof RangeError)) throw thrown;
  return 'cannot be checked: it is nested too deeply, or its schema refers to itself without going into a property or an item';
}
