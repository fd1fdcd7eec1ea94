/**
 * XState's action creators for a machine whose actions stand in files of their own: `setup` types them only where they
 * are written inside its call. Which context and which events an action sees is said once in its file.
 */
import {
  assign,
  enqueueActions,
  sendParent,
  type ActionFunction,
  type AnyEventObject,
  type Assigner,
  type MachineContext,
  type ParameterizedObject,
  type PropertyAssigner,
} from 'xstate';

type Params = ParameterizedObject['params'] | undefined;

/** An action that names no other action, guard or actor of its machine, and so fits into each `setup` of it. */
type Action<Context extends MachineContext, Event extends AnyEventObject, P extends Params> = ActionFunction<
  Context,
  Event,
  Event,
  P,
  never,
  never,
  never,
  never,
  never
>;

/** What an action is given that enqueues others: `enqueue`, `context`, `event`. */
type Collecting<Context extends MachineContext, Event extends AnyEventObject> = Parameters<
  Parameters<typeof enqueueActions<Context, Event, undefined, Event, never, never, never, never, never>>[0]
>[0];

/**
 * The creators, for one machine. What they make goes into `setup({ actions })`.
 *
 * @example
 * const { assign } = actionCreators<TaskContext, TaskEvent>();
 * export const retrying = { forget: assign({ error: null }) };
 */
export function actionCreators<Context extends MachineContext, Event extends AnyEventObject>() {
  return {
    assign: <P extends Params = undefined>(
      change: Assigner<Context, Event, P, Event, never> | PropertyAssigner<Context, Event, P, Event, never>,
    ): Action<Context, Event, P> => assign<Context, Event, P, Event, never>(change),
    enqueueActions: <P extends Params = undefined>(
      collect: (given: Collecting<Context, Event>, params: P) => void,
    ): Action<Context, Event, P> =>
      enqueueActions<Context, Event, P, Event, never, never, never, never, never>(collect),
    sendParent: (
      event: AnyEventObject | ((given: { readonly context: Context; readonly event: Event }) => AnyEventObject),
    ): Action<Context, Event, undefined> => sendParent<Context, Event, undefined, AnyEventObject, Event>(event),
  };
}
