/** What a prompt or an expression reads: known when a document is loaded, so that a typing error is found then. */
import { formatPath, type Faults, type Path } from './faults.ts';
import type { RoundVariable } from './kinds/plan-execute-reflect.ts';
import { UNSUPPORTED_VARIABLES } from './unsupported.ts';

/** A value as prompts and expressions see it. */
export interface Scope extends Partial<Readonly<Record<RoundVariable, unknown>>> {
  readonly input: unknown;
  /** By name of the task. */
  readonly tasks: Readonly<Record<string, TaskResult>>;
  /** Of the item of a map: the item, and its number from 0. */
  readonly item?: unknown;
  readonly index?: number;
}

/** A task as prompts and expressions see it. `output` is absent where the task gave none. */
export interface TaskResult {
  readonly status: string;
  readonly output?: unknown;
}

/** One place that reads a variable. */
export interface Variable {
  /** From its root: `['tasks', 'plan', 'output']`; undefined where a step is computed at run time. */
  readonly path: readonly (string | undefined)[];
  /** `line 2, column 6`. */
  readonly at: string;
  /** Of an expression: the column of each step. */
  readonly columns?: readonly number[];
  /** Of an expression: from where to where it stands; absent where a step of it may be missing or is computed. */
  readonly span?: readonly [start: number, end: number];
  /** Of an expression: it is read for each entry of a list. */
  readonly inLoop?: true;
}

/** Everything that one template or expression reads. */
export interface Reads {
  readonly variables: readonly Variable[];
  /** First steps below `input`, without repetition. */
  readonly input: readonly string[];
  /** Names of tasks, without repetition. */
  readonly tasks: readonly string[];
}

/** What may be read at some place of a document. */
export interface Readable {
  /** Names of all tasks. */
  readonly tasks: Names;
  /** The task that reads: its own result is not there yet. */
  readonly self: string | undefined;
  /** Properties of the input, where its schema allows no others. */
  readonly input: ReadonlySet<string> | undefined;
  /** Variables that there are at this place only. */
  readonly own?: readonly string[] | undefined;
}

/** Names of tasks: those of a document, or of a run. What is gone through is what may be suggested. */
export type Names = Pick<ReadonlySet<string>, 'has' | 'size'> & Iterable<string>;

const MEMBERS: ReadonlySet<string> = new Set(['output', 'status']);

/** Sums up variables. */
export function readsOfVariables(variables: readonly Variable[]): Reads {
  const below = (root: string): string[] => {
    const names = variables.filter(({ path }) => path[0] === root).map(({ path }) => path[1]);
    return [...new Set(names.filter((name) => name !== undefined))];
  };
  return { variables, input: below('input'), tasks: below('tasks') };
}

/** Adds a fault for everything that is read and cannot be there. */
export function checkReads(reads: Reads, readable: Readable, place: Path, faults: Faults): void {
  for (const { path, at } of reads.variables) {
    const [root, name, member] = path;
    const add = (message: string): void => faults.add(formatPath(place), `${at}: ${message}`);
    if (root === 'tasks') {
      const problem = taskProblem(path, name, member, readable, faults);
      if (problem !== undefined) add(problem);
    } else if (root === 'input') {
      if (name !== undefined && readable.input !== undefined && !readable.input.has(name)) {
        const hint = faults.suggest(name, readable.input) || `: it has ${list(readable.input)}`;
        add(`reads input.${name}, which the schema of the input does not have${hint}`);
      }
    } else if (root !== undefined && readable.own?.includes(root) === true) {
      continue;
    } else if (root !== undefined && UNSUPPORTED_VARIABLES.has(root)) {
      faults.addUnsupported(formatPath(place), `${at}: the variable "${root}"`);
    } else {
      const names = ['input', 'tasks', ...(readable.own ?? [])];
      const hint = root === undefined ? '' : faults.suggest(root, names);
      const all = names
        .map((known) => JSON.stringify(known))
        .join(', ')
        .replace(/, (?="[^"]*"$)/, ' and ');
      add(`reads "${root ?? '?'}", which does not exist${hint || `: known are ${all}`}`);
    }
  }
}

function taskProblem(
  path: Variable['path'],
  name: string | undefined,
  member: string | undefined,
  readable: Readable,
  faults: Faults,
): string | undefined {
  if (name === undefined) {
    const how = path.length === 1 ? 'reads all of "tasks"' : 'reads a task whose name is computed';
    return `${how}: write tasks.NAME.output, so that it is known what to wait for`;
  }
  if (name === readable.self) return `reads the result of its own task ${JSON.stringify(name)}, which is not there yet`;
  if (!readable.tasks.has(name)) {
    const hint = faults.suggest(name, readable.tasks) || known(readable.tasks);
    return `reads the unknown task ${JSON.stringify(name)}${hint}`;
  }
  if (member !== undefined && !MEMBERS.has(member)) {
    const hint = faults.suggest(member, MEMBERS) || ': it has "output" and "status"';
    return `reads ${JSON.stringify(member)} of task ${JSON.stringify(name)}${hint}`;
  }
  return undefined;
}

/** `: known are "a", "b", …`, at most ten names. */
export function known(names: Names): string {
  return names.size === 0 ? '' : `: known are ${list(names)}`;
}

function list(names: Names): string {
  const first = [...take(names, 10)].map((name) => JSON.stringify(name));
  if (first.length === 0) return 'no properties';
  return names.size > first.length ? `${first.join(', ')} and ${names.size - first.length} more` : first.join(', ');
}

function* take(names: Names, most: number): Generator<string> {
  let left = most;
  for (const name of names) {
    if (left-- <= 0) return;
    yield name;
  }
}
