/**
 * What may have brought the process down, how often it did, and when that is enough.
 *
 * U1. What stood in the deciding mark at a death is suspected, and so is every effect that had begun in the process. What
 *     only waits for another machine (a model) is not, however often the process is killed meanwhile.
 * U2. A first death makes nobody slow: everything goes on at once. What was part of two runs alone: no other suspect runs
 *     beside it, and a death then counts for it and not for those that wait in line. Everything else goes on.
 * U3. At the third death its run is quarantined: it takes nothing more here until somebody releases it. The others go on.
 * U4. What comes to an end without a death is not suspected any more, by the very commit that carries its end.
 */
import type { Clock } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { DecidingMark, LastStop } from '../store/deciding-mark.ts';
import type { EffectRow } from '../store/effects.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { SuspectRow } from '../store/suspects.ts';
import { blame, DEATHS_TOGETHER, isQuarantined } from './blame.ts';
import { effectKey, markOfEffect } from './deciding.ts';
import { SuspectLine } from './suspect-line.ts';

/** What suspecting needs. */
export interface SuspectSurroundings {
  readonly store: Pick<Store, 'deciding' | 'suspects' | 'putSuspects' | 'dropSuspects'>;
  readonly clock: Clock;
  /** Looks, and leaves everything as an earlier process left it. */
  readonly passive: boolean;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

type Suspected = Pick<SuspectRow, 'tenant' | 'run' | 'key'>;

/** All that is suspected. */
export class Suspects {
  readonly #surroundings: SuspectSurroundings;
  /** By run, then by key. */
  readonly #rows = new Map<string, Map<string, SuspectRow>>();
  readonly #line: SuspectLine;

  constructor(surroundings: SuspectSurroundings) {
    this.#surroundings = surroundings;
    this.#line = new SuspectLine({
      clock: surroundings.clock,
      enter: (mark) => this.#alone(mark),
      failed: (thrown) => surroundings.log('a suspect could not be marked', { error: String(thrown) }),
    });
  }

  /** Effects that wait until their turn has come. */
  get waiting(): number {
    return this.#line.size;
  }

  /** True where this effect of a run has not begun, because another suspect runs alone. */
  isInLine(run: string, token: string): boolean {
    return this.#line.has({ run, key: effectKey(token) });
  }

  /**
   * True while nothing is suspected. A death then counts once for every effect that had begun, whatever the mark names (B1),
   * so that none has to be marked; who is at count one is told apart by the marks of the next process.
   */
  get none(): boolean {
    return this.#rows.size === 0;
  }

  /** Says what is being decided or begun now; undefined: nothing. */
  deciding(mark: DecidingMark | undefined): void {
    if (!this.#surroundings.passive) this.#surroundings.store.deciding(mark);
  }

  /** Reads what is known, without counting anything. */
  async read(): Promise<void> {
    for (const row of await this.#surroundings.store.suspects()) this.#keep(row);
  }

  /**
   * Counts the last stop, in one commit: `effects` are those in this process that it left without an outcome. After an
   * orderly one nothing is counted.
   */
  async count(lastStop: LastStop, effects: readonly EffectRow[]): Promise<void> {
    const known = [...this.#rows.values()].flatMap((ofRun) => [...ofRun.values()]);
    const now = this.#surroundings.clock.now();
    const changed = blame({ known, lastStop, effects: effects.map(markOfEffect), now });
    if (changed.length === 0) return;
    for (const row of changed) this.#keep(row);
    await this.#write(changed);
  }

  /** On a full disk the process serves what it can: it knows what it counted, and the next one begins where this one did. */
  async #write(rows: readonly SuspectRow[]): Promise<void> {
    try {
      await this.#surroundings.store.putSuspects(rows);
    } catch (thrown) {
      if (!(thrown instanceof FermataError) || thrown.code !== 'storeUnavailable') throw thrown;
      this.#surroundings.log('a death of the process could not be counted', { error: thrown.message });
    }
  }

  /** Runs that take nothing more, with what they are asked to be told. */
  quarantined(): readonly { readonly run: string; readonly error: FermataError }[] {
    return [...this.#rows.keys()].flatMap((run) => {
      const row = run === '' ? undefined : this.#quarantinedIn(run);
      return row === undefined ? [] : [{ run, error: quarantineOf(row) }];
    });
  }

  /** Why a run takes nothing more; undefined where it does. */
  quarantineOf(run: string): FermataError | undefined {
    const row = this.#quarantinedIn(run);
    return row && quarantineOf(row);
  }

  /** Throws `quarantined` where this start has brought the process down too often. */
  assertMayStart(mark: DecidingMark): void {
    const row = this.#rowOf(mark);
    if (isQuarantined(row)) throw quarantineOf(row);
  }

  /** True where it was part of a death: it is decided in a commit of its own, so that the next one counts for it alone. */
  has({ run, key }: Pick<Suspected, 'run' | 'key'>): boolean {
    return this.#rows.get(run)?.has(key) === true;
  }

  /** Runs the effect: at once, or alone where it was part of too many deaths. */
  run(row: EffectRow, begin: () => void): void {
    const mark = markOfEffect(row);
    if ((this.#rowOf(mark)?.count ?? 0) < DEATHS_TOGETHER) begin();
    else this.#line.add(mark, begin);
  }

  /** Of what a run brings to its end in a group, that which was suspected: for the same commit. */
  settled(run: RunKey, marks: readonly DecidingMark[], effects: Iterable<string>, ended: boolean): Suspected[] {
    if (this.#rows.size === 0) return [];
    const ofRun = this.#rows.get(run.run);
    const gone = marks.filter((mark) => this.has(mark)).map(suspected);
    if (ofRun === undefined) return gone;
    if (ended) return [...gone.filter(({ run: id }) => id !== run.run), ...[...ofRun.values()].map(suspected)];
    for (const token of effects) {
      const row = ofRun.get(effectKey(token));
      if (row !== undefined) gone.push(suspected(row));
    }
    return gone;
  }

  /** The commit that carries their end is done. */
  forget(gone: readonly Suspected[]): void {
    for (const { run, key } of gone) {
      const ofRun = this.#rows.get(run);
      ofRun?.delete(key);
      if (ofRun?.size === 0) this.#rows.delete(run);
      this.#line.leave({ run, key });
    }
  }

  /** The effects of a run cannot come to an end here: nobody waits for them in line. */
  leave(run: string): void {
    for (const row of this.#rows.get(run)?.values() ?? []) this.#line.leave(row);
  }

  /** A person says that the run is to try again: nothing is suspected of it any more. */
  async release(key: RunKey): Promise<void> {
    await this.#surroundings.store.dropSuspects(key);
    this.forgetRun(key.run);
  }

  /** The rows of a run are gone from the store. */
  forgetRun(run: string): void {
    this.forget([...(this.#rows.get(run)?.values() ?? [])]);
  }

  close(): void {
    this.#line.close();
  }

  /** Committed before it runs: those that still wait in line are not blamed for it. */
  async #alone(mark: Suspected): Promise<void> {
    const row = this.#rowOf(mark);
    if (row === undefined) return;
    const alone = { ...row, aloneSince: this.#surroundings.clock.now() };
    await this.#surroundings.store.putSuspects([alone]);
    // It may have come to its end meanwhile.
    if (this.has(row)) this.#keep(alone);
  }

  #keep(row: SuspectRow): void {
    const ofRun = this.#rows.get(row.run) ?? new Map<string, SuspectRow>();
    this.#rows.set(row.run, ofRun.set(row.key, row));
  }

  #rowOf({ run, key }: Pick<Suspected, 'run' | 'key'>): SuspectRow | undefined {
    return this.#rows.get(run)?.get(key);
  }

  #quarantinedIn(run: string): SuspectRow | undefined {
    for (const row of this.#rows.get(run)?.values() ?? []) if (isQuarantined(row)) return row;
    return undefined;
  }
}

function quarantineOf({ run, count, at, what, key }: SuspectRow): FermataError {
  const last = new Date(at).toISOString();
  const died = `the process died ${count} times ${what}`;
  const data = { count, since: last, during: key };
  if (run === '')
    return new FermataError(
      'quarantined',
      `This request is quarantined: ${died} (found at the start of ${last}). Mend the machine, then send it with a new Idempotency-Key.`,
      { data },
    );
  return new FermataError(
    'quarantined',
    `Run ${run} is quarantined: ${died} (found at the start of ${last}). Nothing more is done in it here. Mend what kills the process, then let the run try again (POST /api/v1/runs/${run}/resume), or end it (POST /api/v1/runs/${run}/cancel).`,
    { data },
  );
}

function suspected({ tenant, run, key }: Suspected): Suspected {
  return { tenant, run, key };
}
