/** What the end of a task means for its run. Decided by the workflow machine, foreseen by the preparation. */

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
