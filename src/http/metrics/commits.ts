/** Commits and timers, seen from beside the database: how long a commit takes, and how late what it carries was. */
import type { Clock, EventLoop } from '../../clock.ts';
import type { Store } from '../../store/store.ts';
import type { TimerRow } from '../../store/timers.ts';
import type { Instruments } from './instruments.ts';

const OUTCOMES = ['unchanged', 'unknown'] as const;

/** The same store, whose commits are measured. */
export function measured(
  store: Store,
  instruments: Instruments,
  { clock, loop }: { readonly clock: Pick<Clock, 'now'>; readonly loop: Pick<EventLoop, 'elapsed'> },
): Store {
  const durations = instruments.histogram('fermata_commit_duration_seconds');
  const failures = instruments.counter('fermata_commit_failures_total');
  const entries = instruments.counter('fermata_journal_entries_total');
  const lateness = instruments.histogram('fermata_timer_lateness_seconds');
  for (const outcome of OUTCOMES) failures.inc({ outcome }, 0);
  /** Timers that were due and that no commit has taken yet, and when they were. */
  const due = new Map<string, number>();

  return {
    ...store,
    async commit(group) {
      const begun = loop.elapsed();
      try {
        await store.commit(group);
      } catch (thrown) {
        const outcome = (thrown as { readonly outcome?: unknown }).outcome;
        failures.inc({ outcome: outcome === 'unchanged' ? 'unchanged' : 'unknown' });
        throw thrown;
      }
      durations.observe((loop.elapsed() - begun) / 1_000);
      entries.inc(group.runs.reduce((sum, run) => sum + run.entries.length, 0));
      if (due.size === 0) return;
      for (const { run, timersGone } of group.runs) {
        for (const token of timersGone) {
          const at = due.get(nameOf({ run, token }));
          if (at !== undefined) lateness.observe(Math.max(0, clock.now() - at) / 1_000);
          due.delete(nameOf({ run, token }));
        }
      }
    },
    async dueTimers(...asked) {
      const rows = await store.dueTimers(...asked);
      for (const row of rows) due.set(nameOf(row), row.due);
      return rows;
    },
    async deleteRun(key, options) {
      const isDeleted = await store.deleteRun(key, options);
      // Nobody takes them any more.
      if (isDeleted) for (const name of due.keys()) if (name.startsWith(`${key.run} `)) due.delete(name);
      return isDeleted;
    },
  };
}

function nameOf({ run, token }: Pick<TimerRow, 'run' | 'token'>): string {
  return `${run} ${token}`;
}
