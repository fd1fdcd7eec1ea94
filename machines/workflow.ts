/**
 * The workflow machine: admits ready tasks up to `breadth`, hears how they end, and settles the run.
 *
 * Its top-level states are the run statuses of the API. It holds counts only: which tasks there are, who waits for whom
 * and what they found are rows, and what a decision needs of them is attached to the event (`prepared`, R2), so that a
 * step costs the same at task 10 and at task 100,000 (R3).
 */
import { cancel, setup } from 'xstate';
import { BUDGET } from '../src/document/budget.ts';
import { SHARED } from '../src/document/shared-values.ts';
import type { ErrorData } from '../src/errors.ts';
import { budgetMachine } from './budget.ts';
import { sharedMachine } from './shared-space.ts';
import { taskMachine } from './task.ts';
import { addingActions } from './workflow/adding.ts';
import { beginActions } from './workflow/beginning.ts';
import { budgetActions } from './workflow/budget.ts';
import { childRunActions } from './workflow/child-runs.ts';
import { initialContext, type WorkflowContext, type WorkflowInput } from './workflow/context.ts';
import { endActions } from './workflow/ending.ts';
import type { WorkflowEvent } from './workflow/events.ts';
import { outsideEventActions } from './workflow/outside-events.ts';
import { sharingActions } from './workflow/sharing.ts';
import { slotActions } from './workflow/slots.ts';
import { taskEndActions } from './workflow/task-ends.ts';

/** Runs that tasks wait for pause along. */
const PAUSE = { target: 'paused', actions: { type: 'passOn', params: { type: 'fermata.task.pause' } } } as const;

/** The workflow machine. */
export const workflowMachine = setup({
  types: {} as {
    context: WorkflowContext;
    input: WorkflowInput;
    output: { readonly output: unknown; readonly reason: ErrorData | undefined };
    events: WorkflowEvent;
  },
  actors: { task: taskMachine, shared: sharedMachine, budget: budgetMachine },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.spawn': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    ...beginActions,
    ...slotActions,
    ...taskEndActions,
    ...addingActions,
    ...outsideEventActions,
    ...sharingActions,
    ...childRunActions,
    ...budgetActions,
    ...endActions,
  },
  guards: {
    endedFailed: ({ context }) => nothingAlive(context) && context.ending?.status === 'failed',
    endedCancelled: ({ context }) => nothingAlive(context) && context.ending?.status === 'cancelled',
    allSettled: ({ context }) => context.settled >= context.total,
    // One that was told to go on is about to add, or to end, one that stops to end: until then the run only seems to wait.
    onlyWaiting: ({ context: { active, parked, unheard = [], ending } }) =>
      active === 0 && parked > 0 && unheard.length === 0 && ending === null,
    someRun: ({ context }) => context.active > 0,
  },
}).createMachine({
  id: 'workflow',
  context: ({ input }) => initialContext(input),
  entry: 'begin',
  initial: 'running',
  on: {
    'fermata.cancel': { actions: 'cancelRun' },
    'fermata.runTimedOut': { actions: 'timeOut' },
    'fermata.budget.over': { actions: 'budgetOver' },
    'fermata.upstream.*': { actions: 'tellBudget' },
    'fermata.shared.set': { actions: 'share' },
    'fermata.shared.written': { actions: 'sharedWritten' },
  },
  states: {
    running: {
      meta: { waitsFor: 'tasks' },
      always: [...endings(), { guard: 'onlyWaiting', target: 'waiting' }],
      on: { ...tasks(true), 'fermata.pause': PAUSE },
    },
    waiting: {
      meta: { waitsFor: 'tasks that wait for people, timers or answers' },
      entry: { type: 'fermata.fact', params: { type: 'run_waiting' } },
      always: [...endings(), { guard: 'someRun', target: 'running' }],
      on: { ...tasks(true), 'fermata.pause': PAUSE },
    },
    paused: {
      meta: { waitsFor: 'resume' },
      entry: { type: 'fermata.fact', params: { type: 'run_paused' } },
      always: endings(),
      on: {
        ...tasks(false),
        'fermata.resume': {
          target: 'running',
          actions: [
            { type: 'fermata.fact', params: { type: 'run_resumed' } },
            { type: 'passOn', params: { type: 'fermata.task.resume' } },
            'admitAgain',
          ],
        },
      },
    },
    completed: { type: 'final', entry: ['stateCompleted', cancel('runTimeout')] },
    failed: { type: 'final', entry: ['stateFailed', cancel('runTimeout')] },
    cancelled: { type: 'final', entry: ['stateCancelled', cancel('runTimeout')] },
  },
  output: ({ context }) => ({ output: context.output, reason: context.ending?.reason }),
});

function nothingAlive(context: WorkflowContext): boolean {
  return context.active === 0 && context.parked === 0;
}

function endings() {
  return [
    { guard: 'endedFailed', target: '#workflow.failed' },
    { guard: 'endedCancelled', target: '#workflow.cancelled' },
    { guard: 'allSettled', target: '#workflow.completed' },
  ] as const;
}

/** What tasks say; while paused nothing is admitted. */
function tasks(admitting: boolean) {
  return {
    [`xstate.error.actor.${SHARED}`]: { actions: 'sharedBroke' },
    [`xstate.error.actor.${BUDGET}`]: { actions: 'budgetBroke' },
    'xstate.done.actor.*': { actions: { type: 'taskEnded', params: { admitting } } },
    'xstate.error.actor.*': { actions: { type: 'taskBroke', params: { admitting } } },
    'fermata.task.adds': { actions: 'taskAdds' },
    'fermata.task.joins': { actions: { type: 'taskJoins', params: { admitting } } },
    'fermata.task.parked': { actions: { type: 'taskParked', params: { admitting } } },
    'fermata.task.wantsSlot': { actions: { type: 'taskWantsSlot', params: { admitting } } },
    'fermata.task.cancel': { actions: { type: 'taskCancelled', params: { admitting } } },
    'fermata.outside': { actions: 'eventCame' },
    'fermata.childEnded': { actions: 'childEnded' },
    'fermata.childProgressed': { actions: 'childProgressed' },
  } as const;
}
