/** The answer of a model against the JSON Schema that its task asks for. */
import { jsonFaults } from './json.ts';
import { checkValue, type JsonSchema } from './json-schema.ts';

/**
 * What is wrong with an answer, in sentences that can be shown to the model; none where it is right.
 *
 * @example
 * checkAnswer({ type: 'object', required: ['title'] }, {}) // ['answer.title: is required']
 */
export function checkAnswer(schema: JsonSchema, value: unknown): readonly string[] {
  // Nothing could keep it, and what it has cost would be lost with it.
  const { structure } = jsonFaults(value, ['answer']);
  const faults = structure.length > 0 ? structure : checkValue(schema, value, ['answer']).faults;
  return faults.map(({ path, message }) => `${path}: ${message}`);
}
