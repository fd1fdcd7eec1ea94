/**
 * What a task does with the values that its run shares: its function writes them, its `outputs` publish them, and its
 * `cancelWhen` stops it when they say so. The task asks its run, which passes it on (`workflow.ts`), but for what it
 * publishes: that must be there before anybody else moves.
 */
import type { ErrorData } from '../../src/errors.ts';
import type { Skip } from '../../src/document/when.ts';
import { actionCreators } from '../action-creators.ts';
import { send, type Enqueue } from '../reserved.ts';
import { SHARED_ADDRESS } from '../../src/document/shared-values.ts';
import type { PublishesShared, SetsShared, SharedAnswer } from '../shared-space.ts';
import type { TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** A function of a task sets a value. */
export interface WritesShared extends Pick<SetsShared, 'write' | 'from' | 'key' | 'value' | 'revision'> {
  readonly type: 'task.writesShared';
}

/** Why a task stops: its `cancelWhen` is true, or cannot be told. */
export type Stop = Pick<Skip, 'reason' | 'condition'> | { readonly error: ErrorData };

/** Its `cancelWhen` has come true while it was alive. */
export interface Stops {
  readonly type: 'fermata.task.stops';
  readonly stop: Stop;
}

/** What its run is asked: to write a value. */
function setting({ name }: TaskContext, event: WritesShared): SetsShared {
  const { write, from, key, value, revision } = event;
  const over = revision === undefined ? {} : { revision };
  return { type: 'fermata.shared.set', task: name, write, from, key, value, ...over };
}

/** The shared space is asked to publish what the `outputs` of a task say of its result. */
function publish(enqueue: Enqueue, { name, outcome }: TaskContext): void {
  const asked: PublishesShared = { type: 'fermata.shared.publish', task: name, result: outcome?.value ?? null };
  send(enqueue, SHARED_ADDRESS, { ...asked });
}

/** What its run is told: values have changed, which may stop others. */
export interface SharedWritten {
  readonly type: 'fermata.shared.written';
  readonly task: string;
  /** It has published them, with its end. */
  readonly published: boolean;
  readonly changed: readonly string[];
  /** Of a write that stops very many: those that it has not come to. */
  readonly rest?: WrittenRest;
}

/** Where a run goes on to look whom a write stops. */
export interface WrittenRest {
  /** Keys whose watchers it has not all looked at. */
  readonly keys: readonly string[];
  /** The last watcher of the first of them that it has looked at. */
  readonly after?: { readonly position: number; readonly task: string };
  /** Journal numbers of the values that were written, by key: whatever is written meanwhile, it was these that stop them. */
  readonly seqs: Readonly<Record<string, number>>;
}

/** What its run is told of an answer; undefined where nothing has changed. */
function written({ name }: TaskContext, event: { readonly type: string }): SharedWritten | undefined {
  const { changed = [], write } = event as Partial<SharedAnswer>;
  if (event.type !== 'fermata.shared.answer' || changed.length === 0) return undefined;
  return { type: 'fermata.shared.written', task: name, published: write === undefined, changed };
}

/** Why what its `outputs` say cannot be published; undefined where it was, or of another event. */
export function refusalOf(event: { readonly type: string }): ErrorData | undefined {
  const { answer, write } = event as SharedAnswer;
  return event.type === 'fermata.shared.answer' && write === undefined && 'error' in answer ? answer.error : undefined;
}

/** True where what its `outputs` say is published. */
export function isPublished(event: { readonly type: string }): boolean {
  const { answer, write } = event as SharedAnswer;
  return event.type === 'fermata.shared.answer' && write === undefined && !('error' in answer);
}

/** What a task does with shared values. */
export const sharingActions = {
  setShared: enqueueActions(({ enqueue, context, event }) => {
    if (event.type === 'task.writesShared') enqueue.sendParent(setting(context, event));
  }),
  tellWritten: enqueueActions(({ enqueue, event }) => {
    if (event.type !== 'fermata.shared.answer' || event.from === undefined) return;
    const { write, answer } = event;
    enqueue.sendTo(event.from as never, { type: 'task.sharedWritten', write, answer } as never);
  }),
  publish: enqueueActions(({ enqueue, context }) => publish(enqueue, context)),
  tellChanged: enqueueActions(({ enqueue, context, event }) => {
    const changed = written(context, event);
    if (changed !== undefined) enqueue.sendParent(changed);
  }),
  keepUnpublished: assign(({ event }) => {
    const error = refusalOf(event);
    return error === undefined ? {} : { error: { ...error, retry: 'never' as const }, consequence: 'fail' as const };
  }),
  // Whether a task is stopped before it begins or after it has begun must make no difference to what needs it.
  keepStop: assign(({ context, event }) => {
    if (event.type !== 'fermata.task.stops') return {};
    const { stop } = event;
    if ('error' in stop) return { error: stop.error, consequence: 'fail' as const };
    const error: ErrorData = { code: 'cancelled', message: stop.reason, retry: 'never' };
    return {
      error,
      stopped: stop.condition ?? {},
      consequence: context.cascades === true ? ('skip' as const) : ('none' as const),
    };
  }),
};
