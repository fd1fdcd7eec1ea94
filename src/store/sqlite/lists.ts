/** Reads for people: lists in pages, each scoped by its tenant (S4). */
import { and, asc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import type { Store } from '../store.ts';
import { isCheckedLast } from './conditions.ts';
import type { Connection } from './connection.ts';
import type { JournalReads } from './journal.ts';
import { builder } from './prepared.ts';
import { readStatements } from './prepared-reads.ts';
import { timerColumns } from './recovery.ts';
import type { RunKeys } from './run-keys.ts';
import { actor, approval, run, shared, task, timer } from './schema.ts';

type Lists = Pick<Store, 'journal' | 'feed' | 'actors' | 'timersOf' | 'tasks' | 'sharedValues' | 'approvals'>;

const { run: _taskRun, ...taskColumns } = getTableColumns(task);
const { run: _sharedRun, ...sharedColumns } = getTableColumns(shared);
const { run: _actorRun, key: _actorKey, ...actorColumns } = getTableColumns(actor);
const owner = { tenant: run.tenant, run: run.run };

const keyIs = sql.placeholder('key');
const prepareReads = readStatements({
  actors: () => builder.select(actorColumns).from(actor).where(eq(actor.run, keyIs)).orderBy(asc(actor.address)),
  timers: () =>
    builder
      .select(timerColumns)
      .from(timer)
      .innerJoin(run, eq(run.key, timer.run))
      .where(eq(timer.run, keyIs))
      .orderBy(asc(timer.due), asc(timer.token)),
});

/** The lists. Queries that differ from call to call are built when they are asked: a person waits for them, not a turn. */
export function lists(connection: Connection, keys: RunKeys, journal: JournalReads): Lists {
  const { db } = connection;
  const read = prepareReads(connection);
  return {
    journal: async (ownerRun, page) => {
      const key = keys.of(ownerRun);
      return key === undefined ? [] : journal.after(key, page);
    },

    feed: async (tenant, after, limit) => journal.feed(tenant, after, limit),

    actors: async (ownerRun) => {
      const key = keys.of(ownerRun);
      if (key === undefined) return [];
      return read.actors.all({ key });
    },

    timersOf: async (ownerRun) => {
      const key = keys.of(ownerRun);
      if (key === undefined) return [];
      return read.timers.all({ key });
    },

    tasks: async (ownerRun, page) => {
      const key = keys.of(ownerRun);
      if (key === undefined) return [];
      const after = page.after === undefined ? undefined : gt(task.position, page.after);
      return db
        .select(taskColumns)
        .from(task)
        .where(and(eq(task.run, key), after))
        .orderBy(asc(task.position), asc(task.name))
        .limit(page.limit)
        .all();
    },

    sharedValues: async (ownerRun, page) => {
      const key = keys.of(ownerRun);
      if (key === undefined) return [];
      const after = page.after === undefined ? undefined : gt(shared.key, page.after);
      return db
        .select(sharedColumns)
        .from(shared)
        .where(and(eq(shared.run, key), after))
        .orderBy(asc(shared.key))
        .limit(page.limit)
        .all();
    },

    approvals: async (tenant, page) => {
      const after = page.after === undefined ? undefined : gt(approval.order, page.after);
      const status = page.status === undefined ? undefined : eq(approval.status, page.status);
      return db
        .select({ ...getTableColumns(approval), ...owner })
        .from(approval)
        .innerJoin(run, eq(run.key, approval.run))
        .where(and(isCheckedLast(tenant), status, after))
        .orderBy(asc(approval.order))
        .limit(page.limit)
        .all();
    },
  };
}
