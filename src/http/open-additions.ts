/** Who waits for whom in a run that has grown: what depends on a task waits for those that it has added, too. */
import { isSettled } from '../document/task-status.ts';
import type { Reads } from '../runtime/reads.ts';
import type { TaskRow } from '../store/tasks.ts';

/** Names of one dependency: a drawing of ten thousand helps nobody. */
const MOST_NAMED = 100;

/** What a task has added, and what those have, that is waited for and has not ended. */
export interface OpenAdditions {
  readonly of: string;
  /** The first of them. */
  readonly named: readonly string[];
  readonly count: number;
}

/** Finds them, by the rows of a run. Nothing is read before somebody asks. */
export class Additions {
  readonly #runtime: Pick<Reads, 'growth'>;
  readonly #runId: string;
  readonly #rows: ReadonlyMap<string, TaskRow>;
  #open: Promise<ReadonlyMap<string, readonly string[]>> | undefined;

  constructor(runtime: Pick<Reads, 'growth'>, runId: string, rows: ReadonlyMap<string, TaskRow>) {
    this.#runtime = runtime;
    this.#runId = runId;
    this.#rows = rows;
  }

  /** Of those of the tasks that have ended themselves, for one that waits for them; those that it comes from do not count. */
  async openOf(tasks: readonly string[], waiter: string): Promise<readonly OpenAdditions[]> {
    const ended = tasks.filter((name) => isSettled(this.#rows.get(name)?.status ?? 'pending'));
    if (ended.length === 0) return [];
    const open = await (this.#open ??= this.#find());
    const adders = new Set(this.#adders(waiter));
    return ended.flatMap((of) => {
      const names = adders.has(of) ? [] : (open.get(of) ?? []);
      return names.length === 0 ? [] : [{ of, named: names.slice(0, MOST_NAMED), count: names.length }];
    });
  }

  async #find(): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, string[]>();
    const joins = new Map<string, Promise<boolean>>();
    const isJoined = (name: string): Promise<boolean> => {
      const known = joins.get(name) ?? this.#isJoined(name);
      joins.set(name, known);
      return known;
    };
    for (const row of this.#rows.values()) {
      if (isSettled(row.status)) continue;
      let at = row.name;
      for (const adder of this.#adders(row.name)) {
        if (!(await isJoined(at))) break;
        const names = found.get(adder) ?? [];
        found.set(adder, names);
        names.push(row.name);
        at = adder;
      }
    }
    return found;
  }

  /** Whether it is waited for by those who wait for the task that added it. */
  async #isJoined(name: string): Promise<boolean> {
    return ((await this.#runtime.growth(this.#runId, name))?.parent ?? null) !== null;
  }

  /** Who added it, who added that one, and so on. */
  #adders(name: string): readonly string[] {
    const found: string[] = [];
    for (let at = adderOf(this.#rows.get(name)); at !== undefined; at = adderOf(this.#rows.get(at))) found.push(at);
    return found;
  }
}

function adderOf(row: TaskRow | undefined): string | undefined {
  if (row?.detailJson?.includes('"parent"') !== true) return undefined;
  return (JSON.parse(row.detailJson) as { readonly parent?: string }).parent;
}
