/** Do the tasks of a document fit together? Names are unique, what they need exists, and nothing is a cycle. */
import { FermataError } from '../errors.ts';
import { checkTypes, unknownFields, type Purpose, type Schemas } from './condition-types.ts';
import { readsOfExpression } from './expression.ts';
import { formatPath, type Faults, type Path } from './faults.ts';
import { walkGraph } from './order.ts';
import type { Placed } from './kinds/places.ts';
import type { Outline, OutlineTask } from './outline.ts';
import { readsOf } from './prompt.ts';
import { checkReads, known, type Names, type Readable, type Reads } from './reads.ts';
import { sharedKeysOf } from './shared-keys.ts';
import { eachOf, type Steps } from './steps.ts';

/** A cycle of more tasks than this is not written out in full. */
const LONGEST_CYCLE = 100;
const NONE: readonly string[] = [];
const NO_LINKS: Links = { dependsOn: NONE, unseen: NONE };
const NO_POSITIONS: readonly number[] = [];
const NOBODY: Names = new Set();

/** What one task depends on. */
export interface Links {
  /** Names, without repetition: written ones first, then those it reads, then conditions that choose it. */
  readonly dependsOn: readonly string[];
  /** Those of them that do no more than choose it: it does not see what they give. */
  readonly unseen: readonly string[];
  /** Keys of the shared values that it reads, its `outputs` left out; undefined: none. */
  readonly shared?: readonly string[] | undefined;
}

/**
 * Checks how tasks refer to each other; gives, for each task in order, what it depends on.
 *
 * @param existing tasks that are there already, and to which these may refer
 */
export function* checkLinks(outline: Outline, faults: Faults, existing: Names = NOBODY): Steps<readonly Links[]> {
  const positions = checkNames(outline.tasks, faults);
  yield;
  const tasks = existing.size === 0 ? new Set(positions.keys()) : both(positions, existing);
  const dependencies: (Map<string, Path> | undefined)[] = [];
  const shared = new Map<number, readonly string[]>();
  const outputs = new Map(outline.tasks.map(({ name, output }) => [name, output]));
  const schemas: Schemas = { input: outline.inputSchema, output: (task) => outputs.get(task) };
  yield* eachOf(outline.tasks, (task, position) => {
    const readable = { tasks, self: task.name, input: outline.input };
    const written = task.dependsOn.filter((dependency) => checkDependency(task, dependency, tasks, faults));
    const read = [
      ...task.templates.flatMap((template) => check(template, readsOf, readable, faults)),
      ...task.expressions.flatMap((expression) => check(expression, readsOfExpression, readable, faults)),
      ...task.conditions.flatMap((condition) => checkTyped(condition, 'condition', schemas, readable, faults)),
      ...task.switches.flatMap((condition) => checkTyped(condition, 'switch', schemas, readable, faults)),
      ...task.outputs.flatMap((output) => checkOutput(output, { ...schemas, result: task.output }, readable, faults)),
    ];
    const places = new Map<string, Path>();
    for (const { path, text } of [...written, ...read]) if (!places.has(text)) places.set(text, path);
    dependencies.push(places.size === 0 ? undefined : places);
    const keys = sharedKeysOf(task);
    if (keys !== undefined) shared.set(position, keys);
  });
  yield;
  const unseen = new Map<number, string[]>();
  yield* eachOf(outline.tasks, (task) => {
    for (const branch of task.branches) {
      if (!checkBranch(task, branch, tasks, faults) || task.name === undefined) continue;
      const position = positions.get(branch.text) ?? 0;
      const places = (dependencies[position] ??= new Map<string, Path>());
      if (places.has(task.name)) continue;
      places.set(task.name, branch.path);
      const known = unseen.get(position);
      if (known === undefined) unseen.set(position, [task.name]);
      else known.push(task.name);
    }
  });
  yield;
  checkCycles(outline.tasks, dependencies, positions, faults);
  yield;
  return dependencies.map((places, position) =>
    places === undefined && !shared.has(position)
      ? NO_LINKS
      : {
          dependsOn: [...(places?.keys() ?? NONE)],
          unseen: unseen.get(position) ?? NONE,
          shared: shared.get(position),
        },
  );
}

function both(one: ReadonlyMap<string, number>, other: Names): Names {
  return {
    has: (name) => one.has(name) || other.has(name),
    size: one.size + other.size,
    *[Symbol.iterator]() {
      yield* one.keys();
      yield* other;
    },
  };
}

function checkNames(tasks: readonly OutlineTask[], faults: Faults): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [position, { name, path }] of tasks.entries()) {
    if (name === undefined) continue;
    const first = positions.get(name);
    if (first === undefined) positions.set(name, position);
    else
      faults.add(
        formatPath([...path, 'name']),
        `duplicate name ${JSON.stringify(name)}: tasks[${first}] has it already`,
      );
  }
  return positions;
}

function checkDependency(task: OutlineTask, { path, text }: Placed, tasks: Names, faults: Faults): boolean {
  if (text === task.name) {
    faults.add(formatPath(path), `task ${JSON.stringify(text)} depends on itself`);
    return false;
  }
  if (tasks.has(text)) return true;
  faults.add(formatPath(path), `unknown task ${JSON.stringify(text)}${faults.suggest(text, tasks) || known(tasks)}`);
  return false;
}

/** A branch holds tasks of the document, and not the condition itself. That they can wait for it is seen with the cycles. */
function checkBranch({ name }: OutlineTask, { path, text }: Placed, tasks: Names, faults: Faults): boolean {
  if (text === name) {
    faults.add(formatPath(path), `task ${JSON.stringify(text)} cannot choose itself`);
    return false;
  }
  if (tasks.has(text)) return true;
  faults.add(formatPath(path), `unknown task ${JSON.stringify(text)}${faults.suggest(text, tasks) || known(tasks)}`);
  return false;
}

/** A condition: what it reads, like any expression; and, where that is in order, its types. */
function checkTyped(place: Placed, purpose: Purpose, schemas: Schemas, readable: Readable, faults: Faults): Placed[] {
  const before = faults.count;
  const read = check(place, readsOfExpression, readable, faults);
  if (faults.count > before) return read;
  const add = (message: string): void => faults.add(formatPath(place.path), message);
  try {
    const { variables } = readsOfExpression(place.text);
    const unknown = unknownFields(variables, schemas, (word, names) => faults.suggest(word, names));
    const wrong = unknown.length > 0 ? unknown : [checkTypes(place.text, variables, schemas, purpose)];
    for (const message of wrong) if (message !== undefined) add(message);
  } catch (error) {
    if (!(error instanceof FermataError)) throw error;
    add(error.message);
  }
  return read;
}

/** What is to be shared of a result: what it reads, and that the result can have it. */
function checkOutput(place: Placed, schemas: Schemas, readable: Readable, faults: Faults): Placed[] {
  const before = faults.count;
  const read = check(place, readsOfExpression, readable, faults);
  if (faults.count > before) return read;
  const { variables } = readsOfExpression(place.text);
  const unknown = unknownFields(variables, schemas, (word, names) => faults.suggest(word, names));
  for (const message of unknown) faults.add(formatPath(place.path), message);
  return read;
}

/** The tasks that one template or expression reads, as far as they exist. */
function check(
  { path, text, variables: own }: Placed,
  parse: (text: string) => Reads,
  readable: Readable,
  faults: Faults,
): Placed[] {
  try {
    const reads = parse(text);
    if (reads.variables.length === 0) return [];
    checkReads(reads, own === undefined ? readable : { ...readable, own }, path, faults);
    const tasks = reads.tasks.filter((name) => readable.tasks.has(name) && name !== readable.self);
    return tasks.map((name) => ({ path, text: name }));
  } catch (error) {
    if (!(error instanceof FermataError)) throw error;
    faults.add(formatPath(path), error.message);
    return [];
  }
}

/** @param dependencies for each task the names that it depends on, each with the place that says so */
function checkCycles(
  tasks: readonly OutlineTask[],
  dependencies: readonly (ReadonlyMap<string, Path> | undefined)[],
  positions: ReadonlyMap<string, number>,
  faults: Faults,
): void {
  const numbered = dependencies.map((places): readonly number[] =>
    places === undefined
      ? NO_POSITIONS
      : [...places.keys()].map((name) => positions.get(name)).filter((position) => position !== undefined),
  );
  for (const cycle of walkGraph(numbered).cycles) {
    const [first = 0, second = first] = cycle;
    const names = [...cycle, first].map((position) => tasks[position]?.name ?? '?');
    const place = dependencies[first]?.get(tasks[second]?.name ?? '') ?? ['tasks', first];
    const shown =
      names.length <= LONGEST_CYCLE + 1
        ? names
        : [
            ...names.slice(0, LONGEST_CYCLE / 2),
            `… ${names.length - LONGEST_CYCLE} more …`,
            ...names.slice(-LONGEST_CYCLE / 2),
          ];
    faults.add(formatPath(place), `depends on itself in a cycle: ${shown.join(' → ')} (each needs the next)`);
  }
}
