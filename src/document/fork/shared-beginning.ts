/**
 * The shared values with which a fork begins: of each key the last one that a task wrote which the fork takes over, with
 * its revision. They are there before anything of the fork moves, and what is taken over publishes nothing again.
 *
 * Which tasks are taken over is decided when their turn has come (`origins.ts`), and foretold here from what the origin
 * says. Where a task runs anew all the same (a task before it that was skipped is not), what it wrote stands as after a
 * failed attempt: it writes anew, over that.
 */
import type { SharedBeginning, TakenOverValue } from '../../../machines/shared-space.ts';
import type { RunRows } from '../../runtime/rows.ts';
import type { SharedRow } from '../../store/shared-values.ts';
import type { RunGraph } from '../run-graph.ts';
import { letOthersGo } from '../steps.ts';
import type { OriginRuns } from './origin-runs.ts';
import type { ForkLayer } from './record.ts';

/** What a fork says of its tasks before any of them has begun. */
export interface Foretold {
  /** The runs behind it, nearest first. */
  readonly layers: readonly ForkLayer[];
  /** The tasks that must be taken over for a task to be; undefined where it is not whatever they are. */
  needed(graph: RunGraph, name: string): readonly string[] | undefined;
}

/** Values of one page: one turn of the shared space. */
const PAGE = 100;
/** Tasks and writes that are looked at before others have their turn. */
const AT_ONCE = 500;

/** What a `shared_changed` says, as far as it is asked for here. */
interface Write {
  readonly key: string;
  readonly value: unknown;
  readonly revision: number;
  readonly by: string;
  readonly previous?: number;
  readonly reused?: TakenOverValue['reused'];
}

interface Place {
  readonly run: string;
  readonly seq: number;
}

/** The shared values of the runs behind one fork. */
export class SharedOrigins {
  readonly #rows: RunRows;
  readonly #runs: OriginRuns;
  readonly #fork: Foretold;
  /** By name, whether it will be taken over. Kept, because a look that had to wait is begun again. */
  readonly #foretold = new Map<string, boolean>();
  readonly #needed = new Map<string, readonly string[] | undefined>();
  /** How far back each key was followed; null: to its beginning. */
  readonly #places = new Map<string, Place | null>();
  #looks = 0;

  constructor(rows: RunRows, runs: OriginRuns, fork: Foretold) {
    this.#rows = rows;
    this.#runs = runs;
    this.#fork = fork;
  }

  /** True where there may be something to begin with. */
  any(): boolean {
    const [nearest] = this.#fork.layers;
    return nearest !== undefined && this.#runs.sharedRows(nearest.run, { limit: 1 }).length > 0;
  }

  /** A page of them, in the order of their keys. */
  page(graph: RunGraph, after: string | undefined): SharedBeginning {
    const [nearest] = this.#fork.layers;
    if (nearest === undefined) return { values: [] };
    const rows = this.#runs.sharedRows(nearest.run, { limit: PAGE, after });
    const values = rows.flatMap((row) => this.#lastOf(graph, row, nearest.run) ?? []);
    const last = rows.length < PAGE ? undefined : rows.at(-1);
    // Nobody asks again: of a run of 100,000 tasks that is not little.
    if (last === undefined) for (const kept of [this.#foretold, this.#needed, this.#places]) kept.clear();
    return { values, ...(last === undefined ? {} : { next: last.key }) };
  }

  /** Back from the newest value to one that belongs to the fork. */
  #lastOf(graph: RunGraph, { key, seq }: SharedRow, run: string): TakenOverValue | undefined {
    let place = this.#places.get(key) ?? (this.#places.has(key) ? null : { run, seq });
    while (place !== null) {
      const data = this.#runs.data(place.run, place.seq);
      const { previous: _, reused, ...write } = data as unknown as Write;
      if (this.#isBefore(place, reused) && this.#willTakeOver(graph, write.by)) {
        const { value, revision, by } = write;
        return {
          key,
          value,
          revision,
          by,
          reused: reused ?? { runId: place.run, seq: this.#runs.factSeq(place.run, place.seq) },
        };
      }
      place = this.#before(data as unknown as Write, place);
      this.#places.set(key, place);
      this.#letOthers();
    }
    return undefined;
  }

  /** What a run took over itself was there when it began, wherever that is left. */
  #isBefore({ run, seq }: Place, reused: Write['reused']): boolean {
    return reused !== undefined || seq <= (this.#layer(run)?.upTo ?? 0);
  }

  #before({ previous, reused }: Write, { run }: Place): Place | null {
    if (previous !== undefined) return { run, seq: previous };
    if (reused === undefined || this.#layer(reused.runId) === undefined) return null;
    const seq = this.#runs.entryOfFact(reused.runId, reused.seq);
    if (seq === undefined) return null;
    const data = this.#runs.data(reused.runId, seq);
    const before = (data as unknown as Write).previous;
    return before === undefined ? null : { run: reused.runId, seq: before };
  }

  #layer(run: string): ForkLayer | undefined {
    return this.#fork.layers.find((layer) => layer.run === run);
  }

  /** Whether the outcome of a task will be taken over: it is there, and so are those that it was worked out from. */
  #willTakeOver(graph: RunGraph, name: string): boolean {
    const pending = [name];
    const opened = new Set<string>();
    for (let at = pending.at(-1); at !== undefined; at = pending.at(-1)) {
      const needed = this.#foretold.has(at) ? undefined : this.#needs(graph, at);
      const open = opened.has(at) ? [] : (needed ?? []).filter((other) => !this.#foretold.has(other));
      opened.add(at);
      for (const other of open) pending.push(other);
      if (open.length > 0) continue;
      pending.pop();
      if (!this.#foretold.has(at))
        this.#foretold.set(at, needed !== undefined && needed.every((other) => this.#foretold.get(other) !== false));
    }
    return this.#foretold.get(name) === true;
  }

  #needs(graph: RunGraph, name: string): readonly string[] | undefined {
    if (this.#needed.has(name)) return this.#needed.get(name);
    this.#letOthers();
    const needed = this.#fork.needed(graph, name);
    this.#needed.set(name, needed);
    return needed;
  }

  /** A run of 100,000 tasks may stand behind one value: between slices the turn waits, as for a load. */
  #letOthers(): void {
    this.#looks += 1;
    if (this.#looks % AT_ONCE === 0)
      this.#rows.read(`fork/shared/${this.#looks}`, async () => (await letOthersGo(), true));
  }
}
