/** The list of runs: newest first, filtered, in pages. */
import { and, desc, eq, exists, inArray, ne, or, sql } from 'drizzle-orm';
import type { SQL, SQLWrapper } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { alias } from 'drizzle-orm/sqlite-core';
import type { RunFilter, RunRow, RunStatus } from '../runs.ts';
import { contains, isCheckedLast } from './conditions.ts';
import type { RunKeys } from './run-keys.ts';
import { runColumns, toListedRow } from './run-row.ts';
import { forkedFrom, run, runState, runTag } from './schema.ts';

/** A run that has one of them has not ended. */
export const OPEN = ['pending', 'running', 'waiting', 'paused'] as const satisfies readonly RunStatus[];

type Selected = Parameters<typeof toListedRow>[0];

/** Lists a tenant's runs in descending order of creation, which is the order of their keys. */
export function runList(
  db: BetterSQLite3Database,
  keys: RunKeys,
): (tenant: string, filter: RunFilter) => readonly RunRow[] {
  const page = pageOf(db, keys);
  const found = (tenant: string, filter: Filter): readonly Selected[] => {
    const { open = false, status, limit } = filter;
    if (!open) return page(tenant, filter);
    // A page of each status by the index of those: one query for all would sort whatever is open, or read what has ended.
    const statuses = status === undefined ? OPEN : OPEN.filter((one) => one === status);
    return newest(
      statuses.flatMap((one) => page(tenant, { ...filter, status: one })),
      limit,
    );
  };
  return (tenant, { orOpenOf = [], ...filter }) => {
    // Of none of them SQLite would read all.
    const named = filter.among?.length === 0 ? [] : found(tenant, filter);
    if (orOpenOf.length === 0) return named.map(toListedRow);
    const known = new Set(named.map(({ key }) => key));
    const others = found(tenant, { ...filter, among: undefined, open: true, machines: orOpenOf });
    return newest([...named, ...others.filter(({ key }) => !known.has(key))], filter.limit).map(toListedRow);
  };
}

/** Of `machines` only, where they are given. */
type Filter = Omit<RunFilter, 'orOpenOf'> & { readonly machines?: readonly string[] };

function newest(rows: readonly Selected[], limit: number): readonly Selected[] {
  return rows.toSorted((one, other) => other.key - one.key).slice(0, limit);
}

function pageOf(db: BetterSQLite3Database, keys: RunKeys): (tenant: string, filter: Filter) => readonly Selected[] {
  return (tenant, filter) => {
    const [tag, ...tags] = filter.tags ?? [];
    const all = db.select(runColumns).from(run).innerJoin(runState, eq(runState.run, run.key)).$dynamic();
    const tagged = tag === undefined ? all : all.innerJoin(runTag, and(eq(runTag.run, run.key), eq(runTag.tag, tag)));
    const origin = filter.forkedFrom;
    const forked = origin === undefined ? tagged : tagged.innerJoin(forkedFrom, isForkOf(origin));
    // The same number in four tables: named as the index has it that the page is read from.
    const key =
      origin !== undefined
        ? forkedFrom.run
        : tag !== undefined
          ? runTag.run
          : leadsByStatus(filter)
            ? runState.run
            : run.key;
    return (
      forked
        .where(and(...matches(db, tenant, filter, tags), olderThan(keys, tenant, filter.after, key)))
        // Named by their ids they are found by those and sorted: in the order of their keys all would be read.
        .orderBy(filter.among === undefined ? desc(key) : sql`+${key} desc`)
        .limit(filter.limit)
        .all()
    );
  };
}

function leadsByStatus({ status, workflowId, parent }: Filter): boolean {
  return status !== undefined && workflowId === undefined && parent === undefined;
}

/** @param tags but for the one that the page is read by */
function matches(
  db: BetterSQLite3Database,
  tenant: string,
  filter: Filter,
  tags: readonly string[],
): (SQL | undefined)[] {
  const { workflowId, parent, status, q, among, machines, without = [], idPrefix } = filter;
  const leads =
    status === undefined &&
    workflowId === undefined &&
    parent === undefined &&
    filter.forkedFrom === undefined &&
    (filter.tags ?? []).length === 0;
  return [
    leads || among !== undefined ? eq(run.tenant, tenant) : isCheckedLast(tenant),
    workflowId === undefined ? undefined : eq(run.workflowId, workflowId),
    parent === undefined ? undefined : eq(run.parentRun, parent),
    status === undefined ? undefined : among === undefined ? eq(runState.status, status) : hasStatus(status),
    ...tags.map((tag) => exists(tagOf(db, tag))),
    among === undefined ? undefined : sql`${run.run} in (select value from json_each(${JSON.stringify(among)}))`,
    machines === undefined ? undefined : inArray(run.machine, [...machines]),
    ...without.map((machine) => ne(run.machine, machine)),
    idPrefix === undefined ? undefined : sql`substr(${run.run}, 1, ${idPrefix.length}) = ${idPrefix}`,
    q === undefined ? undefined : or(contains(run.run, q), contains(run.workflowName, q), contains(run.machine, q)),
  ];
}

/** Checked of those that are named by their ids, and not looked for. */
function hasStatus(status: RunStatus): SQL {
  return sql`+${runState.status} = ${status}`;
}

/** A further tag is looked up for each run of the page, and not in a list of all that have it. */
function tagOf(db: BetterSQLite3Database, tag: string) {
  const further = alias(runTag, 'further');
  return db
    .select({ found: sql`1` })
    .from(further)
    .where(and(eq(further.run, run.key), eq(further.tag, tag)));
}

function isForkOf(origin: string): SQL | undefined {
  return and(eq(forkedFrom.run, run.key), eq(forkedFrom.origin, origin), eq(forkedFrom.distance, 0));
}

/**
 * Runs created before the one that a cursor names. Where that one was deleted meanwhile, those whose ids are smaller
 * stand in: ids are made in ascending order.
 */
function olderThan(keys: RunKeys, tenant: string, after: string | undefined, column: SQLWrapper): SQL | undefined {
  if (after === undefined) return undefined;
  const key = keys.of({ tenant, run: after });
  if (key !== undefined) return sql`${column} < ${key}`;
  return sql`${column} <= (select max(r.key) from ${run} r where r.tenant = ${tenant} and r.id < ${after})`;
}
