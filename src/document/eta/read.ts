/** Reads a run as it stands, for its ETA. */
import type { Runtime } from '../../runtime/runtime.ts';
import type { TaskRow } from '../../store/tasks.ts';
import type { Tasks } from '../analysis/tasks.ts';
import { groupOf, itemOf, type Group } from '../growth.ts';
import type { AddedTask } from '../run-graph.ts';
import type { LetOthers } from '../steps.ts';
import { isSettled } from '../task-status.ts';
import type { JoinedTask, Standing } from './standing.ts';

/** What is read from. */
export type EtaRuntime = Pick<Runtime, 'tasks' | 'growth' | 'entry'>;

/** Rows that are read before others have their turn: two or three milliseconds. */
const PAGE = 500;
/** Tasks that joined the run, and maps, whose growth is read one by one; of more than that some are left out. */
const MOST_GROWN = 2_000;

/** What of it is in rows. */
export type StandingRows = Pick<Standing, 'rows' | 'groups' | 'joined' | 'awaited'>;

/** Reads all of it, between whatever else the process has to do. */
export async function readStanding(
  runtime: EtaRuntime,
  runId: string,
  tasks: Tasks,
  letOthers: LetOthers,
): Promise<StandingRows> {
  const rows = new Map<string, TaskRow>();
  for (let after: number | undefined; ;) {
    const page = await runtime.tasks(runId, after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    for (const row of page) rows.set(row.name, row);
    if (page.length < PAGE) break;
    after = page.at(-1)?.position;
    await letOthers();
  }
  const groups = new Map<string, Group>();
  const joined: JoinedTask[] = [];
  const awaited = new Map<string, Set<string>>();
  let left = MOST_GROWN;
  for (const row of rows.values()) {
    const { name } = row;
    const spec = tasks.spec(name);
    const isMany = spec?.call.kind === 'map' || spec?.call.kind === 'reduce';
    // What the document has, and does not become many, has not grown in a way that matters here.
    if ((spec !== undefined && !isMany) || left === 0) continue;
    if (spec === undefined && isSettled(row.status)) continue;
    const map = itemOf(name)?.map;
    if (spec === undefined && map !== undefined && (groups.has(map) || tasks.spec(map) !== undefined)) continue;
    left -= 1;
    if (left % PAGE === 0) await letOthers();
    const growth = await runtime.growth(runId, name);
    if (growth === undefined) continue;
    const group = groupOf(growth);
    if (group !== undefined) groups.set(name, group);
    if (spec !== undefined || growth.specSeq === null) continue;
    const added = (await runtime.entry(runId, growth.specSeq)) as AddedTask | undefined;
    if (added === undefined) continue;
    joined.push({ spec: added.spec, adders: addersOf(name, rows) });
    for (let at: string = name, parent = growth.parent; parent !== null;) {
      const known = awaited.get(parent) ?? new Set();
      awaited.set(parent, known);
      if (known.has(at)) break;
      known.add(at);
      at = parent;
      parent = (await runtime.growth(runId, at))?.parent ?? null;
    }
  }
  return { rows, groups, joined, awaited: new Map([...awaited].map(([name, added]) => [name, [...added]])) };
}

/** Who added a task, who added that one, and so on. */
function addersOf(name: string, rows: ReadonlyMap<string, TaskRow>): readonly string[] {
  const found: string[] = [];
  for (let at: string | undefined = name; at !== undefined;) {
    const detailJson: string | null = rows.get(at)?.detailJson ?? null;
    at = detailJson === null ? undefined : (JSON.parse(detailJson) as { readonly parent?: string }).parent;
    if (at !== undefined) found.push(at);
  }
  return found;
}
