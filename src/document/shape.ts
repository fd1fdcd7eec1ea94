/** Does a document have the right fields, with the right types, within their limits? The first check at load. */
import { z } from 'zod';
import { checkDocumentChoices, checkModels } from './check-models.ts';
import { formatPath, describeValue, type Faults, type Path } from './faults.ts';
import { checkFromOutput } from './from-output.ts';
import { issueFaults, type Issue } from './issues.ts';
import { schemaFaults } from './json-schema.ts';
import { isRecord } from './json.ts';
import { commonFields, LIMITS } from './fields.ts';
import { kindOf, TASK_SCHEMAS, type CheckedTask } from './kinds/index.ts';
import { headFields, type CheckedDocument } from './schema.ts';
import { checkSharedKeys } from './shared-keys.ts';
import { eachOf, type Steps } from './steps.ts';
import { FORMER_NAMES, UNSUPPORTED_CONFIG_FIELDS, UNSUPPORTED_KINDS, UNSUPPORTED_TASK_FIELDS } from './unsupported.ts';

const headSchema = z.strictObject({ ...headFields, tasks: z.array(z.unknown()).min(1).max(LIMITS.tasks) });
const NAMED_BY_AUTHORS = ['cases', 'input', 'metadata'];
const NOT_OF_ITEMS: Readonly<Record<string, string>> = {
  name: '',
  dependsOn: '',
  onComplete:
    ': what each of them adds would be called the same; give it to the map, whose function sees what all of them gave',
};
const commonSchema = z.object(commonFields);
const fieldsOfKinds = Object.entries(TASK_SCHEMAS).map(([kind, { shape }]): [string, ReadonlySet<string>] => [
  kind,
  new Set(Object.keys(shape)),
]);
const configFields = Object.keys(headFields.config.unwrap().shape);

/** The document with its defaults in place, or undefined where something is wrong; what is wrong goes to `faults`. */
export function* checkShape(source: unknown, faults: Faults): Steps<CheckedDocument | undefined> {
  const before = faults.count;
  if (typeof source === 'string') {
    // JSON within a JSON text, or YAML within one: written out once too often.
    const hint = /[:{]/.test(source) ? '. A document within a text is not read: give it as it is' : '';
    faults.add('', `expected an object with name and tasks, came ${describeValue(source)}${hint}`);
    return undefined;
  }
  const head = headSchema.safeParse(source);
  if (!head.success) report(head.error.issues, headSchema, source, [], faults);
  checkDocumentChoices(source, faults);
  const tasks: CheckedTask[] = [];
  yield* eachOf(listOf(source), (task, position) => {
    const checked = checkTask(task, ['tasks', position], faults);
    if (checked !== undefined) tasks.push(checked);
  });
  return head.success && faults.count === before ? { ...head.data, tasks } : undefined;
}

/** The tasks of a document that may be wrong everywhere else. */
export function listOf(source: unknown): readonly unknown[] {
  const tasks: unknown = isRecord(source) ? source['tasks'] : undefined;
  return Array.isArray(tasks) ? tasks.slice(0, LIMITS.tasks) : [];
}

/** One task with its defaults in place, or undefined where something is wrong with it; what is wrong goes to `faults`. */
export function checkTask(task: unknown, path: Path, faults: Faults): CheckedTask | undefined {
  if (!isRecord(task)) {
    faults.add(formatPath(path), `expected an object, came ${describeValue(task)}`);
    return undefined;
  }
  checkShortForms(task, path, faults);
  checkSharedKeys(task, path, faults);
  checkOwnNames(task, path, faults);
  checkModels(task, path, faults);
  const kind = kindOf(task);
  if (kind === undefined) {
    reportKind(task['kind'], path, faults);
    const checked = commonSchema.safeParse(task);
    if (!checked.success) report(checked.error.issues, commonSchema, task, path, faults);
    return undefined;
  }
  checkFromOutput(task, kind, path, faults);
  const format = task['responseFormat'];
  if (isRecord(format)) checkSchema(format['schema'], [...path, 'responseFormat', 'schema'], faults);
  const schema = TASK_SCHEMAS[kind];
  const checked = schema.safeParse(task);
  if (checked.success)
    return 'kind' in checked.data && checked.data.kind === 'map'
      ? withItem(checked.data, task, path, faults)
      : checked.data;
  report(checked.error.issues, schema, task, path, faults);
  return undefined;
}

/** A JSON Schema inside of a document, of its input or of an answer; what is none has been said already. */
export function checkSchema(schema: unknown, place: Path, faults: Faults): void {
  if (!isRecord(schema)) return;
  for (const { path, message } of schemaFaults(schema, place)) faults.add(path, message);
}

/** The task of a map's items is one like any other, but that it has no name, waits for nobody and chooses nobody. */
function withItem(
  map: z.output<typeof TASK_SCHEMAS.map>,
  { task }: Readonly<Record<string, unknown>>,
  path: Path,
  faults: Faults,
): CheckedTask | undefined {
  const place = [...path, 'task'];
  if (!isRecord(task)) return undefined;
  for (const [field, reason] of Object.entries(NOT_OF_ITEMS))
    if (task[field] !== undefined)
      faults.add(
        formatPath([...place, field]),
        `the items of a map have no field ${JSON.stringify(field)} of their own${reason}`,
      );
  // Its branches would name nobody that listens.
  if (task['kind'] === 'condition')
    faults.add(
      formatPath([...place, 'kind']),
      'a condition chooses among the tasks of a document, and the items of a map are none: write "when" where some are to be skipped',
    );
  const item = checkTask({ ...task, name: 'item' }, place, faults);
  return item && { ...map, task: item };
}

function reportKind(kind: unknown, path: Path, faults: Faults): void {
  const place = formatPath([...path, 'kind']);
  if (typeof kind !== 'string') return faults.add(place, `expected a text, came ${describeValue(kind)}`);
  if (UNSUPPORTED_KINDS.has(kind)) return faults.addUnsupported(place, `a task of kind ${JSON.stringify(kind)}`);
  if (kind === 'model') return faults.add(place, 'unknown kind "model": a model call is a task without "kind"');
  const kinds = Object.keys(TASK_SCHEMAS).filter((name) => name !== 'model');
  const hint = faults.suggest(kind, [...kinds, ...UNSUPPORTED_KINDS]);
  const all = kinds.map((name) => JSON.stringify(name)).join(', ');
  faults.add(place, `unknown kind ${JSON.stringify(kind)}${hint || `: a task is a model call (no "kind") or ${all}`}`);
}

/** Fields of the author's own. Under this name the schema passes over them without a word. */
function checkOwnNames(task: Readonly<Record<string, unknown>>, path: Path, faults: Faults): void {
  for (const field of NAMED_BY_AUTHORS) {
    const named = task[field];
    if (isRecord(named) && Object.hasOwn(named, '__proto__'))
      faults.add(formatPath([...path, field, '__proto__']), 'must not be named "__proto__": nothing is kept under it');
  }
}

/** A short form could contradict its long form; the parts of a gate that is not asked for would be ignored. */
function checkShortForms(task: Readonly<Record<string, unknown>>, path: Path, faults: Faults): void {
  const retry = task['retry'];
  if (task['maxRetries'] !== undefined && isRecord(retry) && retry['maxRetries'] !== undefined) {
    faults.add(formatPath([...path, 'maxRetries']), 'is given twice: here and as retry.maxRetries; keep one');
  }
  const short = ['requiresApproval', 'approvalPrompt', 'approvalTimeoutSeconds', 'onReject'].filter(
    (field) => task[field] !== undefined,
  );
  const [first] = short;
  if (first === undefined) return;
  if (task['approval'] !== undefined) {
    faults.add(formatPath([...path, first]), 'is given beside "approval", its long form; keep one');
  } else if (task['requiresApproval'] === undefined) {
    faults.add(formatPath([...path, first]), 'has no effect without requiresApproval: true');
  }
}

function report(issues: readonly Issue[], schema: z.ZodType, root: unknown, base: Path, faults: Faults): void {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      const known = fieldsAt(schema, issue.path);
      for (const key of issue.keys) reportUnknown(key, known, [...base, ...issue.path], faults);
    } else {
      const known = issue.code === 'invalid_union' ? fieldsAt(schema, issue.path) : [];
      for (const { path, message } of issueFaults(issue, root, base, known)) faults.add(path, message);
    }
  }
}

function reportUnknown(key: string, known: readonly string[], parent: Path, faults: Faults): void {
  const place = formatPath([...parent, key]);
  const isTask = parent.length === 2 && parent[0] === 'tasks';
  const isConfig = parent.length === 1 && parent[0] === 'config';
  const later = isTask ? UNSUPPORTED_TASK_FIELDS : isConfig ? UNSUPPORTED_CONFIG_FIELDS : new Set<string>();
  if (later.has(key)) return faults.addUnsupported(place, `the field ${JSON.stringify(key)}`);
  const [owner] = isTask ? (fieldsOfKinds.find(([, fields]) => fields.has(key)) ?? []) : [];
  if (owner !== undefined) {
    const whose = owner === 'model' ? 'a model call, a task without "kind"' : `a task of kind "${owner}"`;
    return faults.add(place, `the field ${JSON.stringify(key)} belongs to ${whose}`);
  }
  const hint = hintFor(key, [...known, ...later], faults) || (parent.length === 0 ? hintForConfig(key, faults) : '');
  faults.add(place, `unknown field ${JSON.stringify(key)}${hint}`);
}

function hintFor(key: string, names: readonly string[], faults: Faults): string {
  const former = FORMER_NAMES.get(key);
  return former !== undefined && names.includes(former) ? `: did you mean "${former}"?` : faults.suggest(key, names);
}

/** Many a field of the config is looked for at the root of the document. */
function hintForConfig(key: string, faults: Faults): string {
  const names = [...configFields, ...UNSUPPORTED_CONFIG_FIELDS];
  if (names.includes(key)) return `: it belongs into config: write config.${key}`;
  return hintFor(key, names, faults).replace('mean "', 'mean "config.');
}

/** The fields of the object that stands at a path of a schema, or of all that may stand there. */
function fieldsAt(schema: z.ZodType, path: Path): readonly string[] {
  let inner: unknown = schema;
  for (const step of [...path, undefined]) {
    while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      inner = inner.unwrap();
    }
    if (inner instanceof z.ZodRecord && step !== undefined) {
      inner = inner.valueType;
      continue;
    }
    if (inner instanceof z.ZodArray && step === undefined) return fieldsAt(inner.element as z.ZodType, []);
    if (inner instanceof z.ZodUnion && step === undefined)
      return inner.options.flatMap((option) => fieldsAt(option as z.ZodType, []));
    if (!(inner instanceof z.ZodObject)) return [];
    if (step === undefined) return Object.keys(inner.shape);
    inner = inner.shape[String(step)];
  }
  return [];
}
