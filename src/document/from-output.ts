/** Whether a task may hold in its output the tasks that it adds (`onComplete.addTasks: fromOutput`). */
import { FROM_OUTPUT } from './definition.ts';
import { formatPath, type Faults, type Path } from './faults.ts';
import { isRecord } from './json.ts';
import { GIVES, TASK_SCHEMAS, type Kind } from './kinds/index.ts';
import { schemaAt } from './schema-path.ts';

const A: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a number',
  boolean: 'true or false',
  array: 'a list',
};

/** Adds a fault where what the task gives can never hold tasks: every run of it would fail when it completes. */
export function checkFromOutput(task: Readonly<Record<string, unknown>>, kind: Kind, path: Path, faults: Faults): void {
  const { onComplete, responseFormat = 'text' } = task;
  if (!isRecord(onComplete) || onComplete['addTasks'] !== FROM_OUTPUT) return;
  const fault = faultOf(GIVES[kind](task));
  if (fault === undefined) return;
  const isText = 'responseFormat' in TASK_SCHEMAS[kind].shape && responseFormat === 'text';
  const help = `${isText ? 'write responseFormat: json, or ' : ''}name a registered function that makes tasks of it`;
  const message = `fromOutput takes tasks from an object { tasks: […] }, and the output of this task ${fault}: ${help}`;
  faults.add(formatPath([...path, 'onComplete', 'addTasks']), message);
}

function faultOf(schema: unknown): string | undefined {
  const { type } = isRecord(schema) ? schema : {};
  const types = Array.isArray(type) ? type : [type];
  const known = types.flatMap((one) => (typeof one === 'string' && Object.hasOwn(A, one) ? [A[one]] : []));
  if (known.length > 0 && !types.includes('object')) return `is ${known.join(' or ')}`;
  const place = schemaAt(schema, ['tasks']);
  if ('step' in place) return place.closed ? 'has no field "tasks"' : undefined;
  return place.type === 'array' || place.type === 'any'
    ? undefined
    : `has "tasks" that are ${A[place.type] ?? 'an object'}`;
}
