/** What a start and the timer wheel ask: over all tenants, because the host wakes them all. */
import { and, asc, eq, gt, isNotNull, lte, sql } from 'drizzle-orm';
import type { Store } from '../store.ts';
import type { Connection } from './connection.ts';
import { builder, onFirstUse } from './prepared.ts';
import { readStatements } from './prepared-reads.ts';
import type { RunKeys } from './run-keys.ts';
import { OPEN } from './run-list.ts';
import { effect, message, run, runState, timer } from './schema.ts';

type RecoveryReads = Pick<Store, 'dueTimers' | 'nextDue' | 'openEffects' | 'cutRuns' | 'openRuns' | 'messages'>;

const owner = { tenant: run.tenant, run: run.run };
/** Columns of a timer, with its run's name. */
export const timerColumns = {
  ...owner,
  token: timer.token,
  due: timer.due,
  source: timer.source,
  timerJson: timer.timerJson,
};
const effectColumns = {
  ...owner,
  token: effect.token,
  actor: effect.actor,
  src: effect.src,
  marked: effect.marked,
  effectJson: effect.effectJson,
};

const limitTo = sql.placeholder('limit');
const prepareReads = readStatements({
  due: () =>
    builder
      .select(timerColumns)
      .from(timer)
      .innerJoin(run, eq(run.key, timer.run))
      .where(
        and(
          lte(timer.due, sql.placeholder('until')),
          sql`(${timer.due}, ${timer.run}, ${timer.token}) > (${sql.placeholder('due')}, ${sql.placeholder('run')}, ${sql.placeholder('token')})`,
        ),
      )
      .orderBy(asc(timer.due), asc(timer.run), asc(timer.token))
      .limit(limitTo),
  soonest: () =>
    builder
      .select({ due: sql<number | null>`min(${timer.due})` })
      .from(timer)
      .where(gt(timer.due, sql.placeholder('until'))),
  effects: () =>
    builder
      .select(effectColumns)
      .from(effect)
      .innerJoin(run, eq(run.key, effect.run))
      .where(sql`(${effect.run}, ${effect.token}) > (${sql.placeholder('run')}, ${sql.placeholder('token')})`)
      .orderBy(asc(effect.run), asc(effect.token))
      .limit(limitTo),
  cut: () =>
    builder
      .select(owner)
      .from(runState)
      .innerJoin(run, eq(run.key, runState.run))
      .where(isNotNull(runState.agendaJson))
      .orderBy(asc(runState.run)),
  undelivered: () =>
    builder
      .select()
      .from(message)
      .where(gt(message.id, sql.placeholder('after')))
      .orderBy(asc(message.id))
      .limit(limitTo),
});

/** Prepares the reads of recovery and time. */
export function prepareRecoveryReads(connection: Connection, keys: RunKeys): RecoveryReads {
  const read = prepareReads(connection);
  const counting = onFirstUse(() =>
    connection.driver.prepare<unknown[], { readonly machine: string; readonly count: number; readonly last: number }>(
      `select r.machine as machine, count(*) as count, max(r.key) as last
       from (select run from run_state where status = :status and run > :key order by run limit :limit) s
       cross join run r on r.key = s.run group by r.machine`,
    ),
  );

  return {
    dueTimers: async (until, limit, after) =>
      read.due.all({
        until,
        limit,
        due: after?.due ?? Number.MIN_SAFE_INTEGER,
        run: (after && keys.of(after)) ?? 0,
        token: after?.token ?? '',
      }),
    nextDue: async (until) => read.soonest.get({ until })?.due ?? undefined,
    // A run that was deleted between two pages had no effects left: starting over repeats some and leaves none out.
    openEffects: async (after, limit) =>
      read.effects.all({ run: (after && keys.of(after)) ?? 0, token: after?.token ?? '', limit }),
    cutRuns: async () => read.cut.all({}),
    openRuns: async ({ limit, after: { status, key } = { status: OPEN[0], key: 0 } }) => {
      const rows = counting().all({ status, key, limit });
      const byMachine = new Map(rows.map(({ machine, count }) => [machine, count]));
      const isFull = rows.reduce((sum, { count }) => sum + count, 0) === limit;
      if (isFull) return { byMachine, after: { status, key: Math.max(...rows.map(({ last }) => last)) } };
      const next = OPEN[OPEN.findIndex((one) => one === status) + 1];
      return { byMachine, after: next && { status: next, key: 0 } };
    },
    messages: async (limit, after = 0) => read.undelivered.all({ limit, after }),
  };
}
