/**
 * The shared values of a run: what is read of them, what a write is decided with, and whom it stops (`shared-stops.ts`).
 *
 *  S1. A task sees the values as they stand in the turn that makes it ready; what it saw of them is in the journal.
 *  S2. A write over a revision is done only where that one still stands. Of two at once the first is done.
 *  S3. The write of a function's call is done once, however often the call is repeated after crashes.
 *  S4. A write costs as much as there are live tasks that watch its key, however many others there are (R3).
 */
import type { SharedWritten } from '../../machines/task/sharing.ts';
import type {
  PreparedWrite,
  PublishesShared,
  SetsShared,
  SharedBeginning,
  SharedValue,
  TakesOverShared,
} from '../../machines/shared-space.ts';
import type { TaskAdds } from '../../machines/workflow/events.ts';
import type { PreparedStep } from '../../machines/workflow/prepared.ts';
import { FermataError, toErrorData, type ErrorData } from '../errors.ts';
import type { Prepare } from '../runtime/registration.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { RowChange } from '../store/rows.ts';
import type { SharedRow } from '../store/shared-values.ts';
import { watchedBy } from './cancel-when.ts';
import type { Definition, TaskSpec } from './definition.ts';
import { evaluateTree, expressionsOf } from './expression.ts';
import type { DefinitionOf } from './definition-of.ts';
import { NO_FORKS, type OriginsOf } from './fork/origins-of.ts';
import { liveScope } from './live-scope.ts';
import { RunGraph } from './run-graph.ts';
import { toStop } from './shared-stops.ts';
import { SHARED, sharedValue } from './shared-values.ts';
import { isSettled } from './task-status.ts';

/** Prepares the events of the shared space. */
export function prepareShared(definitionOf: DefinitionOf, originsOf: OriginsOf = NO_FORKS): Prepare {
  return ({ event, rows }): PreparedWrite | SharedBeginning | undefined => {
    if (event.type === 'fermata.shared.takeOver') {
      const { after } = event as unknown as TakesOverShared;
      return originsOf(rows)?.shared.page(new RunGraph(rows, definitionOf(rows)), after);
    }
    if (event.type !== 'fermata.shared.set' && event.type !== 'fermata.shared.publish') return undefined;
    const graph = new RunGraph(rows, definitionOf(rows));
    const asked = event as unknown as SetsShared | PublishesShared;
    // It was cancelled while this was on its way.
    if (isSettled(graph.row(asked.task).status)) return { error: tooLate(asked.task) };
    return asked.type === 'fermata.shared.set' ? set(asked, rows) : publish(asked, graph);
  };
}

function set({ write, key, value, revision: over, task }: SetsShared, rows: RunRows): PreparedWrite {
  const done = rows.get('sharedWrite', write);
  if (done !== undefined) return { done: sharedValue(done, rows) };
  const before = rows.get('shared', key);
  const { revision = 0 } = before ?? {};
  if (over === undefined || over === revision) return { writes: [{ key, value, ...nextRevision(before) }] };
  return {
    error: {
      code: 'sharedConflict',
      message: `Task "${task}" wants to write the shared value ${JSON.stringify(key)} over revision ${over}, and it has revision ${revision} by now. Read it again and decide anew, or use update.`,
      retry: 'backoff',
      data: { key, expected: over, revision },
    },
  };
}

/** The number of a write, and where the one before it stands. */
function nextRevision(before: SharedRow | undefined): Pick<SharedValue, 'revision' | 'previous'> {
  return before === undefined ? { revision: 1 } : { revision: before.revision + 1, previous: before.seq };
}

/** What the `outputs` of a task say of its result. */
function publish({ task, result }: Pick<PublishesShared, 'task' | 'result'>, graph: RunGraph): PreparedWrite {
  const { rows } = graph;
  const { outputs = {} } = graph.spec(task);
  const texts = expressionsOf(outputs, []).map(({ text }) => text);
  // Read before anything is caught: that a read fails, or has to wait, is no fault of the task.
  const scope = liveScope(graph, task, texts);
  const before = new Map(Object.keys(outputs).map((key) => [key, rows.get('shared', key)]));
  try {
    const writes = Object.entries(outputs).map(([key, tree]) => {
      const value = evaluateTree(tree, scope, { result });
      if (value === undefined) throw nothing(task, key);
      return { key, value, ...nextRevision(before.get(key)) };
    });
    return { writes };
  } catch (thrown) {
    if (!(thrown instanceof FermataError)) throw thrown;
    return { error: toErrorData(thrown) };
  }
}

function tooLate(task: string): ErrorData {
  return { code: 'cancelled', message: `Task "${task}" has ended and shares nothing more.`, retry: 'never' };
}

function nothing(task: string, key: string): FermataError {
  return new FermataError(
    'expressionFailed',
    `What task "${task}" shares as ${JSON.stringify(key)} gives nothing; write .orValue(…) behind what may be absent.`,
    { data: { key } },
  );
}

/** Adds to the preparation of the workflow machine that its tasks publish, and whom a write stops. */
export function withSharing(definitionOf: DefinitionOf, prepare: Prepare, originsOf: OriginsOf = NO_FORKS): Prepare {
  return (preparing) => {
    const { event, rows, snapshot } = preparing;
    if (event.type === `xstate.error.actor.${SHARED}`) return { live: rows.live() } satisfies PreparedStep;
    if (event.type === 'fermata.shared.written') {
      const isEnding = ((snapshot?.context as { readonly ending?: unknown } | undefined)?.ending ?? null) !== null;
      return isEnding ? undefined : toStop(event as unknown as SharedWritten, new RunGraph(rows, definitionOf(rows)));
    }
    const begins = snapshot === undefined;
    const adds = !begins && event.type === 'fermata.task.adds';
    const error = adds && 'result' in event ? unshared(event as unknown as TaskAdds, rows, definitionOf) : undefined;
    if (error !== undefined) return { additions: { refused: error } } satisfies PreparedStep;
    const step = prepare(preparing) as PreparedStep | undefined;
    if (!begins && !adds) return step;
    const { additions = { tasks: [] } } = step ?? {};
    const specs = 'tasks' in additions ? additions.tasks.map(({ spec }) => spec as TaskSpec) : [];
    if (begins && originsOf(rows)?.shared.any() === true) return { ...step, takesOver: true };
    const publishes = begins ? publishesAny(definitionOf(rows)) : specs.some(isPublishing);
    return publishes ? { ...step, shares: true } : step;
  };
}

/** Why what a task is to share cannot be told. Found when it completes, tasks that it has added would go on without it. */
function unshared({ task, result }: TaskAdds, rows: RunRows, definitionOf: DefinitionOf): ErrorData | undefined {
  const graph = new RunGraph(rows, definitionOf(rows));
  if (isSettled(graph.row(task).status)) return undefined;
  const found = publish({ task, result }, graph);
  return 'error' in found ? found.error : undefined;
}

const publishing = new WeakMap<Definition, boolean>();

function publishesAny(definition: Definition): boolean {
  const known = publishing.get(definition);
  if (known !== undefined) return known;
  const found = definition.tasks.some(isPublishing);
  publishing.set(definition, found);
  return found;
}

/** True where a task publishes, or its items do. */
function isPublishing({ outputs, call }: TaskSpec): boolean {
  return outputs !== undefined || (call.kind === 'map' && isPublishing(call.task));
}

/** What a write changes. */
export function sharedRows({ entry, data }: DraftFact): readonly RowChange[] {
  const { key, revision, write } = data as { readonly key: string; readonly revision: number; readonly write?: string };
  const row = { key, revision, seq: entry };
  return [
    { table: 'shared', key, row },
    ...(write === undefined ? [] : [{ table: 'sharedWrite' as const, key: write, row: { ...row, write } }]),
  ];
}

const BEGINS: ReadonlySet<string> = new Set(['task_started', 'approval_requested']);
const ENDS: ReadonlySet<string> = new Set(['task_completed', 'task_failed', 'task_skipped', 'task_cancelled']);

/** What a fact about a task changes here: it has begun, so that it may be stopped, or it has ended. */
export function watchRows({ type }: Pick<DraftFact, 'type'>, spec: TaskSpec, rows: RunRows): readonly RowChange[] {
  const begins = BEGINS.has(type);
  if (spec.cancelWhen === undefined || (!begins && !ENDS.has(type))) return [];
  const { name: task, position } = spec;
  return watchedBy(spec).flatMap((key): RowChange[] => {
    const name = `${task}/${key}`;
    // One that is tried again goes on watching; one that never began has no row.
    if (begins === (rows.get('watch', name) !== undefined)) return [];
    return [{ table: 'watch', key: name, row: { task, key, position, open: begins } }];
  });
}
