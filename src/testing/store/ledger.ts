/** The ledger of a store in memory, by the rules that the tables of SQLite keep. */
import type {
  AccountRow,
  LedgerEntry,
  LedgerRow,
  LedgerStore,
  SpendingFilter,
  SpendingGroup,
  SpendingTimes,
  Spent,
} from '../../store/ledger.ts';
import type { RunKey, RunOrigin } from '../../store/runs.ts';
import { nameOf, type MemoryDatabase, type Writing } from './database.ts';

const DAY_MS = 86_400_000;

/** An account with the tags that its run began with. */
export interface AccountRecord extends AccountRow {
  readonly tags: readonly string[];
}

/** Opens the account of a run, where it has none. */
export function openAccount(database: MemoryDatabase, writing: Writing, origin: RunOrigin): void {
  const name = nameOf(origin);
  if (database.accounts.has(name)) return;
  // Whoever began it is charged with it, too.
  const above = parentOf(database, origin);
  if (above !== undefined) openAccount(database, writing, above);
  const { tenant, run, workflowId = null, workflowName = null, parent, tags } = origin;
  const [parentRun, parentTask] = [parent?.run ?? null, parent?.task ?? null];
  const key = database.accounts.size + 1;
  const record = { key, tenant, run, workflowId, workflowName, parentRun, parentTask, tags: [...new Set(tags)] };
  writing.insert(database.accounts, name, record, 'account');
}

function parentOf({ runs }: MemoryDatabase, { tenant, parent }: RunOrigin): RunOrigin | undefined {
  return parent === undefined ? undefined : runs.get(nameOf({ tenant, run: parent.run }))?.origin;
}

/** Adds a row. */
export function addToLedger(database: MemoryDatabase, writing: Writing, origin: RunOrigin, row: LedgerRow): void {
  openAccount(database, writing, origin);
  const key = database.ledger.size + 1;
  const { tenant, run } = origin;
  writing.insert(database.ledger, `${nameOf(origin)}\0${row.seq}/${row.index}`, { ...row, key, tenant, run }, 'bill');
}

/** A row of a run by its key. */
export function ledgerRow(database: MemoryDatabase, of: RunKey, rowKey: string): LedgerRow | undefined {
  const found = database.ledger.get(`${nameOf(of)}\0${rowKey}`);
  if (found === undefined) return undefined;
  const { key: _, tenant: __, run: ___, ...row } = found;
  return row;
}

/** The reads. */
export function ledgerOf(use: () => MemoryDatabase): LedgerStore {
  const all = (): readonly LedgerEntry[] => [...use().ledger.values()];
  const of = (owner: RunKey): readonly LedgerEntry[] => all().filter((row) => nameOf(row) === nameOf(owner));
  const accountsOf = (tenant: string): readonly AccountRecord[] =>
    [...use().accounts.values()].filter((account) => account.tenant === tenant);

  return {
    ledgerRange: async (tenant, { run, ...times }) => {
      const keys = (run === undefined ? all() : of({ tenant, run })).filter(within(times)).map(({ key }) => key);
      return keys.length === 0 ? undefined : { first: Math.min(...keys), last: Math.max(...keys) };
    },
    ledgerTime: async (_, { skip, ...times }) => {
      const at = all()
        .filter(within(times))
        .map((row) => row.at)
        .toSorted((one, other) => one - other)[skip];
      return at === undefined ? undefined : Math.max(at, (times.from ?? 0) + 1);
    },
    spending: async (tenant, { by, first, last, ...filter }) => {
      const groups = new Map<string, { readonly group: (string | number | null)[]; readonly rows: LedgerEntry[] }>();
      for (const row of all().filter(within(filter))) {
        const account = use().accounts.get(nameOf(row));
        if (row.key < first || row.key > last || account?.tenant !== tenant || !charges(account, filter)) continue;
        for (const group of groupsOf(by, row, account)) {
          const known = groups.get(JSON.stringify(group)) ?? { group, rows: [] };
          known.rows.push(row);
          groups.set(JSON.stringify(group), known);
        }
      }
      return [...groups.values()].map(({ group, rows }) => ({ ...sumOf(rows), group }));
    },
    charged: async (tenant, { first, last, ...times }) => {
      const found = new Set<number>();
      const add = ({ key, parentRun }: AccountRecord): void => {
        found.add(key);
        const above = parentRun === null ? undefined : use().accounts.get(nameOf({ tenant, run: parentRun }));
        if (above !== undefined) add(above);
      };
      const rows = all().filter((row) => row.key >= first && row.key <= last && within(times)(row));
      for (const account of accountsOf(tenant)) if (rows.some((row) => nameOf(row) === nameOf(account))) add(account);
      return [...found];
    },
    begunBy: async ({ tenant, run }, { limit, after = 0 }) =>
      accountsOf(tenant)
        .filter(({ parentRun, key }) => parentRun === run && key > after)
        .map(({ key }) => key)
        .toSorted((one, other) => one - other)
        .slice(0, limit),
    accounts: async (tenant, { limit, after = Infinity, among, ...filter }) =>
      accountsOf(tenant)
        .filter(({ key }) => among?.includes(key) ?? true)
        .filter((account) => account.key < after && charges(account, filter))
        .toSorted((one, other) => other.key - one.key)
        .slice(0, limit)
        .map(({ tags: _, ...row }) => row),
    spentBy: async (owner, filter = {}) => {
      const rows = of(owner).filter(within(filter));
      return rows.length === 0 ? undefined : sumOf(rows);
    },
    spentByTasks: async (owner, { among, limit, after = '', ...filter }) =>
      byTask(
        of(owner)
          .filter(within(filter))
          .filter(({ task }) => (among?.includes(task) ?? true) && Buffer.compare(bytes(task), bytes(after)) > 0),
      ).slice(0, limit),
    spentBelow: async ({ tenant, run }, { among, first = 0, last = Infinity, ...times } = {}) => {
      const below = (parent: string): readonly AccountRecord[] =>
        accountsOf(tenant).filter(({ parentRun }) => parentRun === parent);
      const rows = (account: AccountRecord): readonly LedgerEntry[] => [
        ...of(account).filter(within(times)),
        ...below(account.run).flatMap(rows),
      ];
      return byTask(
        below(run)
          .filter(({ parentTask }) => among?.includes(parentTask ?? '') ?? true)
          .filter(({ key }) => key >= first && key <= last)
          .flatMap((account) => rows(account).map((row) => ({ ...row, task: account.parentTask ?? '' }))),
      );
    },
    ledger: async (owner, { limit, after = 0 }) =>
      of(owner)
        .filter(({ key }) => key > after)
        .toSorted((one, other) => one.seq - other.seq || one.index - other.index)
        .slice(0, limit),
  };
}

function within({ from = -Infinity, to = Infinity }: SpendingTimes) {
  return ({ at }: LedgerRow): boolean => at >= from && at < to;
}

function charges(
  { run: id, workflowId, workflowName, tags }: AccountRecord,
  { workflow, tag, run }: SpendingFilter,
): boolean {
  if (run !== undefined && run !== id) return false;
  const isIts = workflow === undefined || workflowId === workflow || workflowName === workflow;
  return isIts && (tag === undefined || tags.includes(tag));
}

function groupsOf(by: SpendingGroup, row: LedgerEntry, account: AccountRecord): (string | number | null)[][] {
  switch (by) {
    case 'day':
      return [[Math.floor(row.at / DAY_MS)]];
    case 'model':
      return [[row.provider, row.model]];
    case 'provider':
      return [[row.provider]];
    case 'workflow':
      return [[account.workflowId, account.workflowName]];
    case 'tenant':
      return [[account.tenant]];
    case 'tag':
      return account.tags.map((tag) => [tag]);
  }
}

function byTask(rows: readonly LedgerEntry[]): readonly (Spent & { readonly task: string })[] {
  return [...Map.groupBy(rows, ({ task }) => task)]
    .toSorted(([one], [other]) => Buffer.compare(bytes(one), bytes(other)))
    .map(([task, of]) => ({ ...sumOf(of), task }));
}

function sumOf(all: readonly LedgerRow[]): Spent {
  const saved = all.filter(({ kind }) => kind === 'saved');
  const rows = all.filter(({ kind }) => kind !== 'saved');
  const sum = (of: (row: LedgerRow) => number | null): number => rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  return {
    modelCalls: rows.length,
    unknownCalls: rows.filter(({ costNanos }) => costNanos === null).length,
    inputTokens: sum((row) => row.inputTokens),
    cachedInputTokens: sum((row) => row.cachedInputTokens),
    outputTokens: sum((row) => row.outputTokens),
    reasoningTokens: sum((row) => row.reasoningTokens),
    costNanos: nanosOf(rows),
    cacheHits: saved.length,
    savedNanos: nanosOf(saved),
  };
}

function nanosOf(rows: readonly LedgerRow[]): bigint {
  return rows.reduce((total, { costNanos }) => total + BigInt(costNanos ?? 0), 0n);
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}
