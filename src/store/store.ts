/**
 * What the runtime asks of a database, in the runtime's own verbs. Types only: every implementation (SQLite here)
 * passes `test/store/store.contract.ts`. Each subject has a file, with its rows and what is asked of them.
 *
 * Invariants every implementation keeps:
 *  S1. `commit` is atomic: all of a group or nothing of it.
 *  S2. Reads see committed state only.
 *  S3. A failure that certainly changed nothing throws `StoreError` with `outcome: 'unchanged'`; one that may have
 *      committed throws `outcome: 'unknown'`. Nothing else is thrown by `commit`.
 *  S4. Every row has a tenant and every read is scoped by it.
 *
 * Texts named `…Json` are produced by `src/runtime/codec.ts` and opaque here. Times are milliseconds since 1970.
 */
import type { ActorStore } from './actors.ts';
import type { AnswerStore } from './answers.ts';
import type { ApprovalStore } from './approvals.ts';
import type { BlobStore } from './blobs.ts';
import type { BudgetStore } from './budgets.ts';
import type { CommitGroup } from './commit.ts';
import type { CountStore } from './counts.ts';
import type { DecidingMark, LastStop } from './deciding-mark.ts';
import type { EffectStore } from './effects.ts';
import type { JournalStore } from './journal.ts';
import type { LedgerStore } from './ledger.ts';
import type { MachineStore } from './machines.ts';
import type { MessageStore } from './messages.ts';
import type { OutsideEventStore } from './outside-events.ts';
import type { RowStore } from './rows.ts';
import type { RunStore } from './runs.ts';
import type { SharedValueStore } from './shared-values.ts';
import type { SuspectStore } from './suspects.ts';
import type { TaskStore } from './tasks.ts';
import type { TimerStore } from './timers.ts';
import type { VectorIndex } from './vectors.ts';
import type { WorkflowStore } from './workflows.ts';

/** What the runtime asks of a database. */
export interface Store
  extends
    RunStore,
    ActorStore,
    TimerStore,
    EffectStore,
    JournalStore,
    MessageStore,
    BlobStore,
    RowStore,
    TaskStore,
    ApprovalStore,
    OutsideEventStore,
    SharedValueStore,
    BudgetStore,
    LedgerStore,
    AnswerStore,
    VectorIndex,
    SuspectStore,
    WorkflowStore,
    MachineStore,
    CountStore {
  /**
   * Takes the database for this process, brings it up to date and settles what an unclean stop left.
   * Throws `FermataError` `databaseInUse`, `databaseNewer`, `databaseCorrupt` or `storeUnavailable`.
   * What it returns is where numbering goes on (the greatest numbers ever used), and how the process before this one
   * stopped. `doubt` is told once where it is unknown whether a write was kept, whoever asked for it; nothing can be
   * written afterwards.
   */
  open(
    doubt?: (error: StoreError) => void,
  ): Promise<{ readonly position: number; readonly messageId: number; readonly lastStop: LastStop }>;
  /** An orderly stop. */
  close(): Promise<void>;
  /**
   * Says what this process is at now, or that it is at nothing. Kept so that it outlives the process (a store that ends
   * with it need not), and cheap: it is called for every input. The first call ends what `lastStop` told.
   */
  deciding(mark: DecidingMark | undefined): void;
  /** True when the database answers and can be written (readiness). */
  healthy(): Promise<boolean>;
  commit(group: CommitGroup): Promise<void>;
}

/** Thrown by `commit`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** `unchanged`: nothing was written. `unknown`: it may have been (an I/O error during COMMIT). */
  readonly outcome: 'unchanged' | 'unknown';

  constructor(outcome: 'unchanged' | 'unknown', message: string, cause?: unknown) {
    super(message, { cause });
    this.outcome = outcome;
  }
}
