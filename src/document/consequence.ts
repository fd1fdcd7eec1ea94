/** What the end of a task means for its run. Decided by the workflow machine, foreseen by the preparation. */

/** Nothing; a failure of the run's `onTaskFailure` kind; or that the run is to be cancelled. */
export type Consequence = 'none' | 'fail' | 'cancel';

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
  return run.ending === null && consequence === 'fail' && run.onTaskFailure === 'continue';
}
