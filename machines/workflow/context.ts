/** What a run knows: counts, and how it ends. */
import type { ForkPoint } from '../../src/document/fork/record.ts';
import type { RunEstimate } from '../../src/document/preflight.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { BudgetInput } from '../budget.ts';
import type { PreparedStep } from './prepared.ts';

/** What a run of a workflow is started with. */
export interface WorkflowInput {
  readonly workflow: string;
  readonly version: number;
  readonly total: number;
  readonly breadth: number;
  readonly timeoutMs?: number;
  readonly onTaskFailure: 'stop' | 'continue';
  /** Of a fork: the run that it comes from, and where it leaves it. */
  readonly forkedFrom?: { readonly runId: string } & ForkPoint;
  /** The task of another run that began this one. */
  readonly parent?: { readonly runId: string; readonly task: string; readonly attempt: number };
  /** What its calls may cost together; absent: whatever they cost. */
  readonly budget?: BudgetInput;
  readonly prepared?: PreparedStep;
  /** What it was expected to cost, for the record. */
  readonly estimate?: RunEstimate;
}

/** Why a run ends otherwise than by completing. */
export interface Ending {
  readonly status: 'failed' | 'cancelled';
  readonly reason: ErrorData;
}

/** What it keeps, in every snapshot. */
export interface WorkflowContext extends Omit<WorkflowInput, 'prepared' | 'estimate'> {
  /** Tasks that have ended or were skipped. */
  readonly settled: number;
  /** Tasks that hold a slot. */
  readonly active: number;
  /** Tasks that have begun and wait without a slot. */
  readonly parked: number;
  /** It has a shared space; absent until a task writes. */
  readonly shares?: true;
  /**
   * Tasks that were told that all they had added is over, or to stop, and have not said yet what comes next: of many that
   * stop at once, the last. Absent until one is.
   */
  readonly unheard?: readonly string[];
  /** How many of the tasks that depend on nothing have been begun. */
  readonly nextRoot: number;
  readonly ending: Ending | null;
  readonly output?: unknown;
  /** First failure, for a run whose last tasks did not complete. */
  readonly failure: ErrorData | null;
}

/** Nothing has begun. */
export function initialContext({ prepared: _, estimate: __, ...rest }: WorkflowInput): WorkflowContext {
  return { ...rest, settled: 0, active: 0, parked: 0, nextRoot: 0, ending: null, failure: null };
}
