/** Rows that one fact changes, while they are being changed: each is read as it stands after what came before. */
import type { GrowthListRow } from '../store/growth.ts';
import type { RowChange } from '../store/rows.ts';
import type { TaskRow } from '../store/tasks.ts';
import { growthChange, type Growth } from './growth.ts';
import { listed, listKey } from './growth-list.ts';
import type { RunGraph } from './run-graph.ts';

/** The changes of one fact. */
export class Changes {
  readonly graph: RunGraph;
  readonly #tasks = new Map<string, TaskRow>();
  readonly #growths = new Map<string, Growth>();
  readonly #lists = new Map<string, GrowthListRow>();
  readonly #others: RowChange[] = [];

  constructor(graph: RunGraph) {
    this.graph = graph;
  }

  task(name: string): TaskRow {
    return this.#tasks.get(name) ?? this.graph.row(name);
  }

  putTask(row: TaskRow): void {
    this.#tasks.set(row.name, row);
  }

  growth(name: string): Growth {
    return this.#growths.get(name) ?? this.graph.growth(name);
  }

  putGrowth(growth: Growth): void {
    this.#growths.set(growth.task, growth);
  }

  /** The task at a place of a list. */
  entry(task: string, list: GrowthListRow['list'], at: number): string {
    return (this.#lists.get(listKey({ task, list, at })) ?? this.graph.entry(task, list, at)).name;
  }

  /** Adds an entry. Whoever does says in the growth of the task that the list is longer. */
  putEntry(row: GrowthListRow): void {
    this.#lists.set(listKey(row), row);
  }

  put(change: RowChange): void {
    this.#others.push(change);
  }

  /** All of them. */
  rows(): readonly RowChange[] {
    return [
      ...[...this.#tasks].map(([key, row]): RowChange => ({ table: 'task', key, row })),
      ...[...this.#growths.values()].map(growthChange),
      ...[...this.#lists.values()].map(listed),
      ...this.#others,
    ];
  }
}
