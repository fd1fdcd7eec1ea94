/**
 * What can be read of a document that may be wrong everywhere: names, dependencies, templates, expressions. The checks
 * of the graph run over it, so that a wrong type in one task does not hide a cycle among the others.
 */
import type { Path } from './faults.ts';
import { expressionsOf } from './expression.ts';
import { isRecord } from './json.ts';
import { listOf } from './shape.ts';
import { eachOf, type Steps } from './steps.ts';

/** A text of a document, with its place: as text only where there is a fault. */
export interface Placed {
  readonly path: Path;
  readonly text: string;
}

/** One task, as far as it can be read. */
export interface OutlineTask {
  readonly path: Path;
  readonly name: string | undefined;
  readonly dependsOn: readonly Placed[];
  readonly templates: readonly Placed[];
  readonly expressions: readonly Placed[];
}

/** A document, as far as it can be read. */
export interface Outline {
  readonly tasks: readonly OutlineTask[];
  /** Properties of the input, where its schema allows no others. */
  readonly input: ReadonlySet<string> | undefined;
}

/** Reads what can be read. */
export function* outlineOf(source: unknown): Steps<Outline> {
  const input = isRecord(source) ? source['input'] : undefined;
  const tasks: OutlineTask[] = [];
  yield* eachOf(listOf(source), (task, position) => {
    tasks.push(outlineOfTask(isRecord(task) ? task : {}, ['tasks', position]));
  });
  return { tasks, input: closedProperties(input) };
}

function outlineOfTask(task: Readonly<Record<string, unknown>>, path: Path): OutlineTask {
  const name = task['name'];
  const kind = task['kind'];
  const text = (value: unknown, ...steps: string[]): Placed[] =>
    typeof value === 'string' ? [{ path: [...path, ...steps], text: value }] : [];
  const dependsOn: readonly unknown[] = Array.isArray(task['dependsOn']) ? task['dependsOn'] : [];
  const approval = task['approval'];
  // Other kinds have other variables (`item`, `event`); their templates are checked once they are supported.
  const isKnown = kind === undefined || kind === 'code';
  return {
    path,
    name: typeof name === 'string' && name !== '' ? name : undefined,
    dependsOn: dependsOn.flatMap((entry, index) =>
      typeof entry === 'string' ? [{ path: [...path, 'dependsOn', index], text: entry }] : [],
    ),
    templates: isKnown
      ? [
          ...text(task['description'], 'description'),
          ...(kind === undefined ? text(task['prompt'], 'prompt') : []),
          ...(kind === undefined ? text(task['system'], 'system') : []),
          ...text(task['approvalPrompt'], 'approvalPrompt'),
          ...(isRecord(approval) ? text(approval['prompt'], 'approval', 'prompt') : []),
        ]
      : [],
    expressions: kind === 'code' ? expressionsOf(task['input'], [...path, 'input']) : [],
  };
}

function closedProperties(schema: unknown): ReadonlySet<string> | undefined {
  if (!isRecord(schema) || schema['additionalProperties'] !== false || schema['patternProperties'] !== undefined) {
    return undefined;
  }
  const properties = schema['properties'];
  return new Set(isRecord(properties) ? Object.keys(properties) : []);
}
