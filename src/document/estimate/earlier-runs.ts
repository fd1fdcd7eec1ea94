/** What earlier runs of workflows teach about how long tasks take: read when it is asked for, kept as long as it holds. */
import type { TaskRow } from '../../store/tasks.ts';
import { isFresh, Remembered } from '../remembered.ts';
import type { LetOthers } from '../steps.ts';
import { durationsOf, NO_DURATIONS, type LearnedDurations } from './durations.ts';

/** Where they are read. */
export interface RunsAndTasks {
  /** Ids of completed runs of a workflow, the newest first. */
  completed(workflowId: string, limit: number): Promise<readonly string[]>;
  /** Rows of its tasks, in their order. */
  tasks(runId: string, page: { readonly limit: number; readonly after?: number }): Promise<readonly TaskRow[]>;
}

/** Runs that are looked at, the newest first, and tasks of all of them together: a hundred milliseconds at the most. */
const MOST_RUNS = 20;
const MOST_TASKS = 10_000;
const PAGE = 500;
/** Workflows that are remembered. */
const MOST_KEPT = 100;

interface Known {
  readonly newest: string | undefined;
  readonly durations: LearnedDurations;
}

/** Earlier runs, as a teacher. */
export class EarlierRuns {
  readonly #source: RunsAndTasks;
  readonly #letOthers: LetOthers;
  readonly #remembered: Remembered<Known>;

  constructor(source: RunsAndTasks, now: () => number, letOthers: LetOthers) {
    this.#source = source;
    this.#letOthers = letOthers;
    this.#remembered = new Remembered(MOST_KEPT, now);
  }

  /** How long the tasks of a workflow took in its newest completed runs. */
  async of(workflowId: string): Promise<LearnedDurations> {
    const known = this.#remembered.of(workflowId);
    if (known !== undefined && isFresh(known.age, { nothing: known.value.newest === undefined }))
      return known.value.durations;
    return (await this.#remembered.anew(workflowId, () => this.#read(workflowId, known?.value))).durations;
  }

  async #read(workflowId: string, known: Known | undefined): Promise<Known> {
    const runs = await this.#source.completed(workflowId, MOST_RUNS);
    const [newest] = runs;
    if (known !== undefined && known.newest === newest) return known;
    return { newest, durations: newest === undefined ? NO_DURATIONS : await this.#learn(runs) };
  }

  async #learn(runs: readonly string[]): Promise<LearnedDurations> {
    const read: TaskRow[][] = [];
    let left = MOST_TASKS;
    for (const runId of runs) {
      const rows: TaskRow[] = [];
      read.push(rows);
      for (let after: number | undefined; left > 0;) {
        const limit = Math.min(PAGE, left);
        const page = await this.#source.tasks(runId, after === undefined ? { limit } : { limit, after });
        rows.push(...page);
        left -= page.length;
        await this.#letOthers();
        if (page.length < limit) break;
        after = page.at(-1)?.position;
      }
    }
    return durationsOf(read);
  }
}
