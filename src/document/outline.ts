/**
 * What can be read of a document that may be wrong everywhere: names, dependencies, templates, expressions. The checks
 * of the graph run over it, so that a wrong type in one task does not hide a cycle among the others.
 */
import { conditionAt } from './condition.ts';
import { expressionsOf } from './expression.ts';
import type { Path } from './faults.ts';
import { isRecord } from './json.ts';
import { branchesAt } from './kinds/condition.ts';
import { GIVES, kindOf, PLACES, type Kind } from './kinds/index.ts';
import { textAt, type Placed, type Reading } from './kinds/places.ts';
import { listOf } from './shape.ts';
import { eachOf, type Steps } from './steps.ts';

/** Of these the author has said what they give. Of others expressions may ask more than their types have, such as `!= null`. */
const DECLARED: ReadonlySet<Kind> = new Set(['model', 'planExecuteReflect', 'condition']);

/** One task, as far as it can be read. */
export interface OutlineTask extends Reading {
  readonly path: Path;
  readonly name: string | undefined;
  readonly dependsOn: readonly Placed[];
  readonly conditions: readonly Placed[];
  readonly switches: readonly Placed[];
  readonly outputs: readonly Placed[];
  /** Tasks that it chooses among: they depend on it. */
  readonly branches: readonly Placed[];
  /** It is done as tasks of their own, which are named after it. */
  readonly hasItems: boolean;
  /** JSON Schema of its output, where it is known. */
  readonly output: unknown;
}

/** A document, as far as it can be read. */
export interface Outline {
  readonly tasks: readonly OutlineTask[];
  /** Properties of the input, where its schema allows no others. */
  readonly input: ReadonlySet<string> | undefined;
  /** JSON Schema of the input, where there is one. */
  readonly inputSchema: unknown;
}

/** Reads what can be read. */
export function* outlineOf(source: unknown): Steps<Outline> {
  const input = isRecord(source) ? source['input'] : undefined;
  const tasks: OutlineTask[] = [];
  yield* eachOf(listOf(source), (task, position) => {
    tasks.push(outlineOfTask(isRecord(task) ? task : {}, ['tasks', position]));
  });
  return { tasks, input: closedProperties(input), inputSchema: input };
}

function outlineOfTask(task: Readonly<Record<string, unknown>>, path: Path): OutlineTask {
  const name = task['name'];
  const kind = kindOf(task);
  const dependsOn: readonly unknown[] = Array.isArray(task['dependsOn']) ? task['dependsOn'] : [];
  return {
    path,
    name: typeof name === 'string' && name !== '' ? name : undefined,
    dependsOn: dependsOn.flatMap((entry, index) =>
      typeof entry === 'string' ? [{ path: [...path, 'dependsOn', index], text: entry }] : [],
    ),
    ...readingOf(task, path),
    branches: branchesAt(task, path),
    hasItems: task['kind'] === 'map' || (task['kind'] === 'reduce' && task['arity'] !== undefined),
    output: kind !== undefined && DECLARED.has(kind) ? GIVES[kind](task) : undefined,
  };
}

/** Where a task reads, and the tasks inside of it. The variables of a kind that is not supported yet are unknown. */
function readingOf(task: Readonly<Record<string, unknown>>, path: Path): Required<Reading> {
  const kind = kindOf(task);
  if (kind === undefined) return { templates: [], expressions: [], conditions: [], switches: [], outputs: [] };
  const own = PLACES[kind](task, path);
  const approval = task['approval'];
  const inner = kind === 'map' && isRecord(task['task']) ? readingOf(task['task'], [...path, 'task']) : undefined;
  const ofItems = (placed: readonly Placed[] = []): readonly Placed[] =>
    placed.map((one) => ({ ...one, variables: [...new Set([...(one.variables ?? []), 'item', 'index'])] }));
  return {
    templates: [
      ...textAt(task, path, 'description'),
      ...own.templates,
      ...textAt(task, path, 'approvalPrompt'),
      ...(isRecord(approval) ? textAt(approval, [...path, 'approval'], 'prompt') : []),
      ...ofItems(inner?.templates),
    ],
    expressions: [...own.expressions, ...ofItems(inner?.expressions)],
    conditions: [
      ...conditionAt(task, path, 'when'),
      ...conditionAt(task, path, 'cancelWhen'),
      ...(own.conditions ?? []),
      ...ofItems(inner?.conditions),
    ],
    switches: [...(own.switches ?? []), ...ofItems(inner?.switches)],
    outputs: [...outputsAt(task, path), ...ofItems(inner?.outputs)],
  };
}

function outputsAt(task: Readonly<Record<string, unknown>>, path: Path): readonly Placed[] {
  const { outputs } = task;
  if (!isRecord(outputs)) return [];
  const expressions = expressionsOf(outputs['shared'], [...path, 'outputs', 'shared']);
  return expressions.map((placed) => ({ ...placed, variables: ['result'] }));
}

function closedProperties(schema: unknown): ReadonlySet<string> | undefined {
  if (!isRecord(schema) || schema['additionalProperties'] !== false || schema['patternProperties'] !== undefined) {
    return undefined;
  }
  const properties = schema['properties'];
  return new Set(isRecord(properties) ? Object.keys(properties) : []);
}
