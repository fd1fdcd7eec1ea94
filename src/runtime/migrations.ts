/**
 * Moving all runs of a machine to another version of it: first tried on everything that is stored, then done run by run,
 * each in one commit. A process that is killed in the middle leaves every run whole, at the one version or the other, and
 * doing it again does the rest.
 */
import type { Clock } from '../clock.ts';
import { FermataError } from '../errors.ts';
import type { RunKey, RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { readRefs, readStored } from './actor.ts';
import type { Catalog, MigrationStep } from './catalog.ts';
import { decode } from './codec.ts';
import type { Input, Receipt } from './input.ts';
import { inert } from './inert.ts';
import { MIGRATE, type MigrationEvent } from './migrating.ts';
import { outcomeOf, type StoredRun } from './migration.ts';
import type { Break } from './migration-break.ts';
import { ROOT } from './run-memory.ts';
import { bigValues } from './stored-values.ts';
import { settle } from './suspend.ts';

/** Which migration is meant; default: every registered one, for each run the one to the newest version. */
export interface MigrationChoice {
  /** `order@1`. */
  readonly from?: string | undefined;
  /** `order@2`. */
  readonly to?: string | undefined;
}

/** What a migration does, or would do, to one run. */
export interface MigrationOfRun {
  readonly runId: string;
  readonly from: string;
  readonly to: string;
  /** Empty: it passes. */
  readonly breaks: readonly Break[];
  /** True where it is done and committed. */
  readonly moved: boolean;
}

/** What became of one run when the last migration was taken back. */
export interface UndoOfRun {
  readonly runId: string;
  /** The version that it is put back to. */
  readonly from: string;
  /** The version that it was moved to. */
  readonly to: string;
  readonly undone: boolean;
  /** Why it was not. */
  readonly why: string | undefined;
}

/** What moving runs needs of its surroundings. */
export interface MigrationSurroundings {
  readonly catalog: Catalog;
  readonly store: Store;
  readonly clock: Clock;
  readonly tenant: string;
  /** Why a run waits although nothing of its own keeps it. */
  blocked(run: string): Error | undefined;
  ask(key: RunKey, input: WithoutReply<Extract<Input, { kind: 'migrate' | 'undoMigration' }>>): Promise<Receipt>;
}

type WithoutReply<T> = T extends unknown ? Omit<T, 'reply'> : never;

const PAGE = 1_000;

/** Moves runs to another version of their machine. */
export class Migrations {
  readonly #surroundings: MigrationSurroundings;

  constructor(surroundings: MigrationSurroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * Tries registered migrations on every live run, and changes nothing. One element for each run, in the order of
   * creation, newest first. Throws `invalidRequest` where no such migration is registered.
   *
   * @example
   * for (const { runId, breaks } of await runtime.migrations.rehearse({ to: 'order@2' })) if (breaks.length > 0) …
   */
  async rehearse(choice: MigrationChoice = {}): Promise<readonly MigrationOfRun[]> {
    const results: MigrationOfRun[] = [];
    for (const [row, step] of await this.#live(choice)) {
      const breaks = await this.#breaks(row, step);
      results.push({ runId: row.run, from: step.from, to: step.to, breaks, moved: false });
    }
    return results;
  }

  /**
   * Moves every live run, one commit for each. Each is tried again on its state at that moment; one that does not pass
   * any more stays as it is, and its `breaks` say why. Nothing is moved where the rehearsal fails for any run, unless
   * `onlyPassing`. Throws `migrationRefused` with the `failing` runs, and `invalidRequest`.
   *
   * @example
   * await runtime.migrations.migrate({ from: 'order@1', to: 'order@2' })
   */
  async migrate(choice: MigrationChoice & { readonly onlyPassing?: boolean } = {}): Promise<readonly MigrationOfRun[]> {
    const rehearsed = await this.rehearse(choice);
    const failing = rehearsed.filter(({ breaks }) => breaks.length > 0);
    if (failing.length > 0 && choice.onlyPassing !== true) {
      const [first] = failing;
      throw new FermataError(
        'migrationRefused',
        `${failing.length} of ${rehearsed.length} runs would break, the first of them ${first?.runId} (${first?.breaks[0]?.code}: ${first?.breaks[0]?.message}). Nothing was moved: mend the migration, or move only what passes.`,
        { data: { failing } },
      );
    }
    const { catalog, store } = this.#surroundings;
    // A passive process has not said yet which definition it means by the new name.
    for (const to of new Set(rehearsed.map((run) => run.to))) await store.machineHash(to, catalog.hashOf(to));
    const results: MigrationOfRun[] = [];
    for (const run of rehearsed) results.push(run.breaks.length > 0 ? run : await this.#move(run));
    return results;
  }

  /**
   * Takes the last migration back: of every live run that it moved and that has taken no event since. The others are
   * listed with the reason. Throws `machineMissing` where the earlier version is not registered.
   *
   * @example
   * const left = (await runtime.migrations.undo()).filter(({ undone }) => !undone)
   */
  async undo(choice: MigrationChoice = {}): Promise<readonly UndoOfRun[]> {
    const migrated: {
      readonly row: RunRow;
      readonly at: number;
      readonly event: MigrationEvent;
      readonly position: number;
    }[] = [];
    for (const row of await this.#runs(choice.to)) {
      const last = await this.#lastMigration(row);
      if (last !== undefined && (choice.from === undefined || choice.from === last.event.from))
        migrated.push({ row, ...last });
    }
    const newest = migrated.reduce<(typeof migrated)[number] | undefined>(
      (best, next) => (best === undefined || next.position > best.position ? next : best),
      undefined,
    );
    if (newest === undefined) return [];
    const { from, to } = newest.event;
    const { catalog } = this.#surroundings;
    // Asked before anything moves: without it, nobody could go on with what is put back.
    if (catalog.registration(from) === undefined) {
      const registered = catalog.names();
      throw new FermataError(
        'machineMissing',
        `Nothing was put back: the runs would be at "${from}" again and wait for it (machineMissing), and this process registers only: ${registered.join(', ')}. They stay at "${to}". Register "${from}" beside it, and undo again.`,
        { data: { machine: from, registered } },
      );
    }
    const results: UndoOfRun[] = [];
    for (const { row, at, event } of migrated) {
      if (event.from !== from || event.to !== to) continue;
      const why = await this.#putBack(row, at);
      results.push({ runId: row.run, from, to, undone: why === undefined, why });
    }
    return results;
  }

  async #move(run: MigrationOfRun): Promise<MigrationOfRun> {
    const { catalog, ask } = this.#surroundings;
    const step = catalog.migrations(run)[0];
    if (step === undefined) return run;
    try {
      await ask(this.#key(run.runId), { kind: 'migrate', step });
      return { ...run, moved: true };
    } catch (thrown) {
      // The process is in trouble, and not the run.
      if (!(thrown instanceof FermataError) || thrown.status === 503) throw thrown;
      const breaks = thrown.data?.['breaks'] as readonly Break[] | undefined;
      return { ...run, breaks: breaks ?? [{ code: 'blocked', actor: ROOT, message: thrown.message }] };
    }
  }

  async #putBack(row: RunRow, at: number): Promise<string | undefined> {
    const { store, ask } = this.#surroundings;
    const [since] = await store.journal(this.#key(row.run), { after: at, limit: 1, kind: 'event' });
    if (since !== undefined) return `"${since.actor}" has taken "${since.type}" since (entry ${since.seq})`;
    try {
      await ask(this.#key(row.run), { kind: 'undoMigration', seq: row.seq });
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof FermataError) || thrown.status === 503) throw thrown;
      return thrown.message;
    }
  }

  /** Live runs that a migration is registered for, with the one that is meant. */
  async #live(choice: MigrationChoice): Promise<readonly (readonly [RunRow, MigrationStep])[]> {
    const { catalog } = this.#surroundings;
    const steps = catalog.migrations(choice);
    if (steps.length === 0) {
      const all = catalog.migrations().map(({ from, to }) => `${from} to ${to}`);
      throw new FermataError(
        'invalidRequest',
        `No migration ${choice.from === undefined ? '' : `from ${choice.from} `}${choice.to === undefined ? '' : `to ${choice.to} `}is registered; these are: ${all.join(', ') || 'none'}. Register one with the machine: migrate: { from, snapshot }.`,
      );
    }
    // The newest target of each stands first.
    const steered = new Map(steps.toReversed().map((step) => [step.from, step]));
    const runs: (readonly [RunRow, MigrationStep])[] = [];
    for (const step of steered.values()) for (const row of await this.#runs(step.from)) runs.push([row, step]);
    return runs;
  }

  /** Live runs of a machine, or of all. */
  async #runs(machine: string | undefined): Promise<readonly RunRow[]> {
    const { store, tenant } = this.#surroundings;
    const found: RunRow[] = [];
    for (let after: string | undefined; ;) {
      const page = await store.runs(tenant, { q: machine, limit: PAGE, after });
      found.push(...page.filter((row) => row.endedAt === null && (machine === undefined || row.machine === machine)));
      after = page.at(-1)?.run;
      if (page.length < PAGE) return found;
    }
  }

  async #breaks(row: RunRow, step: MigrationStep): Promise<readonly Break[]> {
    const { catalog, clock, blocked } = this.#surroundings;
    const block = blocked(row.run);
    if (block !== undefined) {
      const message = `it waits, and takes nothing in this process (${block.message}); move it before anything works on it: with fermata migrate, or a runtime that is passive`;
      return [{ code: 'blocked', actor: ROOT, message }];
    }
    try {
      const run = await this.#stored(row);
      const outcome = await settle(() => outcomeOf(run, step, catalog, clock.now()));
      return 'breaks' in outcome ? outcome.breaks : [];
    } catch (thrown) {
      if (!(thrown instanceof FermataError)) throw thrown;
      return [{ code: 'unreadable', actor: ROOT, message: thrown.message }];
    }
  }

  async #stored(row: RunRow): Promise<StoredRun> {
    const { store } = this.#surroundings;
    const key = this.#key(row.run);
    const [rows, timers, effects] = [await store.actors(key), await store.timersOf(key), await store.effectsOf(key)];
    const blob = bigValues(store);
    const refs = readRefs(inert);
    return {
      run: row.run,
      rows,
      timers,
      cut: row.agendaJson !== null,
      refer: inert,
      read: (actor) => readStored(actor, inert, blob),
      decode: (text) => decode(text, blob, refs),
      effectInput: (token) => {
        const effect = effects.find((candidate) => candidate.token === token);
        return effect === undefined ? undefined : (decode(effect.effectJson, blob, refs) as { input?: unknown }).input;
      },
    };
  }

  /** The entry by which a run came to its version; undefined where it has always been at it, or was put back to it. */
  async #lastMigration(
    row: RunRow,
  ): Promise<{ readonly at: number; readonly event: MigrationEvent; readonly position: number } | undefined> {
    const { store } = this.#surroundings;
    const run = await this.#stored(row);
    const root = run.rows.find(({ address }) => address === ROOT);
    const at = root === undefined ? undefined : (await settle(() => run.read(root))).migrated;
    const entry = at === undefined ? undefined : await store.entry(this.#key(row.run), at);
    if (at === undefined || entry?.type !== MIGRATE) return undefined;
    const event = (await settle(() => run.decode(entry.dataJson))) as MigrationEvent;
    return event.before === undefined ? undefined : { at, event, position: entry.position };
  }

  #key(run: string): RunKey {
    return { tenant: this.#surroundings.tenant, run };
  }
}
