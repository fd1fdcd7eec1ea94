/** Reads the ledger, and adds it up. `ledger-writes.ts` says how it grows. */
import { and, asc, desc, eq, exists, getTableColumns, gt, gte, inArray, lt, lte, sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { LedgerRow, LedgerStore, SpendingFilter, SpendingGroup, SpendingTimes, Spent } from '../ledger.ts';
import type { RunKey } from '../runs.ts';
import type { Connection } from './connection.ts';
import { onFirstUse } from './prepared.ts';
import { account, accountTag, ledger, run, tariff } from './schema.ts';

/** Milliseconds of a day. */
const DAY_MS = 86_400_000;

/** Reads a row of a run, whose key is given, by its place. */
export function prepareLedgerRead(
  db: BetterSQLite3Database,
): (run: number, seq: number, index: number) => LedgerRow | undefined {
  return (key, seq, index) => {
    const found = joined(db)
      .innerJoin(account, eq(account.key, ledger.account))
      .innerJoin(run, and(eq(run.tenant, account.tenant), eq(run.run, account.run)))
      .where(and(eq(run.key, key), eq(ledger.seq, seq), eq(ledger.index, index)))
      .get();
    return found === undefined ? undefined : toLedgerRow(found);
  };
}

const SUMS = {
  modelCalls: sql<number>`sum(${ledger.kind} <> 'saved')`,
  unknownCalls: sql<number>`sum(${ledger.costNanos} is null and ${ledger.kind} <> 'saved')`,
  inputTokens: sql<number>`coalesce(sum(${ledger.inputTokens}), 0)`,
  cachedInputTokens: sql<number>`coalesce(sum(${ledger.cachedInputTokens}), 0)`,
  outputTokens: sql<number>`coalesce(sum(${ledger.outputTokens}), 0)`,
  reasoningTokens: sql<number>`coalesce(sum(${ledger.reasoningTokens}), 0)`,
  // As a text: a number of the driver is a double, and a sum of many runs may be too great for it.
  costNanos:
    sql<bigint>`cast(coalesce(sum(${ledger.costNanos}) filter (where ${ledger.kind} <> 'saved'), 0) as text)`.mapWith(
      BigInt,
    ),
  cacheHits: sql<number>`sum(${ledger.kind} = 'saved')`,
  savedNanos:
    sql<bigint>`cast(coalesce(sum(${ledger.costNanos}) filter (where ${ledger.kind} = 'saved'), 0) as text)`.mapWith(
      BigInt,
    ),
};

const DAY = sql<number>`${ledger.at} / ${sql.raw(String(DAY_MS))}`;

/** The first and the last row; null where there is none. */
interface Ends {
  readonly first: number | null;
  readonly last: number | null;
}

/** By what a slice is grouped. */
const GROUPS: Readonly<Record<SpendingGroup, readonly SQL<string | number | null>[]>> = {
  day: [DAY],
  model: [sql`${tariff.provider}`, sql`${tariff.model}`],
  provider: [sql`${tariff.provider}`],
  workflow: [sql`${account.workflowId}`, sql`${account.workflowName}`],
  tag: [sql`${accountTag.tag}`],
  tenant: [sql`${account.tenant}`],
};

/** The sums of a run, and of the runs below it, are prepared: a list of runs asks for those of thousands. */
function prepareSums({ db, driver }: Connection) {
  const isWithin = and(gte(ledger.at, sql.placeholder('from')), lt(ledger.at, sql.placeholder('to')));
  const keyOf = db
    .select({ key: account.key })
    .from(account)
    .where(and(eq(account.tenant, sql.placeholder('tenant')), eq(account.run, sql.placeholder('run'))))
    .prepare();
  const own = db
    .select(SUMS)
    .from(ledger)
    .where(and(eq(ledger.account, sql.placeholder('account')), isWithin))
    .prepare();
  // CROSS JOIN is SQLite's word for this order: it would else begin with the whole ledger.
  const below = driver.prepare<object, Below>(
    `with recursive below(task, account, run) as (
       select parent_task, key, run_id from account where parent_run = :run and +tenant = :tenant
         and key between :first and :last
         and (:among is null or parent_task in (select value from json_each(:among)))
       union all
       select b.task, a.key, a.run_id from below b cross join account a on a.parent_run = b.run and +a.tenant = :tenant)
     select b.task, sum(l.kind <> 'saved') as modelCalls, sum(l.cost_nanos is null and l.kind <> 'saved') as unknownCalls,
       coalesce(sum(l.input_tokens), 0) as inputTokens, coalesce(sum(l.cached_input_tokens), 0) as cachedInputTokens,
       coalesce(sum(l.output_tokens), 0) as outputTokens, coalesce(sum(l.reasoning_tokens), 0) as reasoningTokens,
       cast(coalesce(sum(l.cost_nanos) filter (where l.kind <> 'saved'), 0) as text) as costNanos,
       sum(l.kind = 'saved') as cacheHits,
       cast(coalesce(sum(l.cost_nanos) filter (where l.kind = 'saved'), 0) as text) as savedNanos
     from below b cross join ledger l on l.account = b.account
     where l.at >= :from and l.at < :to group by b.task order by b.task`,
  );
  const begun = driver
    .prepare<object, number>(
      'select key from account where parent_run = :run and key > :after and +tenant = :tenant order by key limit :limit',
    )
    .pluck();
  const byTasks = db
    .select({ task: ledger.task, ...SUMS })
    .from(ledger)
    .where(
      and(
        eq(ledger.account, sql.placeholder('account')),
        sql`(${sql.placeholder('among')} is null or ${ledger.task} in (select value from json_each(${sql.placeholder('among')})))`,
        gt(ledger.task, sql.placeholder('after')),
        isWithin,
      ),
    )
    .groupBy(ledger.task)
    .orderBy(asc(ledger.task))
    .limit(sql.placeholder('limit'))
    .prepare();
  // Whoever began a run is charged with it, too, and so is who began that one.
  const charged = driver
    .prepare<object, number>(
      `with recursive charged(key, parent_run) as (
         select a.key, a.parent_run from account a where +a.tenant = :tenant and a.key in (
           select account from ledger where key between :first and :last and +at >= :from and +at < :to)
         union
         select p.key, p.parent_run from charged c cross join account p on p.tenant = :tenant and p.run_id = c.parent_run)
       select key from charged`,
    )
    .pluck();
  const time = driver
    .prepare<object, number>('select at from ledger where at >= :from and at < :to order by at limit 1 offset :skip')
    .pluck();
  return { keyOf, own, below, begun, byTasks, charged, time };
}

type Below = Omit<Spent, 'costNanos' | 'savedNanos'> & {
  readonly costNanos: string;
  readonly savedNanos: string;
  readonly task: string;
};

/** Times as parameters of a statement; a left out one bounds nothing. */
function boundsOf({ from = 0, to = Number.MAX_SAFE_INTEGER }: SpendingTimes) {
  return { from, to };
}

/** The reads. People ask, and not turns: most queries are built when they are asked. */
export function ledgerStore(connection: Connection): LedgerStore {
  const { db } = connection;
  const sums = onFirstUse(() => prepareSums(connection));

  const between = ({ from, to }: SpendingTimes): (SQL | undefined)[] => [
    from === undefined ? undefined : gte(ledger.at, from),
    to === undefined ? undefined : lt(ledger.at, to),
  ];

  const charged = ({ tag, run: id }: Pick<SpendingFilter, 'tag' | 'run'>): (SQL | undefined)[] => [
    id === undefined ? undefined : eq(account.run, id),
    tag === undefined
      ? undefined
      : exists(
          db
            .select({ found: sql`1` })
            .from(sql`${accountTag} as wanted`)
            .where(sql`wanted.account = ${account.key} and wanted.tag = ${tag}`),
        ),
  ];

  const keyOf = ({ tenant, run: id }: RunKey): number => sums().keyOf.get({ tenant, run: id })?.key ?? 0;

  return {
    ledgerRange: async (tenant, { run: id, ...times }) => {
      const isIn = and(
        id === undefined ? undefined : eq(ledger.account, keyOf({ tenant, run: id })),
        ...between(times),
      );
      // Asked for both at once, SQLite reads the whole ledger.
      const found =
        isIn === undefined
          ? db.get<Ends>(
              sql`select (select min(key) from ${ledger}) as first, (select max(key) from ${ledger}) as last`,
            )
          : db
              .select({ first: sql<Ends['first']>`min(${ledger.key})`, last: sql<Ends['last']>`max(${ledger.key})` })
              .from(ledger)
              .where(isIn)
              .get();
      if (found === undefined || found.first === null || found.last === null) return undefined;
      return { first: found.first, last: found.last };
    },

    ledgerTime: async (_, { skip, ...times }) => {
      const at = sums().time.get({ skip, ...boundsOf(times) });
      // More of one moment than are skipped are not parted.
      return at === undefined ? undefined : Math.max(at, (times.from ?? 0) + 1);
    },

    spending: async (tenant, { by, first, last, ...filter }) => {
      const group = GROUPS[by];
      const named = Object.fromEntries(group.map((part, at) => [`group${at}`, part]));
      const priced = db
        .select({ ...SUMS, ...named })
        .from(ledger)
        .innerJoin(account, eq(account.key, ledger.account))
        .innerJoin(tariff, eq(tariff.key, ledger.tariff))
        .$dynamic();
      const tagged = by === 'tag' ? priced.innerJoin(accountTag, eq(accountTag.account, account.key)) : priced;
      const rows = tagged
        .where(
          and(
            gte(ledger.key, first),
            lte(ledger.key, last),
            sql`+${account.tenant} = ${tenant}`,
            // The slice is read in its order: an index of another column would read the whole ledger, or all of a workflow, for each.
            filter.from === undefined ? undefined : sql`+${ledger.at} >= ${filter.from}`,
            filter.to === undefined ? undefined : sql`+${ledger.at} < ${filter.to}`,
            filter.workflow === undefined
              ? undefined
              : sql`(+${account.workflowId} = ${filter.workflow} or +${account.workflowName} = ${filter.workflow})`,
            ...charged(filter),
          ),
        )
        .groupBy(...group)
        .all();
      return rows.map((row) => {
        const groups = row as unknown as Record<string, string | number | null>;
        return { ...spentOf(row), group: group.map((_, at) => groups[`group${at}`] ?? null) };
      });
    },

    accounts: async (tenant, { limit, after, among, ...filter }) => {
      const page = (whose: SQL | undefined) =>
        db
          .select()
          .from(account)
          .where(
            and(
              filter.run === undefined ? sql`+${account.tenant} = ${tenant}` : eq(account.tenant, tenant),
              after === undefined ? undefined : lt(account.key, after),
              among === undefined
                ? undefined
                : inArray(account.key, sql`(select value from json_each(${JSON.stringify(among)}))`),
              whose,
              ...charged(filter),
            ),
          )
          .orderBy(desc(account.key))
          .limit(limit)
          .all();
      if (filter.workflow === undefined) return page(undefined);
      // Each by its own index, which has them in this order: asked for both at once, all of the workflow are sorted for a page.
      const both = [account.workflowId, account.workflowName].flatMap((column) =>
        page(eq(column, filter.workflow ?? '')),
      );
      const rows = new Map(both.map((row) => [row.key, row]));
      return [...rows.values()].toSorted((one, other) => other.key - one.key).slice(0, limit);
    },

    charged: async (tenant, { first, last, ...times }) =>
      sums().charged.all({ tenant, first, last, ...boundsOf(times) }),

    begunBy: async ({ tenant, run: id }, { limit, after = 0 }) => sums().begun.all({ tenant, run: id, limit, after }),

    spentBy: async (owner, times = {}) => {
      const spent = sums().own.get({ account: keyOf(owner), ...boundsOf(times) });
      // Sums of nothing are null.
      return spent === undefined || spent.modelCalls === null ? undefined : spentOf(spent);
    },

    spentByTasks: async (owner, { among, limit, after = '', ...times }) =>
      sums()
        .byTasks.all({
          account: keyOf(owner),
          among: among === undefined ? null : JSON.stringify(among),
          after,
          limit,
          ...boundsOf(times),
        })
        .map((row) => ({ ...spentOf(row), task: row.task })),

    spentBelow: async ({ tenant, run: id }, { among, first = 0, last = Number.MAX_SAFE_INTEGER, ...times } = {}) =>
      sums()
        .below.all({
          tenant,
          run: id,
          first,
          last,
          among: among === undefined ? null : JSON.stringify(among),
          ...boundsOf(times),
        })
        .map(({ task, costNanos, savedNanos, ...spent }) => ({
          ...spent,
          costNanos: BigInt(costNanos),
          savedNanos: BigInt(savedNanos),
          task,
        })),

    ledger: async (owner, { limit, after }) =>
      joined(db)
        .where(and(eq(ledger.account, keyOf(owner)), after === undefined ? undefined : gt(ledger.key, after)))
        .orderBy(asc(ledger.seq), asc(ledger.index))
        .limit(limit)
        .all()
        .map((found) => ({ ...owner, key: found.key, ...toLedgerRow(found) })),
  };
}

const { key, account: _account, tariff: _tariff, ...rowColumns } = getTableColumns(ledger);
const { key: _key, ...tariffColumns } = getTableColumns(tariff);

function joined(db: BetterSQLite3Database) {
  return db
    .select({ key, ...rowColumns, ...tariffColumns })
    .from(ledger)
    .innerJoin(tariff, eq(tariff.key, ledger.tariff))
    .$dynamic();
}

function toLedgerRow({ key: _, pricesJson, ...row }: LedgerRow & { readonly key: number }): LedgerRow {
  return { ...row, pricesJson: pricesJson === '' ? null : pricesJson };
}

function spentOf({
  modelCalls,
  unknownCalls,
  inputTokens,
  cachedInputTokens,
  outputTokens,
  reasoningTokens,
  costNanos,
  cacheHits,
  savedNanos,
}: Spent): Spent {
  const tokens = { inputTokens, cachedInputTokens, outputTokens, reasoningTokens };
  return { modelCalls, unknownCalls, ...tokens, costNanos, cacheHits, savedNanos };
}
