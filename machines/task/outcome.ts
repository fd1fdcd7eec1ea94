/**
 * What a task has come to. From here every kind goes one way: its function is asked which tasks it adds, they join the
 * run, what it shares is published, and then it has completed, which is stated once (`stateCompletion`).
 */
import { FROM_OUTPUT } from '../../src/document/definition.ts';
import { actionCreators } from '../action-creators.ts';
import { factWithBill } from './bill.ts';
import type { CallOutput } from './calls.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { withKept } from './recalling.ts';
import { counted, withEarlier } from './spent.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What a task gives. */
export interface Outcome {
  readonly value: unknown;
  /** What is stated beside that: what it cost, how it was decided, how many tasks were added. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What a call gave. */
export function outcomeOf({ value, usage, model, requestId, finishReason }: CallOutput): Outcome {
  return {
    value,
    facts: {
      ...(usage === undefined ? {} : { usage }),
      ...(model === undefined ? {} : { model }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(finishReason === undefined ? {} : { finishReason }),
    },
  };
}

/** True where it is that of another run, whose tasks are added again. */
export function isReused({ outcome }: TaskContext): boolean {
  return outcome?.facts['reused'] !== undefined;
}

/** True where it adds tasks, and has not. */
export function adds({ addTasks, outcome }: TaskContext): boolean {
  return addTasks !== undefined && outcome?.facts['added'] === undefined;
}

/** True where a function says which tasks it adds, and has to be asked. */
export function asksFunction(context: TaskContext): boolean {
  return adds(context) && context.addTasks !== FROM_OUTPUT && !isReused(context);
}

/** True where something of what it gives is shared with the run. */
export function publishes(context: TaskContext): boolean {
  return context.publishes === true;
}

/** True where nothing is left to do once its call has given something: no tasks to add, nothing to publish. */
export function endsWithCall(context: TaskContext): boolean {
  return context.addTasks === undefined && !publishes(context);
}

/** True where its work is done, and only its function has still to be called: what it gave is paid, and not asked for again. */
export function onlyAsks(context: TaskContext): boolean {
  return (context.outcome ?? null) !== null && asksFunction(context);
}

/** The event that a task took: were it not said of one that fails then, another task would take it once more. */
export function eventTaken({ call, outcome }: TaskContext): { readonly event?: unknown; readonly keptEvent?: unknown } {
  const { value: event = null, facts } = outcome ?? {};
  if (call.kind !== 'wait' || !('event' in call.for) || event === null) return {};
  const keptEvent = facts?.['keptEvent'];
  return { event, ...(keptEvent === undefined ? {} : { keptEvent }) };
}

/** What a task does with what it has come to. */
export const outcomeActions = {
  keepOutcome: assign(({ context, event }) => {
    const { output } = event as unknown as { readonly output: CallOutput };
    return {
      outcome: withKept(context, outcomeOf(withEarlier(context, output)), output),
      // What is called next is another call, and repeats none.
      ...(context.repeatOf === undefined ? {} : { repeatOf: null }),
      // What models answered a function is over with it: the next function begins with none.
      ...counted(context),
    };
  }),
  // What the function asked of models that said which tasks are added.
  keepChosen: assign(({ context, event }) => {
    const { outcome } = context;
    const { usage } = withEarlier(context, (event as unknown as { readonly output: CallOutput }).output);
    if (usage === undefined || (outcome ?? null) === null) return {};
    return { outcome: { value: outcome?.value, facts: { ...outcome?.facts, usage } }, ...counted(context) };
  }),
  keepChoice: assign(({ context: { call } }) =>
    call.kind === 'condition' ? { outcome: { value: call.decision, facts: { condition: call.found } } } : {},
  ),
  stateCompletion: enqueueActions(({ enqueue, context }) => {
    const { attempt, outcome } = context;
    const { facts } = outcome ?? {};
    factWithBill(enqueue as never, context, 'task_completed', {
      ...about(context),
      result: outcome?.value,
      attempt,
      ...facts,
    });
    enqueue.assign(FORGOTTEN);
  }),
};

/** The fact has it from here on: else a big result would be kept here as well. */
export const FORGOTTEN = { outcome: null } as const;
