/**
 * The run's rows as they stand at this turn: the committed ones, with what this group has already decided on top (R2).
 * Read by prepared functions and projections; written by projections only.
 */
import { FermataError } from '../errors.ts';
import type { BudgetPlace, BudgetWaitRow } from '../store/budgets.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { KeptEventRow, WaitPlace, WaitRow } from '../store/outside-events.ts';
import type { ProjectedRows, ProjectedTable, RowChange } from '../store/rows.ts';
import type { RunKey, RunOrigin } from '../store/runs.ts';
import type { WatchRow } from '../store/shared-values.ts';
import type { Store } from '../store/store.ts';
import type { TaskRow } from '../store/tasks.ts';
import { decode } from './codec.ts';
import { DecodedEntries } from './decoded-entries.ts';
import { Places, ReadyQueue, type Place } from './ready-queue.ts';
import {
  compareNeeds,
  comparePlaces,
  compareTexts,
  PAGE,
  pageAfter,
  pageOf,
  type List,
  type Page,
} from './row-pages.ts';
import { Reader } from './suspend.ts';

/** Rows kept in memory while their run is. */
const MAX_RECENT = 2_000;

type RowStore = Pick<
  Store,
  | 'row'
  | 'readyTasks'
  | 'liveTasks'
  | 'tasksNamed'
  | 'eventTypes'
  | 'openWaits'
  | 'openWatches'
  | 'openBudgetWaits'
  | 'budgetHolders'
  | 'keptEvents'
  | 'entry'
  | 'blob'
>;

function named(place: WaitPlace | undefined): string {
  return place === undefined ? '' : `${place.position}/${place.task}`;
}

/** Rows of one resident run. */
export class RunRows {
  readonly key: RunKey;
  /** What the run has counted (projections do), as it stands now. */
  counts: Readonly<Record<string, number>> = {};
  origin: RunOrigin;
  readonly #store: RowStore;
  /** Big values that this group sets aside: the store has them after the commit. */
  readonly #uncommitted: (hash: string) => string | undefined;
  readonly #reader = new Reader();
  #changed = new Map<string, RowChange>();
  /** Rows as they are committed (undefined: there is none), seen lately. */
  readonly #recent = new Map<string, RowChange['row'] | undefined>();
  #undecoded = new Map<number, string>();
  readonly #decoded = new DecodedEntries();
  #input: { readonly value: unknown } | undefined;
  /** Places of the tasks that have a row; unknown of a run that was loaded. */
  readonly #written: Places | undefined;
  /** Tasks that have a row of how the run has grown there; unknown of a run that was loaded, or that has grown very much. */
  #grown: Set<string> | undefined;
  #ready: ReadyQueue | undefined;

  /** @param begins whether the run begins here, so that there is no row of it yet */
  constructor(origin: RunOrigin, store: RowStore, uncommitted: (hash: string) => string | undefined, begins: boolean) {
    this.#written = begins ? new Places() : undefined;
    this.#grown = begins ? new Set() : undefined;
    this.key = { tenant: origin.tenant, run: origin.run };
    this.origin = origin;
    this.#store = store;
    this.#uncommitted = uncommitted;
  }

  /** Anything else that has to be loaded, remembered until the next turn. */
  read<T>(name: string, load: () => MaybePromise<T>): T {
    return this.#reader.read(name, load);
  }

  /** One row by key. */
  get<T extends ProjectedTable>(table: T, rowKey: string): ProjectedRows[T] | undefined {
    // Nearly none of the items of a map have one.
    if (table === 'growth' && this.#grown?.has(rowKey) === false) return undefined;
    const id = `${table}/${rowKey}`;
    const change = this.#changed.get(id);
    if (change !== undefined) return change.row as ProjectedRows[T];
    if (this.#recent.has(id)) return this.#recent.get(id) as ProjectedRows[T] | undefined;
    const row = this.#reader.read(id, () => this.#store.row(this.key, table, rowKey));
    this.#keep(id, row);
    return row;
  }

  /** A task's row by its name and place; undefined where nothing was stated about it yet, which is mostly known without a read. */
  task({ name, position }: Place): TaskRow | undefined {
    return this.#written?.has(position) === false ? undefined : this.get('task', name);
  }

  /** Reads together what is asked for next, as many as are kept: a statement for each of 500 tasks takes several times as long. */
  expectTasks(names: readonly string[]): void {
    const isKnown = (id: string): boolean => this.#changed.has(id) || this.#recent.has(id);
    const missing = names.slice(0, MAX_RECENT / 2).filter((name) => !isKnown(`task/${name}`));
    if (missing.length < 2) return;
    const stored = this.#reader.read(`tasks/${missing.join('/')}`, () => this.#store.tasksNamed(this.key, missing));
    const rows = new Map(stored.map((row) => [row.name, row]));
    for (const name of missing) this.#keep(`task/${name}`, rows.get(name));
  }

  /** Nobody else writes the run's rows, so a row once seen stays true; only memory bounds how many are kept. */
  #keep(id: string, row: RowChange['row'] | undefined): void {
    this.#recent.set(id, row);
    if (this.#recent.size <= MAX_RECENT) return;
    const [oldest = id] = this.#recent.keys();
    this.#recent.delete(oldest);
  }

  /** Tasks that want a slot, in document order, at most `limit`. */
  ready(limit: number): readonly Place[] {
    return this.#queue().first(limit);
  }

  /** Names of tasks whose actor has not ended. */
  live(): readonly string[] {
    const names = new Set(this.#reader.read('live', () => this.#store.liveTasks(this.key)));
    for (const change of this.#changed.values()) {
      if (change.table !== 'task') continue;
      if (change.row.live) names.add(change.key);
      else names.delete(change.key);
    }
    return [...names];
  }

  /** Types of outside events that have a row, at most so many of those that are stored. */
  eventTypes(limit: number): readonly string[] {
    const types = new Set(this.#reader.read('eventTypes', () => this.#store.eventTypes(this.key, limit)));
    for (const change of this.#changed.values()) if (change.table === 'eventType') types.add(change.key);
    return [...types];
  }

  /** Tasks that wait for an outside event of a type, in document order, a page at a time. */
  openWaits(type: string, after?: WaitPlace): Page<WaitRow, WaitPlace> {
    return this.#page({
      table: 'wait',
      name: `waits/${type}/${named(after)}`,
      load: () => this.#store.openWaits(this.key, type, pageAfter(after)),
      belongs: (row) => row.open && row.type === type,
      keyOf: ({ task }) => task,
      compare: comparePlaces,
      after,
    });
  }

  /** Tasks that watch a shared value, in document order, a page at a time. */
  openWatches(sharedKey: string, after?: WaitPlace): Page<WatchRow, WaitPlace> {
    return this.#page({
      table: 'watch',
      name: `watches/${named(after)}/${sharedKey}`,
      load: () => this.#store.openWatches(this.key, sharedKey, pageAfter(after)),
      belongs: (row) => row.open && row.key === sharedKey,
      keyOf: ({ task, key }) => `${task}/${key}`,
      compare: comparePlaces,
      after,
    });
  }

  /** Calls that wait for money of the run's budget, those first that need the least, a page at a time. */
  openBudgetWaits(after?: BudgetPlace): Page<BudgetWaitRow, BudgetPlace> {
    return this.#page({
      table: 'budgetWait',
      name: `budget waits/${after === undefined ? '' : `${after.least}/${after.task}/${after.call}`}`,
      load: () => this.#store.openBudgetWaits(this.key, pageAfter(after)),
      belongs: (row) => row.open,
      keyOf: ({ task, call }) => `${task}/${call}`,
      compare: compareNeeds,
      after,
    });
  }

  /** Runs that hold something of a shared budget, in the order of their ids: the first of them. */
  budgetHolders(): readonly BudgetWaitRow[] {
    return this.#page<'budgetWait', Pick<BudgetWaitRow, 'task'>>({
      table: 'budgetWait',
      name: 'budget holders',
      load: () => this.#store.budgetHolders(this.key, { limit: PAGE }),
      belongs: (row) => row.held > 0,
      keyOf: ({ task, call }) => `${task}/${call}`,
      compare: (one, other) => compareTexts(one.task, other.task),
      after: undefined,
    }).items;
  }

  /** Events of a type that were kept and not taken yet, in the order in which they came, a page at a time. */
  keptEvents(type: string, after = -1): Page<KeptEventRow, number> {
    const { items, next } = this.#page<'keptEvent', Pick<KeptEventRow, 'seq'>>({
      table: 'keptEvent',
      name: `kept/${type}/${after}`,
      load: () => this.#store.keptEvents(this.key, type, { limit: PAGE, after }),
      belongs: (row) => row.takenBy === null && row.type === type,
      keyOf: ({ seq }) => String(seq),
      compare: (one, other) => one.seq - other.seq,
      after: { seq: after },
    });
    return { items, next: next?.seq };
  }

  #page<T extends 'wait' | 'watch' | 'keptEvent' | 'budgetWait', Place>({
    table,
    name,
    load,
    ...list
  }: List<ProjectedRows[T] & Place, Place> & {
    readonly table: T;
    readonly name: string;
    load(): MaybePromise<readonly (ProjectedRows[T] & Place)[]>;
  }): Page<ProjectedRows[T], Place> {
    const stored = this.#reader.read(name, load);
    const changed = [...this.#changed.values()].flatMap((change) =>
      change.table === table ? [change.row as ProjectedRows[T] & Place] : [],
    );
    return pageOf(stored, changed, list);
  }

  /** What the journal entry `seq` carries, decoded. Not to be changed: it is shared. */
  entry(seq: number): unknown {
    const known = this.#decoded.get(seq);
    if (known !== undefined) return known.value;
    const text =
      this.#undecoded.get(seq) ?? this.#reader.read(`entry/${seq}`, () => this.#store.entry(this.key, seq))?.dataJson;
    if (text === undefined)
      throw new FermataError(
        'databaseCorrupt',
        `Run ${this.key.run} has no journal entry ${seq}, which one of its rows names.`,
      );
    let { length } = text;
    const value = decode(text, (hash) => {
      const blob = this.blob(hash);
      length += blob.length;
      return blob;
    });
    // Each of the 10,000 items of a map reads the entry that has them all, and those of what its map needs.
    this.#decoded.add(seq, { value, length });
    return value;
  }

  /** The run's input. Not to be changed: it is shared. */
  input(): unknown {
    if (this.origin.inputJson === null) return undefined;
    this.#input ??= { value: this.decode(this.origin.inputJson) };
    return this.#input.value;
  }

  decode(text: string): unknown {
    return decode(text, (hash) => this.blob(hash));
  }

  /** A text that was set aside. Throws `databaseCorrupt` where it is gone. */
  blob(hash: string): string {
    const text = this.#uncommitted(hash) ?? this.#reader.read(`blob/${hash}`, () => this.#store.blob(hash));
    if (text === undefined)
      throw new FermataError(
        'databaseCorrupt',
        `The big value ${hash} of run ${this.key.run} is gone from the database.`,
      );
    return text;
  }

  // ── written while deciding ──

  put(change: RowChange): void {
    if (change.table === 'task') {
      this.#written?.add(change.row.position);
      // A queue that is not loaded yet finds this change when it is.
      if (change.row.ready) this.#ready?.add({ name: change.key, position: change.row.position });
      else this.#ready?.remove(change.key);
    } else if (change.table === 'growth') {
      this.#grown?.add(change.key);
      if ((this.#grown?.size ?? 0) > MAX_RECENT) this.#grown = undefined;
    }
    this.#changed.set(`${change.table}/${change.key}`, change);
  }

  /** A fact of this group whose value others may read by its number. */
  remember(seq: number, dataJson: string): void {
    this.#undecoded.set(seq, dataJson);
  }

  /** The next turn reads anew. */
  forgetReads(): void {
    this.#reader.forget();
  }

  /** What changed since the last commit; then forgets it, since the store has it. */
  takeChanges(): readonly RowChange[] {
    const changes = [...this.#changed.values()];
    for (const [id, { row }] of this.#changed) {
      this.#recent.delete(id);
      this.#keep(id, row);
    }
    this.#changed = new Map();
    this.#undecoded = new Map();
    return changes;
  }

  #queue(): ReadyQueue {
    if (this.#ready === undefined) {
      const stored = this.#reader.read('ready', () => this.#store.readyTasks(this.key, Number.MAX_SAFE_INTEGER));
      const queue = new ReadyQueue(stored);
      for (const change of this.#changed.values()) {
        if (change.table !== 'task') continue;
        if (change.row.ready) queue.add({ name: change.key, position: change.row.position });
        else queue.remove(change.key);
      }
      this.#ready = queue;
    }
    return this.#ready;
  }
}
