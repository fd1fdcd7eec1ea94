/** A run as it stands, for whoever asks how long it will still take: read from its rows, which nothing is added to for it. */
import type { TaskRow } from '../../store/tasks.ts';
import type { Tasks } from '../analysis/tasks.ts';
import type { TaskSpec } from '../definition.ts';
import type { LearnedDurations } from '../estimate/durations.ts';
import type { Group } from '../growth.ts';
import type { Eta } from '../eta.ts';

/** All that is looked at. */
export interface Standing {
  readonly tasks: Tasks;
  /** Of the run, checked. */
  readonly input: unknown;
  /** Tasks at once. */
  readonly breadth: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly learned: LearnedDurations;
  /** By name: of the document's tasks, of those that joined, of items. */
  readonly rows: ReadonlyMap<string, TaskRow>;
  /** The items of maps and reductions that have begun. */
  readonly groups: ReadonlyMap<string, Group>;
  /** Tasks that joined the run and have not ended. */
  readonly joined: readonly JoinedTask[];
  /** By task, those of them that it has added and for which is waited with it: they have not ended, or what they added has not. */
  readonly awaited: ReadonlyMap<string, readonly string[]>;
  /** By task, the ETA of the run that it waits for; without one where that run is gone. */
  readonly children: ReadonlyMap<string, Eta>;
  /** Seconds that the run of a sub-workflow takes that has not begun; undefined where nobody knows. */
  childSeconds(spec: TaskSpec): number | undefined;
}

/** A task that joined the run. */
export interface JoinedTask {
  readonly spec: TaskSpec;
  /** Who added it, who added that one, and so on. */
  readonly adders: readonly string[];
}
