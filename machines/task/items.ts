/** A task whose work are tasks of their own: the items of a list (`map`), or the parts of one (`reduce`). */
import type { PreparedMap } from '../../src/document/kinds/map.ts';
import type { PreparedReduce } from '../../src/document/kinds/reduce.ts';
import { actionCreators } from '../action-creators.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import type { JoinedItems } from './prepared.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** Its work are tasks of their own: the items of a list, or the parts of one. */
export function spreads(
  context: TaskContext,
): context is TaskContext & { readonly call: PreparedMap | PreparedReduce } {
  return context.call.kind === 'map' || context.call.kind === 'reduce';
}

/** What the items gave, of the event that says so. */
export function joinedItems(event: { readonly type: string }): JoinedItems {
  return (event as { readonly prepared?: JoinedItems }).prepared ?? { outputs: [] };
}

/** What a task does about its items. */
export const itemActions = {
  spread: enqueueActions(({ enqueue, context }) => {
    if (!spreads(context)) return;
    enqueue.sendParent({ type: 'fermata.task.adds', ...about(context), items: context.call.items });
    // The workflow keeps them from here on: in this snapshot they would be written again with each of its turns.
    enqueue.assign({ call: { ...context.call, items: [] } });
  }),
  nextLevel: assign(({ context, event }) => {
    const { next = [] } = joinedItems(event);
    return context.call.kind === 'reduce' ? { call: { ...context.call, items: next } } : {};
  }),
  keepItems: assign(({ context, event }) => {
    const { outputs, errors, failed } = joinedItems(event);
    const collects = context.call.kind === 'map' && context.call.onItemFailure === 'collect';
    const given = outputs.map((output, at) => {
      const error = errors?.[at] ?? null;
      return error === null || !collects ? output : { error };
    });
    const value = context.call.kind === 'reduce' ? given[0] : given;
    const facts = { items: outputs.length, ...(failed === undefined ? {} : { failedItems: failed }) };
    return { outcome: { value, facts } };
  }),
  failItems: assign(({ context, event }) => {
    const { first, failed = 0, cancelled = 0, outputs } = joinedItems(event);
    const of = `of ${outputs.length} items of "${context.name}"`;
    const were = `${cancelled === 1 ? 'was' : 'were'} cancelled`;
    const others = cancelled === 0 ? '' : `, ${cancelled} ${were}`;
    const ends = failed === cancelled ? `${cancelled} ${of} ${were}` : `${failed - cancelled} ${of} failed${others}`;
    const message = `${ends}; first "${first?.task}": ${first?.error.message}`;
    return { error: { code: 'itemFailed', message, retry: 'never' as const }, consequence: 'fail' as const };
  }),
};
