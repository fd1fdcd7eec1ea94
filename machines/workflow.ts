/**
 * The workflow machine: admits ready tasks up to `breadth`, hears how they end, and settles the run.
 *
 * Its top-level states are the run statuses of the API. It holds counts only: which tasks there are, who waits for whom
 * and what they found are rows, and what a decision needs of them is attached to the event (`prepared`, R2), so that a
 * step costs the same at task 10 and at task 100,000 (R3).
 */
import { cancel, enqueueActions, setup, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import { endsRun, type Consequence } from '../src/document/consequence.ts';
import type { ForkPoint } from '../src/document/fork/record.ts';
import { SHARED } from '../src/document/shared-values.ts';
import type { ErrorData } from '../src/errors.ts';
import type { RoundAsk } from './plan-execute-reflect.ts';
import type { ChildEnded } from '../src/runtime/parent.ts';
import { fact, send, spawn, type Enqueue } from './reserved.ts';
import { sharedMachine, type SetsShared } from './shared-space.ts';
import type { SharedWritten, Stop } from './task/sharing.ts';
import { taskMachine } from './task.ts';
import type { TaskOutput } from './task/context.ts';

/** A task that may get a slot. */
export interface Candidate {
  readonly name: string;
  /** It has an actor that waits for the slot; otherwise it is begun. */
  readonly live: boolean;
  /** Place among the tasks that depend on nothing, where it is one of them and is begun for the first time. */
  readonly root?: number;
}

/** What the end of a task means for the items of a map. */
export interface GroupStep {
  /** The task that ended is an item itself: what its failure means, its map says. */
  readonly item?: true;
  /** Items that have not begun and never will, by their map: that of the task that ended, and its own where it is one. */
  readonly drop?: readonly { readonly map: string; readonly count: number }[];
  /** Items that have begun and are to be cancelled. */
  readonly stop?: readonly string[];
  /** The map all of whose items have ended by now. */
  readonly joined?: string;
  /** Tasks that work in rounds and all of whose added tasks have ended by now. */
  readonly over?: readonly string[];
  /** Tasks that a task which works in rounds has added, and that never begin: it has ended. */
  readonly cancelled?: readonly { readonly name: string; readonly description?: string }[];
}

/** A task that joins the run. */
export interface AddedTask {
  readonly spec: { readonly name: string; readonly description?: string | undefined };
  /** Additions between it and the document. */
  readonly depth: number;
  /** What depends on the task that added it waits for it. */
  readonly join: boolean;
}

/** What rows say at this turn. */
export interface PreparedStep extends GroupStep {
  /** What becomes of the tasks that a task wants to add. */
  readonly additions?:
    | {
        readonly tasks: readonly AddedTask[];
        readonly skip: readonly { readonly name: string; readonly because: string }[];
        readonly warning?: string;
      }
    | { readonly refused: ErrorData };
  /** How many items of a map may run at once. */
  readonly concurrency?: number;
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
  /** What was kept for a task that begins to wait for an event: the event that it takes, if it takes one, and what its filter failed on. */
  readonly kept?: {
    readonly taken?: KeptEvent;
    readonly failures: readonly FilterFailure[];
  };
  /** Tasks of the run publish: its shared space must be there before them. */
  readonly shares?: true;
  /** Tasks whose `cancelWhen` has come true with what was written. */
  readonly stops?: readonly { readonly task: string; readonly stop: Stop }[];
  /** True where a task that broke had no slot: it waited. */
  readonly waited?: true;
  /** The run that a task which broke had waited for. */
  readonly childRun?: string;
  /** Tasks that wait for runs of their own, where this one is paused or goes on. */
  readonly parents?: readonly string[];
}

/** An event that came early, with the journal number of the fact that carries it. */
export interface KeptEvent {
  readonly event: Readonly<Record<string, unknown>>;
  readonly seq: number;
}

/** A filter that threw: the task does not take the event, and that is stated. */
export interface FilterFailure {
  readonly task: string;
  readonly description: string;
  readonly error: ErrorData;
}

/** An event from outside, with what was decided about it: a waiting task takes it, or it is kept for one to come. */
export interface OutsideEvent {
  readonly type: 'fermata.outside';
  /** As it was sent. */
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly takenBy?: string;
  readonly failures: readonly FilterFailure[];
}

/** What a run of a workflow is started with. */
export interface WorkflowInput {
  readonly workflow: string;
  readonly version: number;
  readonly total: number;
  readonly breadth: number;
  readonly timeoutMs?: number;
  readonly onTaskFailure: 'stop' | 'continue';
  /** Of a fork: the run that it comes from, and where it leaves it. */
  readonly forkedFrom?: { readonly runId: string } & ForkPoint;
  /** The task of another run that began this one. */
  readonly parent?: { readonly runId: string; readonly task: string; readonly attempt: number };
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
  /** It has a shared space; absent until a task writes. */
  readonly shares?: true;
  /** How many of the tasks that depend on nothing have been begun. */
  readonly nextRoot: number;
  readonly ending: Ending | null;
  readonly output?: unknown;
  /** First failure, for a run whose last tasks did not complete. */
  readonly failure: ErrorData | null;
}

type Prepared = { readonly prepared?: PreparedStep };

/** A task has more for the run to do: the items of a map, or tasks as a function or a model wrote them. */
export interface TaskAdds {
  readonly type: 'fermata.task.adds';
  readonly task: string;
  readonly description: string;
  readonly items?: readonly unknown[];
  readonly tasks?: unknown;
  /** Of a task that works in rounds. */
  readonly ask?: RoundAsk;
  /** Those that it added in the run of which this one is a fork. */
  readonly again?: true;
}

type WorkflowEvent =
  | ({ readonly type: 'fermata.task.parked'; readonly task: string } & Prepared)
  | ({ readonly type: 'fermata.task.wantsSlot'; readonly task: string; readonly description: string } & Prepared)
  | (TaskAdds & Prepared)
  | ({ readonly type: 'fermata.task.joins'; readonly task: string } & Prepared)
  | ({ readonly type: 'fermata.task.cancel'; readonly task: string; readonly reason?: string } & Prepared)
  | ({ readonly type: 'fermata.cancel'; readonly reason?: string } & Prepared)
  | OutsideEvent
  | SetsShared
  | (SharedWritten & Prepared)
  | ChildEnded
  | ({ readonly type: 'fermata.pause' } & Prepared)
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

/** How many items never begin. */
function dropped(step: GroupStep | undefined): number {
  return step?.drop?.reduce((sum, { count }) => sum + count, 0) ?? 0;
}

/** `because`: the task that it needed; what needs this one cannot run either. */
function stateSkipped(
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
    stateSkipped(enqueue, { task: name, because, description }, end.consequence);
  }
  const { drop = [], stop = [], joined, over = [], cancelled = [], item } = prepared ?? {};
  for (const { map, count } of drop)
    fact(enqueue, 'items_cancelled', { task: map, count, reason: `Task "${end.name}" ended.` });
  for (const name of stop) send(enqueue, name, { type: 'fermata.cancel', reason: `Task "${end.name}" failed.` });
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
  if (counted.ending === null)
    for (const name of joined === undefined ? over : [joined, ...over])
      send(enqueue, name, { type: 'fermata.task.joined' });
  const reason: ErrorData = end.error ?? { code: 'taskFailed', message: `Task "${end.name}" failed.` };
  // Where nothing has failed, last tasks that were refused, or let pass in time, and whose author said `skip` end the run well.
  const unfinished =
    prepared?.output?.complete === false && counted.settled >= counted.total && counted.failure !== null;
  const next = endsRun(context, consequence)
    ? beginEnding({ status: consequence === 'cancel' ? 'cancelled' : 'failed', reason }, prepared, enqueue, end.name)
    : unfinished && counted.ending === null
      ? { ending: { status: 'failed' as const, reason: counted.failure ?? reason } }
      : counted.ending === null && admitting
        ? admit(counted, prepared, enqueue)
        : {};
  const output = prepared?.output === undefined || unfinished ? {} : { output: prepared.output.value };
  return { ...counted, ...output, ...next };
}

/** Its shared space begins where it has none yet. */
function beginSharing(
  enqueue: {
    spawnChild(src: 'shared', options: { readonly id: string }): void;
    assign(change: { readonly shares: true }): void;
  },
  { shares }: WorkflowContext,
): void {
  if (shares === true) return;
  enqueue.spawnChild('shared', { id: SHARED });
  enqueue.assign({ shares: true });
}

/** Gives a task that begins to wait what was kept for it. */
function handOver(task: string, kept: PreparedStep['kept'], enqueue: Enqueue): void {
  stateFailures(kept?.failures ?? [], enqueue);
  if (kept?.taken === undefined) return;
  const { event, seq } = kept.taken;
  send(enqueue, task, { type: 'fermata.task.event', event, keptEvent: seq });
}

function stateFailures(failures: readonly FilterFailure[], enqueue: Enqueue): void {
  for (const failure of failures) fact(enqueue, 'event_refused', { ...failure });
}

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
  actors: { task: taskMachine, shared: sharedMachine },
  actions: {
    // Data to the runtime (R3); see reserved.ts.
    'fermata.fact': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.spawn': (_, _params: Readonly<Record<string, unknown>>) => {},
    'fermata.send': (_, _params: Readonly<Record<string, unknown>>) => {},
    begin: enqueueActions(({ enqueue, context, event }) => {
      const { workflow, version, total, timeoutMs, forkedFrom, parent } = context;
      fact(enqueue, 'run_started', {
        workflow,
        version,
        total,
        ...(forkedFrom === undefined ? {} : { forkedFrom }),
        ...(parent === undefined ? {} : { parent }),
      });
      if (timeoutMs !== undefined)
        enqueue.raise({ type: 'fermata.runTimedOut' }, { id: 'runTimeout', delay: timeoutMs });
      const { prepared } = (event as { input?: WorkflowInput }).input ?? {};
      if (prepared?.shares === true) beginSharing(enqueue as never, context);
      enqueue.assign(admit(context, prepared, enqueue));
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
      const { description = name, waited, childRun } = stepOf(event) ?? {};
      if (childRun !== undefined) send(enqueue, { run: childRun }, { type: 'fermata.cancel', reason: failure.message });
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
    taskAdds: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'fermata.task.adds') return;
      const { task, description, items, prepared: { additions, concurrency, shares } = {} } = event;
      if (context.ending !== null) return;
      if (shares === true) beginSharing(enqueue as never, context);
      if (items !== undefined) {
        // One that was cancelled while this was on its way needs none.
        if (concurrency === undefined) return;
        fact(enqueue, 'task_added', { task, description, position: context.total, items, concurrency });
        enqueue.assign({ total: context.total + items.length });
        return;
      }
      if (additions === undefined) return;
      if ('refused' in additions) {
        send(enqueue, task, { type: 'fermata.task.refused', error: additions.refused });
        return;
      }
      const { tasks, skip, warning } = additions;
      for (const [at, { spec, depth, join }] of tasks.entries()) {
        const { name, description: own = name } = spec;
        const position = context.total + at;
        fact(enqueue, 'task_added', { task: name, description: own, parent: task, position, depth, join, spec });
      }
      for (const { name, because } of skip) stateSkipped(enqueue, { task: name, because });
      enqueue.assign({ total: context.total + tasks.length, settled: context.settled + skip.length });
      send(enqueue, task, {
        type: 'fermata.task.added',
        count: tasks.length,
        ...(skip.length === 0 ? {} : { skipped: skip.length }),
        ...(warning === undefined ? {} : { warning }),
      });
    }),
    taskParked: enqueueActions(({ enqueue, context, event }, { admitting }: { admitting: boolean }) => {
      const counted = { ...context, active: context.active - 1, parked: context.parked + 1 };
      if (event.type === 'fermata.task.parked') handOver(event.task, stepOf(event)?.kept, enqueue);
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
    eventCame: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'fermata.outside') return;
      const { event: given, takenBy, failures } = event;
      stateFailures(failures, enqueue);
      if (takenBy !== undefined) send(enqueue, takenBy, { type: 'fermata.task.event', event: given });
      else fact(enqueue, 'event_kept', { eventType: given.type, event: given });
    }),
    share: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'fermata.shared.set') return;
      beginSharing(enqueue as never, context);
      enqueue.sendTo(SHARED as never, event as never);
    }),
    sharedWritten: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'fermata.shared.written') return;
      for (const { task: name, stop } of event.prepared?.stops ?? [])
        send(enqueue, name, { type: 'fermata.task.stops', stop });
    }),
    sharedBroke: enqueueActions(({ enqueue, context, event }) => {
      const { error } = event as ErrorActorEvent<Partial<ErrorData>>;
      const message = `Its shared values are lost: ${error?.message ?? JSON.stringify(error)}`;
      const reason: ErrorData = { code: error?.code ?? 'actorFailed', message };
      if (context.ending === null) enqueue.assign(beginEnding({ status: 'failed', reason }, stepOf(event), enqueue));
    }),
    childEnded: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'fermata.childEnded') return;
      const { task, ...end } = event;
      send(enqueue, task, { ...end, type: 'fermata.task.childEnded' });
    }),
    passOn: enqueueActions(({ enqueue, event }, { type }: { type: 'fermata.task.pause' | 'fermata.task.resume' }) => {
      for (const name of stepOf(event)?.parents ?? []) send(enqueue, name, { type });
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
    'fermata.shared.set': { actions: 'share' },
    'fermata.shared.written': { actions: 'sharedWritten' },
  },
  states: {
    running: {
      meta: { waitsFor: 'tasks' },
      always: [...endings(), { guard: 'onlyWaiting', target: 'waiting' }],
      on: { ...tasks(true), 'fermata.task.joins': { actions: 'admitAgain' }, 'fermata.pause': PAUSE },
    },
    waiting: {
      meta: { waitsFor: 'tasks that wait for people, timers or answers' },
      entry: { type: 'fermata.fact', params: { type: 'run_waiting' } },
      always: [...endings(), { guard: 'someRun', target: 'running' }],
      on: { ...tasks(true), 'fermata.task.joins': { actions: 'admitAgain' }, 'fermata.pause': PAUSE },
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
    'xstate.done.actor.*': { actions: { type: 'taskEnded', params: { admitting } } },
    'xstate.error.actor.*': { actions: { type: 'taskBroke', params: { admitting } } },
    'fermata.task.adds': { actions: 'taskAdds' },
    'fermata.task.parked': { actions: { type: 'taskParked', params: { admitting } } },
    'fermata.task.wantsSlot': { actions: { type: 'taskWantsSlot', params: { admitting } } },
    'fermata.task.cancel': { actions: { type: 'taskCancelled', params: { admitting } } },
    'fermata.outside': { actions: 'eventCame' },
    'fermata.childEnded': { actions: 'childEnded' },
  } as const;
}
