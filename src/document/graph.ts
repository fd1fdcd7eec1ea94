/** Who waits for whom: the graph of a definition, made once and asked often. */
import { FermataError } from '../errors.ts';
import type { Definition, TaskSpec } from './definition.ts';

/** A task that waits for another one. */
export interface Dependent {
  readonly name: string;
  /** True: it needs the other's success (`dependsOn`). False: it merely comes later (`after`), whatever the end. */
  readonly hard: boolean;
}

interface Node {
  readonly spec: TaskSpec;
  readonly dependents: Dependent[];
}

const graphs = new WeakMap<Definition, Graph>();

/** The graph of a definition; the same one for the same definition. */
export function graphOf(definition: Definition): Graph {
  const known = graphs.get(definition);
  if (known !== undefined) return known;
  const graph = new Graph(definition);
  graphs.set(definition, graph);
  return graph;
}

/** The tasks of a definition and their dependencies. Lists are in the order of the document. */
export class Graph {
  /** Tasks that wait for nothing. */
  readonly roots: readonly TaskSpec[];
  /** Tasks that nobody needs: their outputs are the run's output. */
  readonly last: readonly TaskSpec[];
  /** True where a run of it may get more tasks than it has. */
  readonly grows: boolean;
  readonly #nodes: ReadonlyMap<string, Node>;

  constructor({ tasks }: Definition) {
    this.#nodes = new Map(tasks.map((spec) => [spec.name, { spec, dependents: [] }]));
    for (const { name, dependsOn, after } of tasks) {
      for (const dependency of dependsOn) this.#node(dependency).dependents.push({ name, hard: true });
      for (const dependency of after) this.#node(dependency).dependents.push({ name, hard: false });
    }
    this.grows = tasks.some(
      ({ call, onComplete }) =>
        call.kind === 'map' || call.kind === 'reduce' || call.kind === 'planExecuteReflect' || onComplete !== undefined,
    );
    this.roots = tasks.filter(({ name }) => this.inDegree(name) === 0);
    this.last = tasks.filter(({ name }) => !this.dependents(name).some(({ hard }) => hard));
  }

  /** True where the definition has the task. */
  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  /**
   * The task of a name.
   *
   * @throws FermataError `notFound`
   */
  spec(name: string): TaskSpec {
    return this.#node(name).spec;
  }

  /** The tasks that wait directly for this one. */
  dependents(name: string): readonly Dependent[] {
    return this.#node(name).dependents;
  }

  /** How many tasks this one waits for. */
  inDegree(name: string): number {
    const { dependsOn, after } = this.#node(name).spec;
    return dependsOn.length + after.length;
  }

  /** All tasks that cannot run without this one, nearest first. */
  hardDescendants(name: string): string[] {
    const found = new Set<string>();
    const pending = [name];
    // The list grows while it is walked: breadth first, without recursion.
    for (const current of pending) {
      for (const { name: dependent, hard } of this.dependents(current)) {
        if (!hard || found.has(dependent)) continue;
        found.add(dependent);
        pending.push(dependent);
      }
    }
    return [...found];
  }

  /** The tasks by the earliest stage in which they can run: a stage needs only what earlier stages give. */
  stages(): readonly (readonly TaskSpec[])[] {
    const waiting = new Map([...this.#nodes.keys()].map((name) => [name, this.inDegree(name)]));
    const stages: TaskSpec[][] = [];
    for (let stage = [...this.roots]; stage.length > 0;) {
      stages.push(stage.toSorted((one, other) => one.position - other.position));
      const next: TaskSpec[] = [];
      for (const { name } of stage) {
        for (const dependent of this.dependents(name)) {
          const left = (waiting.get(dependent.name) ?? 0) - 1;
          waiting.set(dependent.name, left);
          if (left === 0) next.push(this.spec(dependent.name));
        }
      }
      stage = next;
    }
    return stages;
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node !== undefined) return node;
    throw new FermataError(
      'notFound',
      `The workflow has no task ${JSON.stringify(name)}; it has ${this.#nodes.size} others.`,
    );
  }
}
