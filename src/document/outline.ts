/**
 * What can be read of a document that may be wrong everywhere: names, dependencies, templates, expressions. The checks
 * of the graph run over it, so that a wrong type in one task does not hide a cycle among the others.
 */
import type { Path } from './faults.ts';
import { isRecord } from './json.ts';
import { kindOf, PLACES } from './kinds/index.ts';
import { textAt, type Placed, type Reading } from './kinds/places.ts';
import { listOf } from './shape.ts';
import { eachOf, type Steps } from './steps.ts';

/** One task, as far as it can be read. */
export interface OutlineTask extends Reading {
  readonly path: Path;
  readonly name: string | undefined;
  readonly dependsOn: readonly Placed[];
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
  const dependsOn: readonly unknown[] = Array.isArray(task['dependsOn']) ? task['dependsOn'] : [];
  return {
    path,
    name: typeof name === 'string' && name !== '' ? name : undefined,
    dependsOn: dependsOn.flatMap((entry, index) =>
      typeof entry === 'string' ? [{ path: [...path, 'dependsOn', index], text: entry }] : [],
    ),
    ...readingOf(task, path),
  };
}

/** The variables of a kind that is not supported yet are unknown as well. */
function readingOf(task: Readonly<Record<string, unknown>>, path: Path): Reading {
  const kind = kindOf(task);
  if (kind === undefined) return { templates: [], expressions: [] };
  const own = PLACES[kind](task, path);
  const approval = task['approval'];
  const inner = kind === 'map' && isRecord(task['task']) ? readingOf(task['task'], [...path, 'task']) : undefined;
  return {
    templates: [
      ...textAt(task, path, 'description'),
      ...own.templates,
      ...textAt(task, path, 'approvalPrompt'),
      ...(isRecord(approval) ? textAt(approval, [...path, 'approval'], 'prompt') : []),
      ...(inner?.templates.map(ofItem) ?? []),
    ],
    expressions: [...own.expressions, ...(inner?.expressions.map(ofItem) ?? [])],
  };
}

function ofItem(placed: Placed): Placed {
  return { ...placed, ofItem: true };
}

function closedProperties(schema: unknown): ReadonlySet<string> | undefined {
  if (!isRecord(schema) || schema['additionalProperties'] !== false || schema['patternProperties'] !== undefined) {
    return undefined;
  }
  const properties = schema['properties'];
  return new Set(isRecord(properties) ? Object.keys(properties) : []);
}
