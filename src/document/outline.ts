/**
 * What can be read of a document that may be wrong everywhere: names, dependencies, templates, expressions. The checks
 * of the graph run over it, so that a wrong type in one task does not hide a cycle among the others.
 */
import type { Path } from './faults.ts';
import { isRecord } from './json.ts';
import { kindOf, PLACES } from './kinds/index.ts';
import { textAt, type Placed } from './kinds/places.ts';
import { listOf } from './shape.ts';
import { eachOf, type Steps } from './steps.ts';

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
  const kind = kindOf(task);
  const dependsOn: readonly unknown[] = Array.isArray(task['dependsOn']) ? task['dependsOn'] : [];
  const approval = task['approval'];
  // The variables of a kind that is not supported yet are unknown as well.
  const own = kind === undefined ? undefined : PLACES[kind](task, path);
  return {
    path,
    name: typeof name === 'string' && name !== '' ? name : undefined,
    dependsOn: dependsOn.flatMap((entry, index) =>
      typeof entry === 'string' ? [{ path: [...path, 'dependsOn', index], text: entry }] : [],
    ),
    templates:
      own === undefined
        ? []
        : [
            ...textAt(task, path, 'description'),
            ...own.templates,
            ...textAt(task, path, 'approvalPrompt'),
            ...(isRecord(approval) ? textAt(approval, [...path, 'approval'], 'prompt') : []),
          ],
    expressions: own?.expressions ?? [],
  };
}

function closedProperties(schema: unknown): ReadonlySet<string> | undefined {
  if (!isRecord(schema) || schema['additionalProperties'] !== false || schema['patternProperties'] !== undefined) {
    return undefined;
  }
  const properties = schema['properties'];
  return new Set(isRecord(properties) ? Object.keys(properties) : []);
}
