/** Reads of what is committed, each scoped by its tenant (S4), in the orders that `Store` promises. */
import type { ActorStore } from '../../store/actors.ts';
import type { ApprovalStore, PendingApproval } from '../../store/approvals.ts';
import type { BlobStore } from '../../store/blobs.ts';
import type { BudgetPlace, BudgetStore } from '../../store/budgets.ts';
import type { CountStore } from '../../store/counts.ts';
import type { EffectStore } from '../../store/effects.ts';
import type { FeedEntry, JournalStore } from '../../store/journal.ts';
import type { MessageRow, MessageStore } from '../../store/messages.ts';
import type { OutsideEventStore } from '../../store/outside-events.ts';
import type { ProjectedRows, ProjectedTable, RowStore } from '../../store/rows.ts';
import type { RunFilter, RunKey, RunRow, RunStatus, RunStore } from '../../store/runs.ts';
import type { SharedValueStore } from '../../store/shared-values.ts';
import type { TaskStore } from '../../store/tasks.ts';
import type { TimerStore } from '../../store/timers.ts';
import type { MemoryDatabase, RunRecord } from './database.ts';
import { ledgerRow } from './ledger.ts';

interface Reads
  extends
    Omit<RunStore, 'deleteRun'>,
    ActorStore,
    TimerStore,
    EffectStore,
    JournalStore,
    MessageStore,
    BlobStore,
    RowStore,
    TaskStore,
    ApprovalStore,
    OutsideEventStore,
    SharedValueStore,
    BudgetStore,
    CountStore {}

/** The reads of a database in memory. `use` throws where it is not open. */
export function readsOf(use: () => MemoryDatabase): Reads {
  const all = (): readonly RunRecord[] => [...use().runs.values()];
  const rows: { [T in ProjectedTable]: (record: RunRecord, key: string) => ProjectedRows[T] | undefined } = {
    task: ({ tasks }, key) => tasks.get(key),
    approval: ({ approvals }, key) => approvals.get(key)?.row,
    growth: ({ growth }, key) => growth.get(key),
    growthList: ({ growthLists }, key) => growthLists.get(key),
    wait: ({ waits }, key) => waits.get(key),
    keptEvent: ({ keptEvents }, key) => keptEvents.get(key),
    eventType: ({ eventTypes }, key) => eventTypes.get(key),
    shared: ({ shared }, key) => shared.get(key),
    sharedWrite: ({ sharedWrites }, key) => sharedWrites.get(key),
    watch: ({ watches }, key) => watches.get(key),
    budgetWait: ({ budgetWaits }, key) => budgetWaits.get(key),
    ledger: ({ origin }, key) => ledgerRow(use(), origin, key),
    // Of no run: it is written and never read by one.
    answer: () => undefined,
  };
  return {
    run: (key) => {
      const record = use().run(key);
      return record && { ...rowOf(record), revision: record.revision };
    },
    actor: (key, address) => use().run(key)?.actors.get(address),
    row: (key, table, rowKey) => {
      const record = use().run(key);
      return record && rows[table](record, rowKey);
    },
    readyTasks: (key, limit) =>
      tasksOf(use().run(key))
        .filter(({ ready }) => ready)
        .slice(0, limit)
        .map(({ name, position }) => ({ name, position })),
    liveTasks: (key) =>
      tasksOf(use().run(key))
        .filter(({ live }) => live)
        .map(({ name }) => name)
        .toSorted(byText),
    tasksNamed: (key, names) => tasksOf(use().run(key)).filter(({ name }) => names.includes(name)),
    eventTypes: (key, limit) => [...(use().run(key)?.eventTypes.keys() ?? [])].toSorted(byText).slice(0, limit),
    openWaits: (key, type, { limit, after }) =>
      [...(use().run(key)?.waits.values() ?? [])]
        .filter(
          (wait) =>
            wait.open &&
            wait.type === type &&
            (after === undefined || compare([wait.position, wait.task], [after.position, after.task]) > 0),
        )
        .toSorted((a, b) => compare([a.position, a.task], [b.position, b.task]))
        .slice(0, limit),
    openWatches: (key, sharedKey, { limit, after }) =>
      [...(use().run(key)?.watches.values() ?? [])]
        .filter(
          (watch) =>
            watch.open &&
            watch.key === sharedKey &&
            (after === undefined || compare([watch.position, watch.task], [after.position, after.task]) > 0),
        )
        .toSorted((a, b) => compare([a.position, a.task], [b.position, b.task]))
        .slice(0, limit),
    openBudgetWaits: (key, { limit, after }) =>
      [...(use().run(key)?.budgetWaits.values() ?? [])]
        .filter((wait) => wait.open && (after === undefined || compare(placeOf(wait), placeOf(after)) > 0))
        .toSorted((a, b) => compare(placeOf(a), placeOf(b)))
        .slice(0, limit),
    budgetHolders: (key, { limit, after = '' }) =>
      [...(use().run(key)?.budgetWaits.values() ?? [])]
        .filter(({ held, task }) => held > 0 && task > after)
        .toSorted((a, b) => byText(a.task, b.task))
        .slice(0, limit),
    budgetsAskedBy: ({ tenant, run }) => {
      const known = use()
        .runsOf(tenant)
        .filter(({ budgetWaits }) => {
          const row = budgetWaits.get(`${run}/`);
          return row !== undefined && (row.held > 0 || row.open);
        });
      const asked = [...use().messages.values()]
        .filter((row) => row.tenant === tenant && row.fromRun === run && asksBudget(row))
        .toSorted((one, other) => one.id - other.id);
      return [...new Set([...known.map(({ origin }) => origin.run), ...asked.map(({ toRun }) => toRun)])];
    },
    keptEvents: (key, type, { limit, after = -1 }) =>
      [...(use().run(key)?.keptEvents.values() ?? [])]
        .filter((event) => event.takenBy === null && event.type === type && event.seq > after)
        .toSorted((a, b) => a.seq - b.seq)
        .slice(0, limit),
    entry: (key, seq) => use().run(key)?.entries.get(seq),
    entryOfFact: (key, factSeq) => entriesOf(use().run(key)).find((entry) => entry.factSeq === factSeq)?.seq,
    blob: (hash) => use().blobs.get(hash),
    awaitedRuns: ({ tenant, run }) =>
      use()
        .runsOf(tenant)
        .filter(({ origin, state }) => origin.parent?.run === run && origin.parent.awaited && state.endedAt === null)
        .map(({ origin }) => origin.run),
    messageTaken: (key, id) => use().run(key)?.taken.get(id),
    startedUnder: (tenant, key) => {
      const { origin } =
        use()
          .runsOf(tenant)
          .find((record) => record.origin.idempotency?.key === key) ?? {};
      return origin?.idempotency && { run: origin.run, bodyHash: origin.idempotency.bodyHash };
    },

    dueTimers: async (until, limit, after) => {
      const place = (row: RunKey & { readonly due: number; readonly token: string }) =>
        [row.due, use().run(row)?.key ?? 0, row.token] as const;
      const from = after && place(after);
      return all()
        .flatMap(({ timers }) => [...timers.values()])
        .filter((row) => row.due <= until && (from === undefined || compare(place(row), from) > 0))
        .toSorted((a, b) => compare(place(a), place(b)))
        .slice(0, limit);
    },
    nextDue: async (until) => {
      let next = Infinity;
      for (const { timers } of use().runs.values())
        for (const { due } of timers.values()) if (due > until && due < next) next = due;
      return next === Infinity ? undefined : next;
    },
    openEffects: async (after, limit) => {
      const place = (row: RunKey & { readonly token: string }) => [use().run(row)?.key ?? 0, row.token] as const;
      const from = after && place(after);
      return all()
        .flatMap(({ effects }) => [...effects.values()])
        .filter((row) => from === undefined || compare(place(row), from) > 0)
        .toSorted((a, b) => compare(place(a), place(b)))
        .slice(0, limit);
    },
    effectsOf: (key) => [...(use().run(key)?.effects.values() ?? [])].toSorted((a, b) => byText(a.token, b.token)),
    cutRuns: async () =>
      all()
        .filter(({ state }) => state.agendaJson !== null)
        .map(({ origin: { tenant, run } }) => ({ tenant, run })),
    openRuns: async ({ limit, after }) => {
      const open = all()
        .filter(isOpen)
        .map(({ origin: { machine }, state: { status }, key }) => ({ machine, status, key }))
        .toSorted((a, b) => compare([a.status, a.key], [b.status, b.key]));
      const next = open
        .filter(({ status, key }) => after === undefined || compare([status, key], [after.status, after.key]) > 0)
        .slice(0, limit);
      const counts = [...Map.groupBy(next, ({ machine }) => machine)].map(
        ([machine, of]) => [machine, of.length] as const,
      );
      return { byMachine: new Map(counts), after: next.length < limit ? undefined : next.at(-1) };
    },
    messages: async (limit, after = 0) =>
      [...use().messages.values()]
        .filter(({ id }) => id > after)
        .toSorted((a, b) => a.id - b.id)
        .slice(0, limit),

    runs: async (tenant, filter) =>
      use()
        .runsOf(tenant)
        .filter((record) => isListed(record, filter) && record.key < before(use(), tenant, filter.after))
        .toReversed()
        .slice(0, filter.limit)
        .map(rowOf),
    journal: async (key, { after, limit, kind, actor }) =>
      entriesOf(use().run(key))
        .filter(
          (entry) =>
            entry.seq > after &&
            (kind === undefined || entry.kind === kind) &&
            (actor === undefined || entry.actor === actor),
        )
        .slice(0, limit),
    feed: async (tenant, after, limit) =>
      [...use().positions.values()]
        .filter(({ run, entry }) => run.tenant === tenant && entry.position > after && entry.kind === 'fact')
        .toSorted((a, b) => a.entry.position - b.entry.position)
        .slice(0, limit)
        .map(({ run, entry }): FeedEntry => ({ ...run, ...entry })),
    actors: async (key) =>
      [...(use().run(key)?.actors.values() ?? [])].toSorted((a, b) => byText(a.address, b.address)),
    timersOf: async (key) =>
      [...(use().run(key)?.timers.values() ?? [])].toSorted((a, b) => compare([a.due, a.token], [b.due, b.token])),
    tasks: async (key, { limit, after = -Infinity }) =>
      tasksOf(use().run(key))
        .filter(({ position }) => position > after)
        .slice(0, limit),
    sharedValues: async (key, { limit, after }) =>
      [...(use().run(key)?.shared.values() ?? [])]
        .filter((row) => after === undefined || byBytes(row.key, after) > 0)
        .toSorted((a, b) => byBytes(a.key, b.key))
        .slice(0, limit),
    approvals: async (tenant, { limit, after = -Infinity, status }) =>
      use()
        .runsOf(tenant)
        .flatMap(({ origin: { run }, approvals }) =>
          [...approvals.values()].map(({ order, row }): PendingApproval => ({ ...row, tenant, run, order })),
        )
        .filter((approval) => approval.order > after && (status === undefined || approval.status === status))
        .toSorted((a, b) => a.order - b.order)
        .slice(0, limit),

    counts: async () => {
      const count = (status: RunStatus): number => all().filter(({ state }) => state.status === status).length;
      const pending = all()
        .flatMap(({ approvals }) => [...approvals.values()])
        .filter(({ row }) => row.status === 'pending')
        .toSorted((a, b) => a.order - b.order);
      return {
        runs: new Map(STATUSES.map((status) => [status, count(status)])),
        pendingApprovals: pending.length,
        oldestPendingAt: pending[0]?.row.requestedAt,
      };
    },
  };
}

const STATUSES: readonly RunStatus[] = ['pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'];

function rowOf({ origin, state }: RunRecord): RunRow {
  const { forkedFrom: _, ...read } = origin;
  const { idempotency } = origin;
  return { ...read, ...state, idempotency: idempotency && { ...idempotency } };
}

function isListed(record: RunRecord, filter: RunFilter): boolean {
  const isOneOf = filter.orOpenOf?.includes(record.origin.machine) ?? false;
  return matches(record, isOneOf && isOpen(record) ? { ...filter, among: undefined } : filter);
}

function isOpen({ state }: RunRecord): boolean {
  return !['completed', 'failed', 'cancelled'].includes(state.status);
}

function matches(
  record: RunRecord,
  { workflowId, parent, status, open = false, tags = [], q, among, without = [], idPrefix = '', forkedFrom }: RunFilter,
): boolean {
  const { origin, state } = record;
  const texts = [origin.run, origin.workflowName ?? '', origin.machine];
  return (
    (workflowId === undefined || origin.workflowId === workflowId) &&
    (forkedFrom === undefined || origin.forkedFrom?.[0] === forkedFrom) &&
    (parent === undefined || origin.parent?.run === parent) &&
    (among === undefined || among.includes(origin.run)) &&
    !without.includes(origin.machine) &&
    origin.run.startsWith(idPrefix) &&
    (status === undefined || state.status === status) &&
    (!open || isOpen(record)) &&
    tags.every((tag) => origin.tags.includes(tag)) &&
    (q === undefined || texts.some((text) => text.toLowerCase().includes(q.toLowerCase())))
  );
}

/** Where the run that a cursor names was deleted meanwhile, those whose ids are smaller stand in: ids ascend. */
function before(database: MemoryDatabase, tenant: string, after: string | undefined): number {
  if (after === undefined) return Infinity;
  const known = database.run({ tenant, run: after })?.key;
  if (known !== undefined) return known;
  const older = database.runsOf(tenant).filter(({ origin }) => origin.run < after);
  return Math.max(0, ...older.map(({ key }) => key)) + 1;
}

function tasksOf(record: RunRecord | undefined) {
  return [...(record?.tasks.values() ?? [])].toSorted((a, b) => compare([a.position, a.name], [b.position, b.name]));
}

function entriesOf(record: RunRecord | undefined) {
  return [...(record?.entries.values() ?? [])].toSorted((a, b) => a.seq - b.seq);
}

/** Code unit by code unit and never by a locale: a page must begin where the one before ended, on every machine. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function placeOf({ least, task, call }: BudgetPlace): readonly (number | string)[] {
  return [least, task, call];
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, one] of a.entries()) {
    const other = b[index];
    if (other === undefined || one === other) continue;
    return one < other ? -1 : 1;
  }
  return 0;
}

/** As SQLite orders texts. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function asksBudget({ eventJson }: MessageRow): boolean {
  return (JSON.parse(eventJson) as { readonly type?: unknown }).type === 'fermata.budget.ask';
}
