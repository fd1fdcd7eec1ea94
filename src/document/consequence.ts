/** What the end of a task means for its run. Decided by the workflow machine, foreseen by the preparation. */
import type { TaskRow } from '../store/tasks.ts';
import type { TaskSpec } from './definition.ts';

/** Nothing; that what depends on the task is skipped; a failure of the run's `onTaskFailure` kind; or that the run is to be cancelled. */
export type Consequence = 'none' | 'skip' | 'fail' | 'cancel';

/** True where this end makes the run end: what is alive must then be cancelled. */
export function endsRun(
  run: { readonly onTaskFailure: 'stop' | 'continue'; readonly ending: unknown },
  consequence: Consequence,
): boolean {
  return run.ending === null && (consequence === 'cancel' || (consequence === 'fail' && run.onTaskFailure === 'stop'));
}

/** True where this end makes impossible what depends on the task. */
export function skipsDependents(
  run: { readonly onTaskFailure: 'stop' | 'continue'; readonly ending: unknown },
  consequence: Consequence,
): boolean {
  if (run.ending !== null) return false;
  return consequence === 'skip' || (consequence === 'fail' && run.onTaskFailure === 'continue');
}

interface HowItEnded {
  readonly error?: { readonly code?: string };
  /** Of a task that was skipped, what it needed and what did not succeed; of one that was cancelled, the item that ended their map. */
  readonly because?: string;
  /** What was found of the `cancelWhen` that stopped it. */
  readonly condition?: unknown;
}

/** True for a task that has ended so that what needs it can never run. */
export function barsDependents(
  { status, detailJson }: Pick<TaskRow, 'status' | 'detailJson'>,
  { call, approval, skipPolicy }: Pick<TaskSpec, 'call' | 'approval' | 'skipPolicy'>,
): boolean {
  if (status === 'completed') return false;
  const { error, because, condition } = howItEnded({ detailJson });
  if (status === 'skipped') return because !== undefined || skipPolicy === 'cascade';
  if (status === 'cancelled' && condition !== undefined) return skipPolicy === 'cascade';
  if (call.kind === 'wait' && error?.code === 'waitTimedOut') return call.onTimeout !== 'skip';
  const isRefused = status === 'rejected' || (status === 'timedOut' && error?.code === 'approvalExpired');
  return !isRefused || approval?.onReject !== 'skip';
}

/** The item whose end cancelled another one of its map; undefined of one that was not cancelled by that. */
export function becauseOf(row: Pick<TaskRow, 'detailJson'>): string | undefined {
  return howItEnded(row).because;
}

function howItEnded({ detailJson }: Pick<TaskRow, 'detailJson'>): HowItEnded {
  return (detailJson === null ? {} : JSON.parse(detailJson)) as HowItEnded;
}
