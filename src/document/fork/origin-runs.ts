/** What a fork reads of the runs behind it: rows and entries that nobody changes any more. May suspend (`rows.read`). */
import { FermataError } from '../../errors.ts';
import type { RunRows } from '../../runtime/rows.ts';
import type { JournalEntry } from '../../store/journal.ts';
import type { SharedRow } from '../../store/shared-values.ts';
import type { Store } from '../../store/store.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { growthIn, type Growth } from '../growth.ts';
import { entriesOf } from '../growth-list.ts';

/** What is read of other runs. */
export type OtherRuns = Pick<Store, 'run' | 'row' | 'entry' | 'entryOfFact' | 'sharedValues'>;

/** The runs behind one fork, by their ids. */
export class OriginRuns {
  readonly #rows: RunRows;
  readonly #others: OtherRuns;

  /** @param rows of the fork */
  constructor(rows: RunRows, others: OtherRuns) {
    this.#rows = rows;
    this.#others = others;
  }

  /** A task, as far as it had come. Throws `originMissing` where the run is gone. */
  row(run: string, name: string): TaskRow | undefined {
    const row = this.#rows.read(`fork/${run}/task/${name}`, () => this.#others.row(this.#key(run), 'task', name));
    if (row === undefined && this.#rows.read(`fork/${run}`, () => this.#others.run(this.#key(run))) === undefined)
      throw this.#gone(run);
    return row;
  }

  /** How a run has grown at a task. */
  growth(run: string, name: string): Growth {
    const load = () => this.#others.row(this.#key(run), 'growth', name);
    return growthIn(this.#rows.read(`fork/${run}/growth/${name}`, load), name);
  }

  /** The tasks that a task added one by one, in order. */
  children(run: string, name: string): string[] {
    const load = (key: string) =>
      this.#rows.read(`fork/${run}/list/${key}`, () => this.#others.row(this.#key(run), 'growthList', key));
    const { children } = this.growth(run, name);
    return entriesOf(load, { task: name, list: 'child' }, children).map((entry) => entry.name);
  }

  /** Shared values in the order of their keys. */
  sharedRows(run: string, page: { readonly limit: number; readonly after?: string | undefined }): readonly SharedRow[] {
    const { limit, after = '' } = page;
    return this.#rows.read(`fork/${run}/shared/${limit}/${after}`, () =>
      this.#others.sharedValues(this.#key(run), page),
    );
  }

  /** The number of an entry among the facts. */
  factSeq(run: string, seq: number): number {
    return this.#entry(run, seq).factSeq ?? 0;
  }

  /** What an entry carries. */
  data(run: string, seq: number): Readonly<Record<string, unknown>> {
    return this.#rows.decode(this.#entry(run, seq).dataJson) as Readonly<Record<string, unknown>>;
  }

  /** The entry of a fact; undefined where the run is gone. */
  entryOfFact(run: string, factSeq: number): number | undefined {
    const load = () => this.#others.entryOfFact(this.#key(run), factSeq);
    return this.#rows.read(`fork/${run}/fact/${factSeq}`, load);
  }

  #entry(run: string, seq: number): JournalEntry {
    const entry = this.#rows.read(`fork/${run}/entry/${seq}`, () => this.#others.entry(this.#key(run), seq));
    if (entry === undefined) throw this.#gone(run);
    return entry;
  }

  #key(run: string) {
    return { tenant: this.#rows.key.tenant, run };
  }

  #gone(run: string): FermataError {
    return new FermataError(
      'originMissing',
      `Run ${this.#rows.key.run} is a fork of run ${run}, which was deleted just as the fork began. Nothing can be taken over from it: start the workflow again.`,
    );
  }
}
