/**
 * From the facts of a document's run to its rows: the state of each task, who may run next, what awaits approval.
 *
 * A task has a row from the first fact about it on. Without one it is `pending` with all its dependencies open: a run of
 * 100,000 tasks begins with one row, not with 100,000.
 */
import type { DraftFact } from '../runtime/draft.ts';
import type { Projected, Projection } from '../runtime/projection.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { ApprovalRow } from '../store/approvals.ts';
import type { RowChange } from '../store/rows.ts';
import type { TaskRow, TaskStatus } from '../store/tasks.ts';
import { callTimes } from './call-times.ts';
import { Changes } from './changes.ts';
import { barsDependents } from './consequence.ts';
import { itemBegun, itemsCancelled, itemSettled, release, taskAdded, type TaskAdded } from './growing.ts';
import { passTurn } from './lane.ts';
import type { DefinitionOf } from './definition-of.ts';
import { begunRunOf } from './parents.ts';
import type { RunEstimate } from './preflight.ts';
import { RunGraph } from './run-graph.ts';
import { sharedRows, watchRows } from './shared-context.ts';
import { isSettled } from './task-status.ts';
import { usageCounts } from './usage.ts';
import { keepEvent, waitRows } from './waits.ts';

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
      'task_added',
      'items_cancelled',
      'task_started',
      'progress',
      'child_run_started',
      'model_chosen',
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
      'wait_ended',
      'shared_changed',
      'budget_awaited',
      'budget_granted',
    ],
    project(fact, rows) {
      if (rows.origin.workflowId === undefined) return {};
      if (fact.type === 'run_started') return { counts: startingCounts(fact) };
      if (fact.type === 'shared_changed') return { rows: sharedRows(fact), keeps: true };
      const graph = new RunGraph(rows, definitionOf(rows));
      const changes = new Changes(graph);
      switch (fact.type) {
        case 'task_added':
          return taskAdded(fact, fact.data as unknown as TaskAdded, changes);
        case 'items_cancelled':
          return itemsCancelled(String(fact.data['task']), Number(fact.data['count']), changes);
        case 'event_kept':
          return { rows: keepEvent(fact, graph) };
        default: {
          const projected = project(fact, fact.data as TaskFact, rows, changes);
          const { task } = fact.data as TaskFact;
          const beside = [...waitRows(fact, graph), ...watchRows(fact, graph.spec(task), rows)];
          return beside.length === 0 ? projected : { ...projected, rows: [...(projected.rows ?? []), ...beside] };
        }
      }
    },
  };
}

/** What a run begins with. A run without an estimate has no counts of one. */
function startingCounts({ data }: DraftFact): NonNullable<Projected['counts']> {
  const { total, estimate } = data as { readonly total: number; readonly estimate?: RunEstimate };
  if (estimate === undefined) return { total: Number(total) };
  const { lowest, expected, highest } = estimate;
  const most = highest === undefined ? {} : { estimatedHighest: highest };
  return { total: Number(total), estimatedLowest: lowest, estimatedNanos: expected, ...most };
}

function project(fact: DraftFact, data: TaskFact, rows: RunRows, changes: Changes): Projected {
  const { graph } = changes;
  const item = graph.item(data.task);
  const isFirst = item !== undefined && rows.task(graph.spec(data.task)) === undefined;
  const before = graph.row(data.task);
  // One that is cancelled before it begins has no actor.
  const begins = isFirst && fact.type !== 'task_cancelled';
  if (item !== undefined && begins) itemBegun(item.map, item.index, changes);
  const now = (change: Partial<TaskRow>): void => changes.putTask({ ...before, ...change });
  const times = callTimes(fact, before);
  let counts: Projected['counts'] = {};
  switch (fact.type) {
    case 'task_started':
      now({
        status: 'running',
        ready: false,
        live: true,
        attempts: data.attempt ?? before.attempts,
        startedAt: before.startedAt ?? fact.at,
        ...withDetail(before, {
          ...times,
          ...(data['asks'] !== undefined
            ? { asks: data['asks'] }
            : // Another attempt has a run of its own.
              before.attempts > 0 && graph.spec(data.task).call.kind === 'subworkflow'
              ? { childRunId: undefined, childRunBefore: begunRunOf(before) }
              : {}),
        }),
      });
      break;
    case 'budget_awaited':
    case 'budget_granted':
      now(withDetail(before, { ...times }));
      break;
    case 'progress': {
      const { call } = graph.spec(data.task);
      // What a function says of itself is for its readers; of a run it is known.
      if (call.kind !== 'subworkflow' || before.status !== 'running') return {};
      const known = shareOf(before);
      const share = Math.max(known, Math.min(100, Number(data['percent'])));
      now({ detailJson: detail(before, { percent: share }) });
      counts = { share: share - known };
      break;
    }
    case 'child_run_started':
      now({ detailJson: detail(before, { childRunId: data['childRunId'] }) });
      break;
    case 'model_chosen': {
      const { task: _, description: __, attempt: ___, ...choice } = data;
      now({ detailJson: detail(before, { choice }) });
      break;
    }
    case 'task_retrying':
      now({ status: 'retrying', detailJson: detail(before, { error: data['error'], ...times }) });
      counts = { retries: 1, ...usageCounts(fact) };
      break;
    case 'task_in_doubt':
      now({
        status: data['policy'] === 'ask' ? 'inDoubt' : before.status,
        detailJson: detail(before, { inDoubt: true, ...times }),
      });
      counts = { inDoubt: 1 };
      break;
    case 'event_refused':
      now({ detailJson: detail(before, { refusedEvent: { at: fact.at, error: data['error'] } }) });
      break;
    case 'wait_ended':
      break;
    case 'task_queued':
      now({ ready: true, live: true });
      break;
    case 'approval_requested':
      now({ status: 'awaitingApproval', ready: false, live: true });
      changes.put(approvalRequested(fact, data));
      counts = { approvals: 1 };
      break;
    case 'approval_resolved':
      if (data['approved'] === true) now({ status: 'pending' });
      changes.put(approvalResolved(fact, data, rows));
      counts = { approvals: -1 };
      break;
    default:
      return settled(fact, data, before, begins || before.live, rows, changes);
  }
  return { rows: changes.rows(), counts };
}

/** The task has ended: its row says how, and those who wait for it wait for one less. */
function settled(
  fact: DraftFact,
  data: TaskFact,
  before: TaskRow,
  hasBegun: boolean,
  rows: RunRows,
  changes: Changes,
): Projected {
  if (isSettled(before.status)) return {};
  const { graph } = changes;
  const status = statusOf(fact, data);
  const { result: _, task: __, description, type: ___, ...shown } = data;
  changes.putTask({
    ...before,
    status,
    ready: false,
    live: false,
    attempts: data.attempt ?? before.attempts,
    endedAt: fact.at,
    resultSeq: fact.type === 'task_completed' ? fact.entry : null,
    // A description that is only the name is known without being stored 100,000 times.
    detailJson: detail(before, { ...shown, ...(description === data.task ? {} : { description }) }),
  });
  const item = graph.item(data.task);
  if (item !== undefined) itemSettled(item, hasBegun, changes);
  // What it added is not over yet.
  const isHeld = status === 'completed' && changes.growth(data.task).open > 0;
  if (!isHeld) release(data.task, barsDependents(changes.task(data.task), graph.spec(data.task)), changes);
  passTurn(before, changes);
  const approval = graph.spec(data.task).approval === undefined ? undefined : rows.get('approval', data.task);
  const open = approval?.status === 'pending';
  if (open)
    changes.put({
      table: 'approval',
      key: data.task,
      row: { ...approval, status: 'cancelled', decidedAt: fact.at },
    });
  return {
    rows: changes.rows(),
    counts: {
      settled: 1,
      [status]: 1,
      ...usageCounts(fact),
      ...(open ? { approvals: -1 } : {}),
      ...(graph.spec(data.task).call.kind === 'subworkflow' ? { share: -shareOf(before) } : {}),
    },
    keeps: fact.type === 'task_completed',
  };
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

/** The same; nothing, where nothing changes. */
function withDetail(before: TaskRow, change: Readonly<Record<string, unknown>>): Partial<TaskRow> {
  return Object.keys(change).length === 0 ? {} : { detailJson: detail(before, change) };
}

/** How far the run is that a task waits for, in percent. Another attempt does not make it less. */
function shareOf({ detailJson }: TaskRow): number {
  return detailJson === null ? 0 : ((JSON.parse(detailJson) as { readonly percent?: number }).percent ?? 0);
}

/**
 * 0..100: how much of a run has settled, with what the runs have done that it waits for. A task added later never makes it
 * fall (the runtime sees to that).
 */
export function progressOf(counts: Readonly<Record<string, number>>): number {
  const { settled: done = 0, share = 0, total = 0 } = counts;
  return total === 0 ? 0 : Math.floor((100 * done + share) / total);
}
