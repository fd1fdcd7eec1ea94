/**
 * Version 1, as runs of databases written before version 2 go on with it. Frozen: docs/decisions/006.
 *
 * The workflow machine: admits ready tasks up to `breadth`, hears how they end, and settles the run.
 *
 * Its top-level states are the run statuses of the API. It holds counts only: which tasks there are, who waits for whom
 * and what they found are rows, and what a decision needs of them is attached to the event (`prepared`, R2), so that a
 * step costs the same at task 10 and at task 100,000 (R3).
 */
import { cancel, enqueueActions, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import { endsRun } from '../../src/document/consequence.ts';
import type { ErrorData } from '../../src/errors.ts';
import { fact, send, spawn, type Enqueue } from '../reserved.ts';
import { taskMachine, type TaskOutput } from './task.ts';

/** A task that may get a slot. */
export interface Candidate {
  readonly name: string;
  /** It has an actor that waits for the slot; otherwise it is begun. */
  readonly live: boolean;
  /** Place among the tasks that depend on nothing, where it is one of them and is begun for the first time. */
  readonly root?: number;
}

/** What rows say at this turn. */
export interface PreparedStep {
  /** In the order in which slots are given. */
  readonly candidates?: readonly Candidate[];
  /** Tasks that can no longer run, with the one they needed; described where that is more than the name. */
  readonly skip?: readonly { readonly name: string; readonly because: string; readonly description?: string }[];
  /** Tasks whose actor has not ended; given where they may have to be cancelled. */
  readonly live?: readonly string[];
  /** The run's output, given where this step may end it. `complete`: at least one of its last tasks completed. */
  readonly output?: { readonly value: unknown; readonly complete: boolean };
  /** What is left of a task that is to be cancelled, where it has begun or ended since that was asked for. */
  readonly cancels?: 'actor' | 'nothing';
  /** Description of a task that is to be cancelled before it began, or that broke, where it is more than the name. */
  readonly description?: string;
  /** True where a task that broke had no slot: it waited. */
  readonly waited?: true;
}

/** What a run of a workflow is started with. */
export interface WorkflowInput {
  readonly workflow: string;
  readonly version: number;
  readonly total: number;
  readonly breadth: number;
  readonly timeoutMs?: number;
  readonly onTaskFailure: 'stop' | 'continue';
  readonly prepared?: PreparedStep;
}

/** Why a run ends otherwise than by completing. */
export interface Ending {
  readonly status: 'failed' | 'cancelled';
  readonly reason: ErrorData;
}

interface WorkflowContext extends Omit<WorkflowInput, 'prepared'> {
  /** Tasks that have ended or were skipped. */
  readonly settled: number;
  /** Tasks that hold a slot. */
  readonly active: number;
  /** Tasks that have begun and wait without a slot. */
  readonly parked: number;
  /** How many of the tasks that depend on nothing have been begun. */
  readonly nextRoot: number;
  readonly ending: Ending | null;
  readonly output?: unknown;
  /** First failure, for a run whose last tasks did not complete. */
  readonly failure: ErrorData | null;
}

type Prepared = { readonly prepared?: PreparedStep };
type WorkflowEvent =
  | ({ readonly type: 'fermata.task.parked'; readonly task: string } & Prepared)
  | ({ readonly type: 'fermata.task.wantsSlot'; readonly task: string; readonly description: string } & Prepared)
  | ({ readonly type: 'fermata.task.cancel'; readonly task: string; readonly reason?: string } & Prepared)
  | ({ readonly type: 'fermata.cancel'; readonly reason?: string } & Prepared)
  | { readonly type: 'fermata.pause' }
  | ({ readonly type: 'fermata.resume' } & Prepared)
  | ({ readonly type: 'fermata.runTimedOut' } & Prepared)
  | (DoneActorEvent<TaskOutput, string> & Prepared)
  | (ErrorActorEvent<Partial<ErrorData>, string> & Prepared);

/** Gives free slots to candidates. */
function admit(
  context: WorkflowContext,
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
): Partial<WorkflowContext> {
  let { active, parked, nextRoot } = context;
  for (const { name, live, root } of prepared?.candidates ?? []) {
    if (active >= context.breadth) break;
    active++;
    if (root !== undefined) nextRoot = root + 1;
    if (live) {
      parked--;
      send(enqueue, name, { type: 'fermata.task.admitted' });
    } else {
      spawn(enqueue, name, 'task', { name });
    }
  }
  return { active, parked, nextRoot };
}

/** From now on the run only ends: nothing more begins, and what is alive is told to stop. */
function beginEnding(
  ending: Ending,
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
  except?: string,
): Partial<WorkflowContext> {
  for (const name of prepared?.live ?? []) {
    if (name === except) continue;
    const reason = ending.status === 'cancelled' ? ending.reason.message : `The run ended: ${ending.reason.message}`;
    send(enqueue, name, { type: 'fermata.cancel', reason });
  }
  return { ending };
}

function stepOf(event: object): PreparedStep | undefined {
  return (event as Prepared).prepared;
}

/** The counts after a task has ended, and what follows. */
function settle(
  context: WorkflowContext,
  end: Pick<TaskOutput, 'name' | 'consequence' | 'error'> & { readonly slot: 'held' | 'parked' | 'none' },
  prepared: PreparedStep | undefined,
  enqueue: Enqueue,
  admitting: boolean,
): Partial<WorkflowContext> {
  const skipped = prepared?.skip ?? [];
  for (const { name, because, description = name } of skipped) {
    fact(enqueue, 'task_skipped', { task: name, description, reason: `It needs "${because}", which did not succeed.` });
  }
  const counted: WorkflowContext = {
    ...context,
    settled: context.settled + 1 + skipped.length,
    active: context.active - (end.slot === 'held' ? 1 : 0),
    parked: context.parked - (end.slot === 'parked' ? 1 : 0),
    failure: context.failure ?? (end.consequence === 'fail' ? end.error : null),
  };
  const reason: ErrorData = end.error ?? { code: 'taskFailed', message: `Task "${end.name}" failed.` };
  // Where nothing has failed, last tasks that were refused, or let pass in time, and whose author said `skip` end the run well.
  const unfinished =
    prepared?.output?.complete === false && counted.settled >= counted.total && counted.failure !== null;
  const next = endsRun(context, end.consequence)
    ? beginEnding(
        { status: end.consequence === 'cancel' ? 'cancelled' : 'failed', reason },
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
  return { ...counted, ...output, ...next };
}

/** The workflow machine. */
export const workflowMachine = setup({
  types: {} as {
    context: WorkflowContext;
    input: WorkflowInput;
    output: { readonly output: unknown; readonly reason: ErrorData | undefined };
    events: WorkflowEvent;
  },
  actors: { task: taskMachine },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.spawn': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    begin: enqueueActions(({ enqueue, context, event }) => {
      const { workflow, version, total, timeoutMs } = context;
      fact(enqueue, 'run_started', { workflow, version, total });
      if (timeoutMs !== undefined)
        enqueue.raise({ type: 'fermata.runTimedOut' }, { id: 'runTimeout', delay: timeoutMs });
      enqueue.assign(admit(context, (event as { input?: WorkflowInput }).input?.prepared, enqueue));
    }),
    taskEnded: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
      const end = (event as DoneActorEvent<TaskOutput>).output;
      enqueue.assign(
        settle(context, { ...end, slot: end.held ? 'held' : 'parked' }, stepOf(event), enqueue, admitting),
      );
    }),
    taskBroke: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
      const { actorId: name, error } = event as ErrorActorEvent<Partial<ErrorData>>;
      const failure: ErrorData = {
        code: error?.code ?? 'actorFailed',
        message: error?.message ?? `Its actor ended with ${JSON.stringify(error)}.`,
      };
      const { description = name, waited } = stepOf(event) ?? {};
      const slot = waited === true ? 'parked' : 'held';
      fact(enqueue, 'task_failed', { task: name, description, status: 'failed', error: failure });
      enqueue.assign(
        settle(context, { name, consequence: 'fail', error: failure, slot }, stepOf(event), enqueue, admitting),
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
    taskParked: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
      const counted = { ...context, active: context.active - 1, parked: context.parked + 1 };
      enqueue.assign({
        ...counted,
        ...(admitting && context.ending === null ? admit(counted, stepOf(event), enqueue) : {}),
      });
    }),
    taskWantsSlot: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
      if (event.type !== 'fermata.task.wantsSlot' || context.ending !== null) return;
      if (admitting && context.active < context.breadth) {
        send(enqueue, event.task, { type: 'fermata.task.admitted' });
        enqueue.assign({ active: context.active + 1, parked: context.parked - 1 });
      } else {
        fact(enqueue, 'task_queued', { task: event.task, description: event.description });
      }
    }),
    admitAgain: enqueueActions(({ enqueue, context, event }) => {
      if (context.ending === null) enqueue.assign(admit(context, stepOf(event), enqueue));
    }),
    cancelRun: enqueueActions(({ enqueue, event, context }) => {
      if (event.type !== 'fermata.cancel' || context.ending !== null) return;
      enqueue.assign(
        beginEnding(
          { status: 'cancelled', reason: { code: 'cancelled', message: event.reason ?? 'Cancelled.' } },
          event.prepared,
          enqueue,
        ),
      );
    }),
    timeOut: enqueueActions(({ enqueue, event, context }) => {
      if (context.ending !== null) return;
      const message = `The run took longer than ${(context.timeoutMs ?? 0) / 1_000} s. Raise config.timeoutSeconds if that is not enough.`;
      enqueue.assign(
        beginEnding({ status: 'failed', reason: { code: 'runTimedOut', message } }, stepOf(event), enqueue),
      );
    }),
    stateCompleted: enqueueActions(({ enqueue, context }) => {
      fact(enqueue, 'run_completed', { output: context.output });
    }),
    stateFailed: enqueueActions(({ enqueue, context }) => {
      fact(enqueue, 'run_failed', { error: context.ending?.reason });
    }),
    stateCancelled: enqueueActions(({ enqueue, context }) => {
      fact(enqueue, 'run_cancelled', { reason: context.ending?.reason });
    }),
  },
  guards: {
    endedFailed: ({ context }) => nothingAlive(context) && context.ending?.status === 'failed',
    endedCancelled: ({ context }) => nothingAlive(context) && context.ending?.status === 'cancelled',
    allSettled: ({ context }) => context.settled >= context.total,
    onlyWaiting: ({ context }) => context.active === 0 && context.parked > 0,
    someRun: ({ context }) => context.active > 0,
  },
}).createMachine({
  id: 'workflow',
  context: ({ input }) => {
    const { prepared: _, ...rest } = input;
    return {
      ...rest,
      settled: 0,
      active: 0,
      parked: 0,
      nextRoot: 0,
      ending: null,
      failure: null,
    };
  },
  entry: 'begin',
  initial: 'running',
  on: {
    'fermata.cancel': { actions: 'cancelRun' },
    'fermata.runTimedOut': { actions: 'timeOut' },
  },
  states: {
    running: {
      meta: { waitsFor: 'tasks' },
      always: [...endings(), { guard: 'onlyWaiting', target: 'waiting' }],
      on: { ...tasks(true), 'fermata.pause': 'paused' },
    },
    waiting: {
      meta: { waitsFor: 'tasks that wait for people, timers or answers' },
      entry: { type: 'fermata.fact', params: { type: 'run_waiting' } },
      always: [...endings(), { guard: 'someRun', target: 'running' }],
      on: { ...tasks(true), 'fermata.pause': 'paused' },
    },
    paused: {
      meta: { waitsFor: 'resume' },
      entry: { type: 'fermata.fact', params: { type: 'run_paused' } },
      always: endings(),
      on: {
        ...tasks(false),
        'fermata.resume': {
          target: 'running',
          actions: [{ type: 'fermata.fact', params: { type: 'run_resumed' } }, 'admitAgain'],
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
    'xstate.done.actor.*': { actions: { type: 'taskEnded', params: { admitting } } },
    'xstate.error.actor.*': { actions: { type: 'taskBroke', params: { admitting } } },
    'fermata.task.parked': { actions: { type: 'taskParked', params: { admitting } } },
    'fermata.task.wantsSlot': { actions: { type: 'taskWantsSlot', params: { admitting } } },
    'fermata.task.cancel': { actions: { type: 'taskCancelled', params: { admitting } } },
  } as const;
}
