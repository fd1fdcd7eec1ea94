/** The end of a task, and what follows from it: who begins, who never will, whether the run goes on. */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import { endsRun, type Consequence } from '../../src/document/consequence.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { fact, send, type Enqueue } from '../reserved.ts';
import type { TaskOutput } from '../task/context.ts';
import type { WorkflowContext } from './context.ts';
import { shareRest } from './budget.ts';
import { beginEnding } from './ending.ts';
import { stepOf, type WorkflowEvent } from './events.ts';
import type { GroupStep, PreparedStep } from './prepared.ts';
import { admit, heardFrom, lastOf } from './slots.ts';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** What a run does about the end of a task. */
export const taskEndActions = {
  taskEnded: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    const end = (event as DoneActorEvent<TaskOutput>).output;
    enqueue.assign(settle(context, { ...end, slot: end.held ? 'held' : 'parked' }, stepOf(event), enqueue, admitting));
  }),
  taskBroke: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    const { actorId: name, error } = event as ErrorActorEvent<Partial<ErrorData>>;
    const failure: ErrorData = {
      code: error?.code ?? 'actorFailed',
      message: error?.message ?? `Its actor ended with ${JSON.stringify(error)}.`,
    };
    const { description = name, waited, childRun } = stepOf(event) ?? {};
    if (childRun !== undefined) send(enqueue, { run: childRun }, { type: 'fermata.cancel', reason: failure.message });
    const slot = waited === true ? 'parked' : 'held';
    fact(enqueue, 'task_failed', { task: name, description, status: 'failed', error: failure });
    enqueue.assign(
      settle(
        context,
        { name, consequence: 'fail', error: failure, slot, broke: true },
        stepOf(event),
        enqueue,
        admitting,
      ),
    );
  }),
  taskCancelled: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
    if (event.type !== 'fermata.task.cancel') return;
    const { description = event.task, cancels } = event.prepared ?? {};
    if (cancels === 'nothing') return;
    if (cancels === 'actor') {
      send(enqueue, event.task, {
        type: 'fermata.cancel',
        ...(event.reason === undefined ? {} : { reason: event.reason }),
      });
      return;
    }
    const error: ErrorData = { code: 'cancelled', message: event.reason ?? 'Cancelled.' };
    fact(enqueue, 'task_cancelled', {
      task: event.task,
      description,
      reason: error.message,
    });
    enqueue.assign(
      settle(
        context,
        { name: event.task, consequence: 'fail', error, slot: 'none' },
        event.prepared,
        enqueue,
        admitting,
      ),
    );
  }),
};

/** The counts after a task has ended, and what follows. */
function settle(
  context: WorkflowContext,
  end: Pick<TaskOutput, 'name' | 'consequence' | 'error'> & {
    readonly slot: 'held' | 'parked' | 'none';
    readonly broke?: true;
  },
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
  admitting: boolean,
): Partial<WorkflowContext> {
  const skipped = prepared?.skip ?? [];
  for (const { name, because, description = name } of skipped) {
    stateSkipped(enqueue, { task: name, because, description }, end.consequence);
  }
  const { drop = [], stop = [], joined, over = [], cancelled = [], item } = prepared ?? {};
  for (const { map, count } of drop)
    fact(enqueue, 'items_cancelled', { task: map, count, reason: `Task "${end.name}" ended.` });
  const stopped = `Task "${end.name}" ${end.error?.code === 'cancelled' ? 'was cancelled' : 'failed'}.`;
  for (const name of stop) send(enqueue, name, { type: 'fermata.cancel', reason: stopped, because: end.name });
  for (const { name, description = name } of cancelled)
    fact(enqueue, 'task_cancelled', { task: name, description, reason: `Task "${end.name}" ended.` });
  // The map says what the failure of an item means; that its refusal cancels the run, the item says.
  const consequence = item === true && end.consequence === 'fail' ? 'none' : end.consequence;
  const counted: WorkflowContext = {
    ...context,
    settled: context.settled + 1 + skipped.length + dropped(prepared) + cancelled.length,
    active: context.active - (end.slot === 'held' ? 1 : 0),
    parked: context.parked - (end.slot === 'parked' ? 1 : 0),
    failure: context.failure ?? (consequence === 'fail' ? end.error : null),
  };
  const goOn = counted.ending === null ? [...(joined === undefined ? [] : [joined]), ...over] : [];
  for (const name of goOn) send(enqueue, name, { type: 'fermata.task.joined' });
  const reason: ErrorData = end.error ?? { code: 'taskFailed', message: `Task "${end.name}" failed.` };
  // Where nothing has failed, last tasks that were refused, or let pass in time, and whose author said `skip` end the run well.
  const unfinished =
    prepared?.output?.complete === false && counted.settled >= counted.total && counted.failure !== null;
  // What it had reserved nobody can settle: with such a budget the others would wait for ever.
  const broke = end.broke === true && context.budget !== undefined && context.ending === null;
  const endsIt = broke || endsRun(context, consequence);
  if (!endsIt && context.ending === null) shareRest(enqueue, context, end.error !== null);
  const next = endsIt
    ? beginEnding(
        context,
        { status: consequence === 'cancel' ? 'cancelled' : 'failed', reason },
        prepared,
        enqueue,
        end.name,
      )
    : unfinished && counted.ending === null
      ? { ending: { status: 'failed' as const, reason: counted.failure ?? reason } }
      : counted.ending === null && admitting
        ? admit(counted, prepared, enqueue)
        : {};
  const output = prepared?.output === undefined || unfinished ? {} : { output: prepared.output.value };
  return { ...counted, ...output, ...next, ...heardFrom(context, end.name, [...goOn, ...lastOf(stop)]) };
}

/** How many items never begin. */
function dropped(step: GroupStep | undefined): number {
  return step?.drop?.reduce((sum, { count }) => sum + count, 0) ?? 0;
}

/** `because`: the task that it needed; what needs this one cannot run either. */
export function stateSkipped(
  enqueue: Enqueue,
  {
    task,
    because,
    description = task,
  }: { readonly task: string; readonly because: string; readonly description?: string },
  consequence: Consequence = 'fail',
): void {
  const reason = `It needs "${because}", which ${consequence === 'skip' ? 'was skipped' : 'did not succeed'}.`;
  fact(enqueue, 'task_skipped', { task, description, reason, because });
}
