/** The input of a run against the JSON Schema of its document. */
import { FermataError } from '../errors.ts';
import type { Definition } from './definition.ts';
import { describeValue, faultsMessage } from './faults.ts';
import { isRecord, jsonFaults } from './json.ts';
import { checkValue } from './json-schema.ts';

/**
 * The input of a run, with the defaults of its schema in place. Without a schema any object will do; no input is `{}`.
 *
 * @example
 * checkInput(definition, { topic: 'tea' }) // { topic: 'tea', depth: 3 }
 * @throws FermataError `invalidInput` with every fault, each with its path (`input.topic`)
 */
export function checkInput(definition: Definition, input: unknown): unknown {
  const given = input === undefined ? {} : input;
  const { structure, nul } = jsonFaults(given, ['input']);
  // What contains itself, or is nested without end, cannot be walked by a schema.
  const checked = structure.length > 0 ? { value: given, faults: [] } : checkAgainst(definition.input, given);
  const faults = [...structure, ...nul, ...checked.faults];
  if (faults.length === 0) return checked.value;
  const subject = `The input of workflow ${JSON.stringify(definition.name)}`;
  throw new FermataError('invalidInput', faultsMessage(subject, faults), { faults });
}

function checkAgainst(schema: Definition['input'], input: unknown): ReturnType<typeof checkValue> {
  if (schema !== undefined) return checkValue(schema, input, ['input']);
  const message = `expected an object, came ${describeValue(input)}`;
  return { value: input, faults: isRecord(input) ? [] : [{ path: 'input', message }] };
}
