/** What a machine is registered with: itself, and what the runtime should know beyond it. */
import type { RunStatus } from '../store/runs.ts';
import type { Migration } from './migration.ts';
import type { OutsideEvents } from './outside.ts';
import type { RunRows } from './rows.ts';
import type { Event, Machine, Snapshot } from './xstate.ts';

/** What a prepared function may look at. All of it is as it stands at this turn. */
export interface Preparing {
  readonly event: Event;
  /** The actor's snapshot before the event; undefined for its first turn. */
  readonly snapshot: Snapshot | undefined;
  readonly rows: RunRows;
  /** What the clock says, in milliseconds since 1970: delays of this turn count from here. */
  readonly now: number;
}

/** Attaches data to the events of a machine before it decides (R2): `event.prepared`, or `input.prepared` at its start. */
export type Prepare = (preparing: Preparing) => unknown;

/** A machine with what the runtime should know beyond it. */
export interface MachineRegistration {
  readonly machine: Machine;
  /**
   * The run's status, from the root's snapshot. A machine registered with this states its own `run_…` facts; without it
   * the runtime derives the status and states them.
   */
  readonly status?: (snapshot: Snapshot) => RunStatus;
  /** What the run ends with, from its root's last snapshot; default: XState's own output and error. */
  readonly outcome?: (snapshot: Snapshot) => { readonly output: unknown; readonly reason: unknown };
  /** Prepared data by logic path: `''` is the root, `'task'` its child `task`. */
  readonly prepare?: Readonly<Record<string, Prepare>>;
  /** How the root hears events from outside; default: what its state accepts, it takes. */
  readonly outside?: OutsideEvents;
  /**
   * Stands for the definition where its own text says nothing, because a bundler or a minifier writes it anew with every
   * build: change it whenever the machine's behaviour changes. Default: the structure, with the source of its functions.
   */
  readonly definition?: string;
  /**
   * By logic path: ids of delayed events that measure a call under way, such as the timeout of an attempt. A call does not
   * outlive its process and begins anew in the next one, and so does its time (R10): these timers are kept in memory only,
   * which spares each call four writes. The machine arms them again when it hears `fermata.inDoubt` or `fermata.unsent`.
   */
  readonly callTimers?: Readonly<Record<string, readonly string[]>>;
  /** 0..100 from the run's counts. */
  readonly progress?: (counts: Readonly<Record<string, number>>) => number;
  /**
   * How many entries of the journal of a run are kept, the newest: of a machine that lives for years and takes very many
   * events, and of which nobody asks how it came to where it is. Default: all. Its past cannot be shown then.
   */
  readonly keepsEntries?: number;
  /** A part of the house, and none of its users' work: lists of runs leave it out. */
  readonly inner?: true;
  /**
   * What other runs are told when a run of this ends, however that comes: also where it is stopped, and its machine is
   * not asked. `contextOf`: of an actor of it, by its address; undefined where there is none.
   */
  readonly farewell?: (ended: {
    readonly run: string;
    contextOf(address: string): unknown;
  }) => readonly { readonly run: string; readonly event: Event }[];
  /** How runs of older versions become runs of this one; `fermata migrate` does it. */
  readonly migrate?: Migration | readonly Migration[];
}
