/**
 * A task that makes one of many: a model call over the outputs of a list. With `arity` it is done in a tree, so that no
 * prompt holds more than so many of them: each call sees a part of the list, and the next level the answers to those.
 */
import { z } from 'zod';
import { FermataError } from '../../errors.ts';
import { seconds } from '../fields.ts';
import { describeValue } from '../faults.ts';
import type { Scope } from '../reads.ts';
import { modelPlaces, modelTaskSchema } from './model.ts';
import type { Places } from './places.ts';

/** As it is written. */
export const reduceTaskSchema = z
  .strictObject({
    ...modelTaskSchema.shape,
    timeoutSeconds: seconds.optional().describe('From its first call to its last; without arity: of each attempt'),
    kind: z.literal('reduce'),
    arity: z
      .int()
      .min(2)
      .max(1_000)
      .optional()
      .describe('Outputs that one call sees; dependsOn then names the one task whose list they are'),
  })
  .superRefine(({ arity, dependsOn }, context) => {
    // Without it the whole list would silently be in one prompt, which is what an arity is to prevent.
    if (arity === undefined || dependsOn.length === 1) return;
    const came = dependsOn.length === 0 ? 'nothing' : `${dependsOn.length} names`;
    context.addIssue({
      code: 'custom',
      path: ['dependsOn'],
      message: `with "arity" it names the one task whose list is reduced: expected one name, came ${came} (what else the prompt reads needs no mention)`,
    });
  });

/** A reduction in a tree, complete. `Task` is the inner form of a task. */
export interface ReduceSpec<Task> {
  readonly kind: 'reduce';
  readonly arity: number;
  /** The task whose list it reduces: each call sees a part of it in its place. */
  readonly over: string;
  /** Where it came of an answer: calls that its lowest level may be. */
  readonly mostItems?: number;
  /** Of each call. */
  readonly task: Task;
}

/** A level of the tree, ready to begin: the parts that its calls see. */
export interface PreparedReduce {
  readonly kind: 'reduce';
  readonly items: readonly (readonly unknown[])[];
}

/** Where it reads. */
export const reducePlaces: Places = modelPlaces;

/** The lowest level. Throws `expressionFailed` where there is no list. */
export function prepareReduce(
  { over, arity, mostItems = Infinity }: Pick<ReduceSpec<unknown>, 'over' | 'arity' | 'mostItems'>,
  scope: Scope,
): PreparedReduce {
  const list = scope.tasks[over]?.output;
  const items = Array.isArray(list) ? partsOf(list, arity) : undefined;
  if (items !== undefined && items.length <= mostItems) return { kind: 'reduce', items };
  const reason =
    items === undefined
      ? `expected a list, came ${describeValue(list)}`
      : `it would be ${items.length} tasks at once, and the dynamicTaskLimit of the task that added this one allows ${mostItems}`;
  const message = `The output of task ${JSON.stringify(over)} cannot be reduced: ${reason}.`;
  throw new FermataError('expressionFailed', message, { data: { task: over } });
}

/** Parts of at most `arity`; of an empty list one that is empty, since the model is asked all the same. */
export function partsOf(list: readonly unknown[], arity: number): readonly (readonly unknown[])[] {
  if (list.length === 0) return [[]];
  return Array.from({ length: Math.ceil(list.length / arity) }, (_, at) => list.slice(at * arity, (at + 1) * arity));
}
