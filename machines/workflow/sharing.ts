/** The shared space of a run: begun with the first write, and what follows from what is written. */
import type { ErrorActorEvent } from 'xstate';
import { SHARED } from '../../src/document/shared-values.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import { send } from '../reserved.ts';
import type { TakesOverShared } from '../shared-space.ts';
import type { WorkflowContext } from './context.ts';
import { beginEnding } from './ending.ts';
import { stepOf, type WorkflowEvent } from './events.ts';
import { heardFrom, lastOf } from './slots.ts';

/** Address of the run itself. */
const ROOT = '/';

const { enqueueActions } = actionCreators<WorkflowContext, WorkflowEvent>();

/** Its shared space begins where it has none yet. */
export function beginSharing(
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

/** A fork begins with what those tasks shared whose outcomes it takes over: before any of its own begins. */
export function takeOverShared(
  enqueue: { sendTo(id: string, event: TakesOverShared): void } & Parameters<typeof beginSharing>[0],
  context: WorkflowContext,
): void {
  beginSharing(enqueue, context);
  enqueue.sendTo(SHARED, { type: 'fermata.shared.takeOver' });
}

/** What a run does about shared values. */
export const sharingActions = {
  share: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.shared.set') return;
    beginSharing(enqueue as never, context);
    enqueue.sendTo(SHARED as never, event as never);
  }),
  sharedWritten: enqueueActions(({ enqueue, context, event }) => {
    if (event.type !== 'fermata.shared.written') return;
    const { prepared, ...written } = event;
    const stops = prepared?.stops ?? [];
    for (const { task: name, stop } of stops) send(enqueue, name, { type: 'fermata.task.stops', stop });
    enqueue.assign(heardFrom(context, undefined, lastOf(stops.map(({ task }) => task))));
    // After these have ended: ten thousand that are told at once are written anew with each commit until the last one is.
    if (prepared?.stopsRest !== undefined) send(enqueue, ROOT, { ...written, rest: prepared.stopsRest });
  }),
  sharedBroke: enqueueActions(({ enqueue, context, event }) => {
    const { error } = event as ErrorActorEvent<Partial<ErrorData>>;
    const message = `Its shared values are lost: ${error?.message ?? JSON.stringify(error)}`;
    const reason: ErrorData = { code: error?.code ?? 'actorFailed', message };
    if (context.ending === null)
      enqueue.assign(beginEnding(context, { status: 'failed', reason }, stepOf(event), enqueue));
  }),
};
