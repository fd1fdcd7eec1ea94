/**
 * The tasks of a run and who waits for whom: those of its document, and those that joined it since. A run that cannot
 * grow reads no row for it; in one that can, a task costs one row more (R3).
 */
import { FermataError } from '../errors.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { GrowthListRow } from '../store/growth.ts';
import type { TaskRow } from '../store/tasks.ts';
import type { Definition, TaskSpec } from './definition.ts';
import { growthOf, itemOf, itemPosition, type Growth, type Group } from './growth.ts';
import { entriesOf, type ListName } from './growth-list.ts';
import { graphOf, type Dependent, type Graph } from './graph.ts';

/** What a fact that adds a task carries, beside what all facts about tasks do. */
export interface AddedTask {
  readonly spec: TaskSpec;
}

/** What a fact that adds the items of a map carries. */
export interface AddedItems {
  readonly items: readonly unknown[];
}

/** The tasks of one run, as they stand at this turn. */
export class RunGraph {
  readonly definition: Definition;
  readonly rows: RunRows;
  readonly #graph: Graph;

  constructor(rows: RunRows, definition: Definition) {
    this.rows = rows;
    this.definition = definition;
    this.#graph = graphOf(definition);
  }

  /** Tasks of the document that wait for nothing. */
  get roots(): readonly TaskSpec[] {
    return this.#graph.roots;
  }

  /** True where the run takes over what another one has found. */
  get isFork(): boolean {
    return this.rows.origin.forkJson !== undefined;
  }

  /** False where a run of its document has the tasks of that and no others. */
  get grows(): boolean {
    return this.#graph.grows;
  }

  /** True where the run has the task, or the item. */
  has(name: string): boolean {
    if (this.#graph.has(name)) return true;
    if (!this.#graph.grows) return false;
    return this.item(name) !== undefined || this.growth(name).specSeq !== null;
  }

  /** How the run has grown at a task. */
  growth(name: string): Growth {
    return growthOf(this.#graph.grows ? this.rows : NO_ROWS, name);
  }

  /** The map that a name is an item of, with the item's number; undefined where it is none. */
  item(name: string): { readonly map: string; readonly index: number; readonly group: Group } | undefined {
    if (!this.#graph.grows || this.#graph.has(name)) return undefined;
    const named = itemOf(name);
    if (named === undefined) return undefined;
    const { group } = this.growth(named.map);
    return group === undefined || named.index >= group.total ? undefined : { ...named, group };
  }

  /**
   * The task of a name.
   *
   * @throws FermataError `notFound`
   */
  spec(name: string): TaskSpec {
    if (this.#graph.has(name) || !this.#graph.grows) return this.#graph.spec(name);
    const item = this.item(name);
    if (item !== undefined) {
      const { call } = this.spec(item.map);
      if (call.kind === 'map' || call.kind === 'reduce')
        return { ...call.task, name, position: itemPosition(item.group, item.index) };
    }
    const { specSeq } = this.growth(name);
    if (specSeq !== null) return (this.rows.entry(specSeq) as AddedTask).spec;
    throw new FermataError('notFound', `The run has no task ${JSON.stringify(name)}.`);
  }

  /** The tasks that wait directly for this one. */
  dependents(name: string): readonly Dependent[] {
    const written = this.#graph.has(name) ? this.#graph.dependents(name) : [];
    const { dependents } = this.growth(name);
    return dependents === 0 ? written : [...written, ...this.#entries(name, 'dependent', dependents)];
  }

  /** The tasks that this one has added one by one, in order. */
  children(name: string): string[] {
    return this.#entries(name, 'child', this.growth(name).children).map((entry) => entry.name);
  }

  /** An entry of a list that has grown at a task. */
  entry(task: string, list: ListName, at: number): GrowthListRow {
    const [found] = this.#entries(task, list, at + 1, at);
    return found as GrowthListRow;
  }

  /** All tasks that cannot run without this one, nearest first. */
  hardDescendants(name: string): string[] {
    if (!this.#graph.grows) return this.#graph.hardDescendants(name);
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

  /** A task's row, or what it would be. */
  row(name: string): TaskRow {
    const spec = this.spec(name);
    return this.rows.task(spec) ?? this.#untouched(spec);
  }

  /** Who added a task, who added that one, and so on; nobody, of a task of the document. */
  adders(name: string): string[] {
    const found: string[] = [];
    if (!this.#graph.grows) return found;
    for (let at = name; ;) {
      const { detailJson } = this.row(at);
      const { parent } = (detailJson === null ? {} : JSON.parse(detailJson)) as { readonly parent?: string };
      if (parent === undefined) return found;
      found.push(parent);
      at = parent;
    }
  }

  /** Names of the tasks whose outputs are the run's output: those that nobody needs, and what they added. */
  last(): string[] {
    if (!this.#graph.grows) return this.#graph.last.map(({ name }) => name);
    const found: string[] = [];
    const visit = (name: string): void => {
      const { needed, neededByOwn } = this.growth(name);
      const hard = this.dependents(name).filter((dependent) => dependent.hard);
      if (needed || hard.some((dependent) => !this.adders(dependent.name).includes(name))) return;
      if (!neededByOwn && hard.length === 0) found.push(name);
      // What a task that works in rounds has added for them is its own affair: its answer is its output.
      for (const child of this.children(name)) if (this.spec(child).part === undefined) visit(child);
    };
    for (const { name } of this.#graph.last) visit(name);
    return found;
  }

  #entries(task: string, list: ListName, end: number, from = 0): GrowthListRow[] {
    return entriesOf((key) => this.rows.get('growthList', key), { task, list }, end, from);
  }

  #untouched({ name, position }: TaskSpec): TaskRow {
    const item = this.item(name);
    return {
      name,
      position,
      // Items begin in order: one that was passed over never will.
      status: item !== undefined && item.index < item.group.next ? 'cancelled' : 'pending',
      waiting: this.#graph.has(name) ? this.#graph.inDegree(name) : 0,
      ready: false,
      live: false,
      attempts: 0,
      startedAt: null,
      endedAt: null,
      resultSeq: null,
      detailJson: null,
    };
  }
}

/** A run that cannot grow has no such rows. */
const NO_ROWS: Pick<RunRows, 'get'> = { get: () => undefined };
