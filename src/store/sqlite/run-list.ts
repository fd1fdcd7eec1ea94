/** The list of runs: newest first, filtered, in pages. */
import { and, desc, eq, inArray, lt, lte, or, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { RunFilter, RunRow } from '../store.ts';
import { contains, isCheckedLast } from './conditions.ts';
import type { RunKeys } from './run-keys.ts';
import { runColumns, toListedRow } from './run-row.ts';
import { run, runState, runTag } from './schema.ts';

/** Lists a tenant's runs in descending order of creation, which is the order of their keys. */
export function runList(
  db: BetterSQLite3Database,
  keys: RunKeys,
): (tenant: string, filter: RunFilter) => readonly RunRow[] {
  return (tenant, filter) =>
    db
      .select(runColumns)
      .from(run)
      .innerJoin(runState, eq(runState.run, run.key))
      .where(and(...matches(db, tenant, filter), olderThan(keys, tenant, filter.after)))
      // The same number in both tables: named as the index has it that the page is read from.
      .orderBy(desc(leadsByStatus(filter) ? runState.run : run.key))
      .limit(filter.limit)
      .all()
      .map(toListedRow);
}

function leadsByStatus({ status, workflowId }: RunFilter): boolean {
  return status !== undefined && workflowId === undefined;
}

function matches(db: BetterSQLite3Database, tenant: string, filter: RunFilter): (SQL | undefined)[] {
  const { workflowId, status, tags = [], q } = filter;
  return [
    status === undefined && workflowId === undefined ? eq(run.tenant, tenant) : isCheckedLast(tenant),
    workflowId === undefined ? undefined : eq(run.workflowId, workflowId),
    status === undefined ? undefined : eq(runState.status, status),
    ...tags.map((tag) => inArray(run.key, db.select({ run: runTag.run }).from(runTag).where(eq(runTag.tag, tag)))),
    q === undefined ? undefined : or(contains(run.run, q), contains(run.workflowName, q), contains(run.machine, q)),
  ];
}

/**
 * Runs created before the one that a cursor names. Where that one was deleted meanwhile, those whose ids are smaller
 * stand in: ids are made in ascending order.
 */
function olderThan(keys: RunKeys, tenant: string, after: string | undefined): SQL | undefined {
  if (after === undefined) return undefined;
  const key = keys.of({ tenant, run: after });
  if (key !== undefined) return lt(run.key, key);
  return lte(run.key, sql`(select max(r.key) from ${run} r where r.tenant = ${tenant} and r.id < ${after})`);
}
