/**
 * Counts that each commit keeps. They are rows of tables that end with the connection, kept by triggers that do: nobody who
 * does not ask pays for them, the file knows nothing of them, and what is rolled back was never counted.
 *
 * C1. What stands in an index up to a mark is counted. The first who asks moves the mark to its end, a step at a time; meanwhile
 *     a row that changes before the mark is counted anew, and one behind it when the mark gets there. So nothing is counted
 *     twice, and the steps need not be one transaction.
 */
import type { CountStore, Counts } from '../counts.ts';
import type { RunStatus } from '../runs.ts';
import type { Connection } from './connection.ts';
import { onFirstUse } from './prepared.ts';

/** Rows of an index that one step counts: half a millisecond. */
const STEP = 5_000;

const STATUSES = [
  'cancelled',
  'completed',
  'failed',
  'paused',
  'pending',
  'running',
  'waiting',
] as const satisfies readonly RunStatus[];

/** An index of a table that begins with its status and ends with its key, and the statuses that are counted, in its order. */
interface Counted {
  readonly table: 'run_state' | 'approval';
  readonly key: 'run' | '"order"';
  readonly statuses: readonly string[];
}

const COUNTED: readonly Counted[] = [
  { table: 'run_state', key: 'run', statuses: STATUSES },
  { table: 'approval', key: '"order"', statuses: ['pending'] },
];

/** The counts of a connection. `pause` lets others go first. */
export function countStore(connection: Connection, { pause }: { readonly pause: () => Promise<void> }): CountStore {
  const use = onFirstUse(() => prepare(connection));
  let counting: Promise<void> | undefined;
  const countAll = async (): Promise<void> => {
    while (use().step()) await pause();
  };
  return {
    async counts() {
      // Where it failed, the next one who asks goes on.
      await (counting ??= countAll().catch((thrown: unknown) => {
        counting = undefined;
        throw thrown;
      }));
      return use().read();
    },
  };
}

function prepare({ driver }: Connection) {
  // All or nothing: who asks again after a failure would find half of it.
  driver.transaction((statements: readonly string[]) => driver.exec(statements.join(';\n')))([
    'create temp table kept_count (what text not null, status text not null, n integer not null, primary key (what, status)) without rowid',
    'create temp table counted_to (what text primary key, status text not null, key integer not null) without rowid',
    ...COUNTED.flatMap(tables),
  ]);
  const slices = new Map(
    COUNTED.map(({ table, key }) => [
      table,
      driver.prepare<unknown[], { readonly n: number; readonly last: number | null }>(
        `select count(*) as n, max(k) as last
         from (select ${key} as k from main.${table} where status = ? and ${key} > ? order by ${key} limit ${STEP})`,
      ),
    ]),
  );
  const markOf = driver.prepare<unknown[], { readonly status: string; readonly key: number }>(
    'select status, key from temp.counted_to where what = ?',
  );
  const add = driver.prepare('update temp.kept_count set n = n + ? where what = ? and status = ?');
  const move = driver.prepare('update temp.counted_to set status = ?, key = ? where what = ?');
  const kept = driver.prepare<unknown[], { readonly what: string; readonly status: string; readonly n: number }>(
    'select what, status, n from temp.kept_count',
  );
  const oldest = driver
    .prepare<unknown[], number>(`select requested_at from approval where status = 'pending' order by "order" limit 1`)
    .pluck();
  const take = driver.transaction(({ table, statuses }: Counted): boolean => {
    const { status, key } = markOf.get(table) ?? { status: '', key: 0 };
    const { n = 0, last = null } = slices.get(table)?.get(status, key) ?? {};
    add.run(n, table, status);
    if (n === STEP) return move.run(status, last, table).changes > 0;
    const next = statuses[statuses.indexOf(status) + 1];
    // Behind the last key of a status nothing is left: what comes there is counted by who brings it.
    if (next === undefined) move.run(status, Number.MAX_SAFE_INTEGER, table);
    else move.run(next, 0, table);
    return next !== undefined;
  });
  const open = new Set(COUNTED);
  return {
    /** Counts a step further; false where nothing is left to be counted. */
    step(): boolean {
      for (const one of open) {
        if (!take(one)) open.delete(one);
        break;
      }
      return open.size > 0;
    },
    read(): Counts {
      const rows = kept.all();
      const of = (table: Counted['table'], status: string): number =>
        rows.find((row) => row.what === table && row.status === status)?.n ?? 0;
      const pendingApprovals = of('approval', 'pending');
      return {
        runs: new Map(STATUSES.map((status) => [status, of('run_state', status)])),
        pendingApprovals,
        oldestPendingAt: pendingApprovals === 0 ? undefined : oldest.get(),
      };
    },
  };
}

/** The rows of a count, its mark before all, and what keeps it. */
function tables({ table, key, statuses }: Counted): readonly string[] {
  const moved = (row: 'new' | 'old', by: 1 | -1): string =>
    `update kept_count set n = n + ${by} where what = '${table}' and status = ${row}.status
       and (${row}.status, ${row}.${key}) <= (select status, key from counted_to where what = '${table}')`;
  return [
    ...statuses.map((status) => `insert into temp.kept_count values ('${table}', '${status}', 0)`),
    `insert into temp.counted_to values ('${table}', '${statuses[0]}', 0)`,
    `create temp trigger count_new_${table} after insert on main.${table} begin ${moved('new', 1)}; end`,
    `create temp trigger count_changed_${table} after update of status on main.${table} when old.status is not new.status
     begin ${moved('old', -1)}; ${moved('new', 1)}; end`,
    `create temp trigger count_gone_${table} after delete on main.${table} begin ${moved('old', -1)}; end`,
  ];
}
