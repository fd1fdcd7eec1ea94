/**
 * The run's rows as they stand at this turn: the committed ones, with what this group has already decided on top (R2).
 * Read by prepared functions and projections; written by projections only.
 */
import { FermataError } from '../errors.ts';
import type {
  KeptEventRow,
  MaybePromise,
  ProjectedRows,
  ProjectedTable,
  RowChange,
  RunKey,
  RunOrigin,
  Store,
  TaskRow,
  WaitPlace,
  WaitRow,
  WatchRow,
} from '../store/store.ts';
import { decode } from './codec.ts';
import { Reader } from './suspend.ts';

/** Rows kept in memory while their run is. */
const MAX_RECENT = 2_000;
/** Journal entries kept decoded: what the items of a map read one after the other, their values and some results. */
const MAX_DECODED = 64;
/** Characters that they had, and a few of them have in any case. */
const MAX_DECODED_LENGTH = 4_000_000;
const FEW_DECODED = 4;

type RowStore = Pick<
  Store,
  'row' | 'readyTasks' | 'liveTasks' | 'eventTypes' | 'openWaits' | 'openWatches' | 'keptEvents' | 'entry' | 'blob'
>;

function comparePlaces(one: WaitPlace, other: WaitPlace): number {
  // By code units, as SQLite compares: a page must begin where the one before ended.
  return one.position - other.position || (one.task < other.task ? -1 : one.task > other.task ? 1 : 0);
}

interface Place {
  readonly name: string;
  readonly position: number;
}

/** Rows of one page of a long list. */
const PAGE = 100;

/** A part of a list. */
export interface Page<Item, Place> {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: Place | undefined;
}

/** Rows of one resident run. */
export class RunRows {
  readonly key: RunKey;
  origin: RunOrigin;
  readonly #store: RowStore;
  /** Big values that this group sets aside: the store has them after the commit. */
  readonly #uncommitted: (hash: string) => string | undefined;
  readonly #reader = new Reader();
  #changed = new Map<string, RowChange>();
  /** Rows as they are committed (undefined: there is none), seen lately. */
  readonly #recent = new Map<string, RowChange['row'] | undefined>();
  #undecoded = new Map<number, string>();
  readonly #decoded = new Map<number, { readonly value: unknown; readonly length: number }>();
  #decodedLength = 0;
  #input: { readonly value: unknown } | undefined;
  /** Places of the tasks that have a row; unknown of a run that was loaded. */
  readonly #written: Places | undefined;
  #ready: ReadyQueue | undefined;

  /** @param begins whether the run begins here, so that there is no row of it yet */
  constructor(origin: RunOrigin, store: RowStore, uncommitted: (hash: string) => string | undefined, begins: boolean) {
    this.#written = begins ? new Places() : undefined;
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
    const name = `waits/${type}/${after === undefined ? '' : `${after.position}/${after.task}`}`;
    const stored = this.#reader.read(name, () =>
      this.#store.openWaits(this.key, type, { limit: PAGE, ...(after === undefined ? {} : { after }) }),
    );
    const next = stored.length < PAGE ? undefined : stored.at(-1);
    const belongs = (row: WaitRow): boolean =>
      row.open &&
      row.type === type &&
      (after === undefined || comparePlaces(row, after) > 0) &&
      (next === undefined || comparePlaces(row, next) <= 0);
    const changed = [...this.#changed.values()].flatMap((change) => (change.table === 'wait' ? [change.row] : []));
    const gone = new Set(changed.map(({ task }) => task));
    const items = [...stored.filter(({ task }) => !gone.has(task)), ...changed.filter(belongs)];
    return { items: items.toSorted(comparePlaces), next };
  }

  /** Tasks that watch a shared value, in document order, a page at a time. */
  openWatches(sharedKey: string, after?: WaitPlace): Page<WatchRow, WaitPlace> {
    const name = `watches/${after === undefined ? '' : `${after.position}/${after.task}`}/${sharedKey}`;
    const stored = this.#reader.read(name, () =>
      this.#store.openWatches(this.key, sharedKey, { limit: PAGE, ...(after === undefined ? {} : { after }) }),
    );
    const next = stored.length < PAGE ? undefined : stored.at(-1);
    const belongs = (row: WatchRow): boolean =>
      row.open &&
      row.key === sharedKey &&
      (after === undefined || comparePlaces(row, after) > 0) &&
      (next === undefined || comparePlaces(row, next) <= 0);
    const changed = [...this.#changed.values()].flatMap((change) => (change.table === 'watch' ? [change.row] : []));
    const gone = new Set(changed.filter(({ key }) => key === sharedKey).map(({ task }) => task));
    const items = [...stored.filter(({ task }) => !gone.has(task)), ...changed.filter(belongs)];
    return { items: items.toSorted(comparePlaces), next };
  }

  /** Events of a type that were kept and not taken yet, in the order in which they came, a page at a time. */
  keptEvents(type: string, after = -1): Page<KeptEventRow, number> {
    const stored = this.#reader.read(`kept/${type}/${after}`, () =>
      this.#store.keptEvents(this.key, type, { limit: PAGE, after }),
    );
    const next = stored.length < PAGE ? undefined : stored.at(-1)?.seq;
    const belongs = (row: KeptEventRow): boolean =>
      row.takenBy === null && row.type === type && row.seq > after && row.seq <= (next ?? Infinity);
    const changed = [...this.#changed.values()].flatMap((change) => (change.table === 'keptEvent' ? [change.row] : []));
    const gone = new Set(changed.map(({ seq }) => seq));
    const items = [...stored.filter(({ seq }) => !gone.has(seq)), ...changed.filter(belongs)];
    return { items: items.toSorted((one, other) => one.seq - other.seq), next };
  }

  /** What the journal entry `seq` carries, decoded. Not to be changed: it is shared. */
  entry(seq: number): unknown {
    const known = this.#decoded.get(seq);
    if (known !== undefined) {
      this.#decoded.delete(seq);
      this.#decoded.set(seq, known);
      return known.value;
    }
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
    this.#share(seq, value, length);
    return value;
  }

  /** Each of the 10,000 items of a map reads the entry that has them all, and those of what its map needs. */
  #share(seq: number, value: unknown, length: number): void {
    this.#decoded.set(seq, { value, length });
    this.#decodedLength += length;
    for (const [oldest, { length: freed }] of this.#decoded) {
      const { size } = this.#decoded;
      if (size <= FEW_DECODED || (size <= MAX_DECODED && this.#decodedLength <= MAX_DECODED_LENGTH)) return;
      this.#decoded.delete(oldest);
      this.#decodedLength -= freed;
    }
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

/** A set of small numbers: one bit each, so that a run of 100,000 tasks takes 12 KB. */
class Places {
  #bits = new Uint8Array(64);

  add(place: number): void {
    const byte = place >> 3;
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (place & 7));
  }

  has(place: number): boolean {
    return ((this.#bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }
}

/** Names in document order: a binary heap; what was removed is passed over when it comes up. */
class ReadyQueue {
  readonly #heap: Place[] = [];
  readonly #present = new Set<string>();

  constructor(places: readonly Place[]) {
    for (const place of places) this.add(place);
  }

  add(place: Place): void {
    if (this.#present.has(place.name)) return;
    this.#present.add(place.name);
    this.#push(place);
  }

  remove(name: string): void {
    this.#present.delete(name);
  }

  first(limit: number): readonly Place[] {
    const found: Place[] = [];
    while (found.length < limit) {
      const place = this.#pop();
      if (place === undefined) break;
      if (this.#present.has(place.name) && !found.some(({ name }) => name === place.name)) found.push(place);
    }
    for (const place of found) this.#push(place);
    return found;
  }

  #push(place: Place): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(place);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || parent.position <= place.position) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = place;
  }

  #pop(): Place | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = at * 2 + 1;
      const left = heap[down];
      if (left === undefined) break;
      const right = heap[down + 1];
      const child = right !== undefined && right.position < left.position ? right : left;
      if (child === right) down++;
      if (child.position >= last.position) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return top;
  }
}
