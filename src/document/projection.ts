/**
 * From the facts of a document's run to its rows: the state of each task, who may run next, what awaits approval.
 *
 * A task has a row from the first fact about it on. Without one it is `pending` with all its dependencies open: a run of
 * 100,000 tasks begins with one row, not with 100,000.
 */
import type { DraftFact } from '../runtime/draft.ts';
import type { Projected, Projection } from '../runtime/projection.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { ApprovalRow, RowChange, TaskRow, TaskStatus } from '../store/store.ts';
import { graphOf, type Graph } from './graph.ts';
import type { DefinitionOf } from './preparation.ts';
import { keepEvent, waitRows } from './waits.ts';

const SETTLED: ReadonlySet<TaskStatus> = new Set([
  'completed',
  'failed',
  'timedOut',
  'skipped',
  'rejected',
  'cancelled',
]);

/** True for a status that never changes again. */
export function isSettled(status: TaskStatus): boolean {
  return SETTLED.has(status);
}

/** True for a task that has begun and holds no slot: it waits for a person, a back-off, an answer, or for a slot. */
export function isWaiting({ status, ready, live }: TaskRow): boolean {
  return live && (ready || status === 'awaitingApproval' || status === 'retrying' || status === 'inDoubt');
}

/** A task's row, or what it would be. */
export function taskRow(rows: RunRows, graph: Graph, name: string): TaskRow {
  return rows.task(graph.spec(name)) ?? untouched(graph, name);
}

function untouched(graph: Graph, name: string): TaskRow {
  return {
    name,
    position: graph.spec(name).position,
    status: 'pending',
    waiting: graph.inDegree(name),
    ready: false,
    live: false,
    attempts: 0,
    startedAt: null,
    endedAt: null,
    resultSeq: null,
    detailJson: null,
  };
}

interface TaskFact {
  readonly task: string;
  readonly attempt?: number;
  readonly [key: string]: unknown;
}

/** Keeps `task` and `approval` rows and the run's counts. */
export function documentProjection(definitionOf: DefinitionOf): Projection {
  return {
    facts: [
      'run_started',
      'task_started',
      'task_retrying',
      'task_queued',
      'task_in_doubt',
      'task_completed',
      'task_failed',
      'task_skipped',
      'task_cancelled',
      'approval_requested',
      'approval_resolved',
      'event_kept',
      'event_refused',
    ],
    project(fact, rows) {
      if (rows.origin.workflowId === undefined) return {};
      if (fact.type === 'run_started') return { counts: { total: Number(fact.data['total']) } };
      const definition = definitionOf(rows);
      const graph = graphOf(definition);
      if (fact.type === 'event_kept') return { rows: keepEvent(fact, definition, rows) };
      const projected = project(fact, fact.data as TaskFact, rows, graph);
      const ofWait = waitRows(fact, definition, rows);
      return ofWait.length === 0 ? projected : { ...projected, rows: [...(projected.rows ?? []), ...ofWait] };
    },
  };
}

function project(fact: DraftFact, data: TaskFact, rows: RunRows, graph: Graph): Projected {
  const before = taskRow(rows, graph, data.task);
  const now = (change: Partial<TaskRow>): readonly RowChange[] => [
    { table: 'task', key: data.task, row: { ...before, ...change } },
  ];
  switch (fact.type) {
    case 'task_started':
      return {
        rows: now({
          status: 'running',
          ready: false,
          live: true,
          attempts: data.attempt ?? before.attempts,
          startedAt: before.startedAt ?? fact.at,
        }),
      };
    case 'task_retrying':
      return {
        rows: now({ status: 'retrying', detailJson: detail(before, { error: data['error'] }) }),
        counts: { retries: 1 },
      };
    case 'task_in_doubt':
      return {
        rows: now({
          status: data['policy'] === 'ask' ? 'inDoubt' : before.status,
          detailJson: detail(before, { inDoubt: true }),
        }),
        counts: { inDoubt: 1 },
      };
    case 'event_refused':
      return { rows: now({ detailJson: detail(before, { refusedEvent: { at: fact.at, error: data['error'] } }) }) };
    case 'task_queued':
      return { rows: now({ ready: true, live: true }) };
    case 'approval_requested':
      return {
        rows: [...now({ status: 'awaitingApproval', ready: false, live: true }), approvalRequested(fact, data)],
        counts: { approvals: 1 },
      };
    case 'approval_resolved':
      return {
        rows: [...(data['approved'] === true ? now({ status: 'pending' }) : []), approvalResolved(fact, data, rows)],
        counts: { approvals: -1 },
      };
    default:
      return settled(fact, data, before, rows, graph);
  }
}

/** The task has ended: its row says how, and those who wait for it wait for one less. */
function settled(fact: DraftFact, data: TaskFact, before: TaskRow, rows: RunRows, graph: Graph): Projected {
  if (isSettled(before.status)) return {};
  const status = statusOf(fact, data);
  const { result: _, task: __, description, type: ___, ...shown } = data;
  const row: TaskRow = {
    ...before,
    status,
    ready: false,
    live: false,
    attempts: data.attempt ?? before.attempts,
    endedAt: fact.at,
    resultSeq: fact.type === 'task_completed' ? fact.entry : null,
    // A description that is only the name is known without being stored 100,000 times.
    detailJson: detail(before, { ...shown, ...(description === data.task ? {} : { description }) }),
  };
  const changes = new Map<string, RowChange>([[data.task, { table: 'task', key: data.task, row }]]);
  const barred = bars(fact, status, graph, data);
  for (const { name, hard } of graph.dependents(data.task)) {
    // It will be skipped, or falls with its run. Ready until that is decided, it would be begun in a turn that comes between.
    if (hard && barred) continue;
    const dependent = taskRow(rows, graph, name);
    if (isSettled(dependent.status)) continue;
    const waiting = dependent.waiting - 1;
    changes.set(name, {
      table: 'task',
      key: name,
      row: { ...dependent, waiting, ready: waiting === 0 && !dependent.live },
    });
  }
  const approval = graph.spec(data.task).approval === undefined ? undefined : rows.get('approval', data.task);
  const open = approval?.status === 'pending';
  const cancelled: RowChange[] = open
    ? [{ table: 'approval', key: data.task, row: { ...approval, status: 'cancelled', decidedAt: fact.at } }]
    : [];
  return {
    rows: [...changes.values(), ...cancelled],
    counts: { settled: 1, [status]: 1, ...(open ? { approvals: -1 } : {}) },
  };
}

/** True where what needs the task can never run, now that it has ended. */
function bars(fact: DraftFact, status: TaskStatus, graph: Graph, data: TaskFact): boolean {
  if (fact.type === 'task_completed') return false;
  if (fact.type === 'task_skipped') return graph.spec(data.task).skipPolicy === 'cascade';
  const { code } = (data['error'] ?? {}) as { readonly code?: unknown };
  const { call } = graph.spec(data.task);
  if (call.kind === 'wait' && code === 'waitTimedOut') return call.onTimeout !== 'skip';
  const refused = status === 'rejected' || (status === 'timedOut' && code === 'approvalExpired');
  return !refused || graph.spec(data.task).approval?.onReject !== 'skip';
}

function statusOf(fact: DraftFact, data: TaskFact): TaskStatus {
  if (fact.type === 'task_completed') return 'completed';
  if (fact.type === 'task_skipped') return 'skipped';
  if (fact.type === 'task_cancelled') return 'cancelled';
  return (data['status'] as TaskStatus | undefined) ?? 'failed';
}

function approvalRequested(fact: DraftFact, data: TaskFact): RowChange {
  const seconds = data['timeoutSeconds'];
  const row: ApprovalRow = {
    task: data.task,
    status: 'pending',
    prompt: String(data['prompt']),
    requestedAt: fact.at,
    expiresAt: typeof seconds === 'number' ? fact.at + seconds * 1_000 : null,
    decidedAt: null,
    decisionJson: null,
  };
  return { table: 'approval', key: data.task, row };
}

function approvalResolved(fact: DraftFact, data: TaskFact, rows: RunRows): RowChange {
  const before = rows.get('approval', data.task);
  const { approved, expired, reason, by } = data;
  const row: ApprovalRow = {
    task: data.task,
    prompt: before?.prompt ?? '',
    requestedAt: before?.requestedAt ?? fact.at,
    expiresAt: before?.expiresAt ?? null,
    status: expired === true ? 'expired' : approved === true ? 'approved' : 'rejected',
    decidedAt: fact.at,
    decisionJson: JSON.stringify({ approved, reason, by, expired }),
  };
  return { table: 'approval', key: data.task, row };
}

/** Details only grow: a retry keeps its last error until the task ends. */
function detail(before: TaskRow, change: Readonly<Record<string, unknown>>): string {
  const known: unknown = before.detailJson === null ? {} : JSON.parse(before.detailJson);
  return JSON.stringify({ ...(known as object), ...change });
}

/** 0..100: how much of a run has settled. A task added later never makes it fall (the runtime sees to that). */
export function progressOf(counts: Readonly<Record<string, number>>): number {
  const { settled: done = 0, total = 0 } = counts;
  return total === 0 ? 0 : Math.floor((100 * done) / total);
}
