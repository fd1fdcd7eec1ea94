/** What rows say to a run (prepared data, R2): who may begin, what an end means for others, what a task adds. */
import type { ErrorData } from '../../src/errors.ts';
import type { Stop, WrittenRest } from '../task/sharing.ts';

/** A task that may get a slot. */
export interface Candidate {
  readonly name: string;
  /** It has an actor that waits for the slot; otherwise it is begun. */
  readonly live: boolean;
  /** Place among the tasks that depend on nothing, where it is one of them and is begun for the first time. */
  readonly root?: number;
}

/** What the end of a task means for the items of a map. */
export interface GroupStep {
  /** The task that ended is an item itself: what its failure means, its map says. */
  readonly item?: true;
  /** Items that have not begun and never will, by their map: that of the task that ended, and its own where it is one. */
  readonly drop?: readonly { readonly map: string; readonly count: number }[];
  /** Items that have begun and are to be cancelled. */
  readonly stop?: readonly string[];
  /** The map all of whose items have ended by now. */
  readonly joined?: string;
  /** Tasks that work in rounds and all of whose added tasks have ended by now. */
  readonly over?: readonly string[];
  /** Tasks that a task which works in rounds has added, and that never begin: it has ended. */
  readonly cancelled?: readonly { readonly name: string; readonly description?: string }[];
}

/** A task that joins the run. */
export interface AddedTask {
  readonly spec: { readonly name: string; readonly description?: string | undefined };
  /** Additions between it and the document. */
  readonly depth: number;
  /** What depends on the task that added it waits for it. */
  readonly join: boolean;
}

/** What rows say at this turn. */
export interface PreparedStep extends GroupStep {
  /** What becomes of the tasks that a task wants to add. */
  readonly additions?:
    | {
        readonly tasks: readonly AddedTask[];
        readonly skip: readonly { readonly name: string; readonly because: string }[];
        readonly warning?: string;
      }
    | { readonly refused: ErrorData };
  /** How many items of a map may run at once. */
  readonly concurrency?: number;
  /** In the order in which slots are given. */
  readonly candidates?: readonly Candidate[];
  /** Tasks that can no longer run, with the one they needed; described where that is more than the name. */
  readonly skip?: readonly { readonly name: string; readonly because: string; readonly description?: string }[];
  /** Tasks whose actor has not ended; given where they may have to be cancelled. */
  readonly live?: readonly string[];
  /** The run's output, given where this step may end it. `complete`: at least one of its last tasks completed. */
  readonly output?: { readonly value: unknown; readonly complete: boolean };
  /** What is left of a task that is to be cancelled, where it has begun or ended since that was asked for. */
  readonly cancels?: 'actor' | 'nothing';
  /** Description of a task that is to be cancelled before it began, or that broke, where it is more than the name. */
  readonly description?: string;
  /** What was kept for a task that begins to wait for an event: the event that it takes, if it takes one, and what its filter failed on. */
  readonly kept?: {
    readonly taken?: KeptEvent;
    readonly failures: readonly FilterFailure[];
  };
  /** Tasks of the run publish: its shared space must be there before them. */
  readonly shares?: true;
  /** Of a fork: there are shared values with which it may begin. */
  readonly takesOver?: true;
  /** Tasks whose `cancelWhen` has come true with what was written. */
  readonly stops?: readonly { readonly task: string; readonly stop: Stop }[];
  /** There may be more of them. */
  readonly stopsRest?: WrittenRest;
  /** True where a task that broke had no slot: it waited. */
  readonly waited?: true;
  /** The run that a task which broke had waited for. */
  readonly childRun?: string;
  /** Tasks that wait for runs of their own, where this one is paused or goes on. */
  readonly parents?: readonly string[];
}

/** An event that came early, with the journal number of the fact that carries it. */
export interface KeptEvent {
  readonly event: Readonly<Record<string, unknown>>;
  readonly seq: number;
}

/** A filter that threw: the task does not take the event, and that is stated. */
export interface FilterFailure {
  readonly task: string;
  readonly description: string;
  readonly error: ErrorData;
}
