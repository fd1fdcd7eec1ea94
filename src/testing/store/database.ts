/** What a store in memory has committed. It outlives the store, as a file outlives the process that wrote it. */
import { StoreError } from '../../store/store.ts';
import type { ActorRow } from '../../store/actors.ts';
import type { ServedRow } from '../../store/answers.ts';
import type { ApprovalRow } from '../../store/approvals.ts';
import type { BlobUse } from '../../store/blobs.ts';
import type { BudgetWaitRow } from '../../store/budgets.ts';
import type { LastStop } from '../../store/deciding-mark.ts';
import type { EffectRow } from '../../store/effects.ts';
import type { GrowthListRow, GrowthRow } from '../../store/growth.ts';
import type { JournalEntry } from '../../store/journal.ts';
import type { LedgerEntry } from '../../store/ledger.ts';
import type { MessageRow } from '../../store/messages.ts';
import type { EventTypeRow, KeptEventRow, WaitRow } from '../../store/outside-events.ts';
import type { RunKey, RunOrigin, RunState } from '../../store/runs.ts';
import type { SharedRow, SharedWriteRow, WatchRow } from '../../store/shared-values.ts';
import type { SuspectRow } from '../../store/suspects.ts';
import type { TaskRow } from '../../store/tasks.ts';
import type { TimerRow } from '../../store/timers.ts';
import type { WorkflowRow } from '../../store/workflows.ts';
import type { AnswerRecord } from './answers.ts';
import type { AccountRecord } from './ledger.ts';

/** A run with all it owns. */
export interface RunRecord {
  /** Ascending in the order of creation. */
  readonly key: number;
  origin: RunOrigin;
  state: RunState;
  revision: number;
  readonly entries: Map<number, JournalEntry>;
  readonly actors: Map<string, ActorRow>;
  readonly timers: Map<string, TimerRow>;
  readonly effects: Map<string, EffectRow>;
  readonly tasks: Map<string, TaskRow>;
  readonly approvals: Map<string, { readonly order: number; readonly row: ApprovalRow }>;
  readonly growth: Map<string, GrowthRow>;
  readonly growthLists: Map<string, GrowthListRow>;
  readonly waits: Map<string, WaitRow>;
  readonly keptEvents: Map<string, KeptEventRow>;
  readonly eventTypes: Map<string, EventTypeRow>;
  readonly shared: Map<string, SharedRow>;
  readonly sharedWrites: Map<string, SharedWriteRow>;
  readonly watches: Map<string, WatchRow>;
  readonly budgetWaits: Map<string, BudgetWaitRow>;
  readonly taken: Map<string, number>;
  /** By holder and hash. */
  readonly blobs: Map<string, BlobUse>;
}

/** A workflow with its versions, oldest first. */
export interface WorkflowRecord {
  readonly versions: readonly WorkflowRow[];
  readonly deletedAt: number | null;
}

/**
 * The committed rows of a store in memory.
 *
 * @example
 * const database = new MemoryDatabase();
 * await memoryStore(database).open(); // … and after a crash
 * database.abandon();
 * await memoryStore(database).open(); // reads what was committed
 */
export class MemoryDatabase {
  readonly runs = new Map<string, RunRecord>();
  readonly workflows = new Map<string, WorkflowRecord>();
  readonly messages = new Map<number, MessageRow>();
  readonly blobs = new Map<string, string>();
  readonly machines = new Map<string, string>();
  /** By the name of their run; kept when that is deleted. */
  readonly accounts = new Map<string, AccountRecord>();
  /** By run, journal number and place; never changed. */
  readonly ledger = new Map<string, LedgerEntry>();
  /** By tenant and hash. */
  readonly answers = new Map<string, AnswerRecord>();
  /** By tenant and workflow. */
  readonly served = new Map<string, ServedRow>();
  /** Order over all runs → whose entry it is. */
  readonly positions = new Map<number, { readonly run: RunKey; readonly entry: JournalEntry }>();
  /** The greatest numbers ever used, also where the rows that had them are gone. */
  readonly highest = { position: 0, messageId: 0, run: 0, approval: 0, answer: 0 };
  /** What may have brought the process down. */
  readonly suspects = new Map<string, SuspectRow>();
  /** How the store before this one ended, as far as it says. */
  lastStop: LastStop = { orderly: true };
  /** The store that has it open. */
  owner: symbol | undefined;

  /** The process that had it open is gone, and did not close it. Its store can neither read nor write any more. */
  abandon(): void {
    this.owner = undefined;
  }

  /** The record of a run. */
  run(key: RunKey): RunRecord | undefined {
    return this.runs.get(nameOf(key));
  }

  /** The records of a tenant's runs, oldest first. */
  runsOf(tenant: string): readonly RunRecord[] {
    return [...this.runs.values()].filter(({ origin }) => origin.tenant === tenant);
  }

  /** Does all of `work`, or, where it throws, nothing of it. */
  write<T>(work: (writing: Writing) => T): T {
    const writing = new Writing();
    try {
      return work(writing);
    } catch (thrown) {
      writing.takeBack();
      throw thrown;
    }
  }
}

/** Changes that can be taken back. */
export class Writing {
  readonly #undo: (() => void)[] = [];

  /** Sets an entry of a map. */
  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const known = map.has(key);
    const before = map.get(key) as V;
    this.#undo.push(() => void (known ? map.set(key, before) : map.delete(key)));
    map.set(key, value);
  }

  /** Sets an entry that must not be there yet. Throws `StoreError`. */
  insert<K, V>(map: Map<K, V>, key: K, value: V, what: string): void {
    if (map.has(key))
      throw new StoreError('unchanged', `Nothing of the group was written: ${what} "${String(key)}" is there already.`);
    this.set(map, key, value);
  }

  /** Deletes an entry of a map. */
  delete<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return;
    // All of them: an entry that is put back alone would stand last, and order is what readers are promised.
    const before = [...map];
    this.#undo.push(() => {
      map.clear();
      for (const [name, value] of before) map.set(name, value);
    });
    map.delete(key);
  }

  /** Sets a field of an object. */
  assign<T extends object, F extends keyof T>(target: T, field: F, value: T[F]): void {
    const before = target[field];
    this.#undo.push(() => void (target[field] = before));
    target[field] = value;
  }

  /** Everything is as it was. */
  takeBack(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
  }
}

/** NUL is in neither part: the API refuses it. */
export function nameOf({ tenant, run }: RunKey): string {
  return `${tenant}\0${run}`;
}
