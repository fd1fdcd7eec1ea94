/** A task that does the same to every item of a list: its items are tasks of the run, named `each[0]`, `each[1]`, … */
import { z } from 'zod';
import { FermataError } from '../../errors.ts';
import { evaluate } from '../expression.ts';
import { anyJson, commonFields, LIMITS, prompt, seconds } from '../fields.ts';
import { describeValue, excerpt } from '../faults.ts';
import type { Scope } from '../reads.ts';
import { textAt, type Gives, type Places } from './places.ts';

/** As it is written. The task of its items is checked like any other, by its own kind. */
export const mapTaskSchema = z.strictObject({
  ...commonFields,
  timeoutSeconds: seconds.optional().describe('From its first item to its last'),
  kind: z.literal('map'),
  items: prompt.describe('CEL: a list'),
  batchSize: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('Items of one task; more than 1: `item` is a list of so many'),
  concurrency: z
    .int()
    .min(1)
    .max(LIMITS.breadth)
    .optional()
    .describe('Items at once, waiting ones included; default: as many as config.breadth lets run'),
  onItemFailure: z
    .enum(['stop', 'continue', 'collect'])
    .default('stop')
    .describe('stop: the map fails; continue: null takes its place; collect: { error } does'),
  task: anyJson.describe('A task without a name; prompts and expressions also see `item` and `index`'),
});

/** What becomes of a map where one of its items fails. */
export type OnItemFailure = z.output<typeof mapTaskSchema>['onItemFailure'];

/** A map, complete, but for the task of its items. */
export interface MapFields {
  readonly kind: 'map';
  /** CEL. */
  readonly items: string;
  readonly batchSize: number;
  readonly concurrency: number | undefined;
  readonly onItemFailure: OnItemFailure;
  /** Where it came of an answer: tasks that it may become. */
  readonly mostItems?: number;
}

/** A map, complete. `Task` is the inner form of a task. */
export interface MapSpec<Task> extends MapFields {
  /** Of each item; its name and place are those of the item. */
  readonly task: Task;
}

/** A map, ready to begin. */
export interface PreparedMap {
  readonly kind: 'map';
  /** In batches, where the map has them. */
  readonly items: readonly unknown[];
  readonly concurrency?: number;
  readonly onItemFailure: OnItemFailure;
}

/** Where it reads, beside the task of its items. */
export const mapPlaces: Places = (task, path) => ({ templates: [], expressions: textAt(task, path, 'items') });

/** What its items give, in their order. */
export const mapGives: Gives = () => ({ type: 'array' });

/** Throws `expressionFailed` where its items are not a list, or too many. */
export function prepareMap(map: MapFields, scope: Scope): PreparedMap {
  const { items, batchSize, concurrency, onItemFailure, mostItems = Infinity } = map;
  const list = evaluate(items, scope);
  if (!Array.isArray(list)) throw unfit(items, `expected a list, came ${describeValue(list)}`);
  const entries: readonly unknown[] = list;
  if (entries.length > LIMITS.tasks)
    throw unfit(items, `expected at most ${LIMITS.tasks} items, came ${entries.length}`);
  const batches = batchSize === 1 ? entries : batchesOf(entries, batchSize);
  if (batches.length > mostItems)
    throw unfit(
      items,
      `they would be ${batches.length} tasks, and the dynamicTaskLimit of the task that added the map allows ${mostItems}`,
    );
  return {
    kind: 'map',
    items: batches,
    ...(concurrency === undefined ? {} : { concurrency }),
    onItemFailure,
  };
}

function batchesOf(items: readonly unknown[], size: number): readonly (readonly unknown[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function unfit(expression: string, reason: string): FermataError {
  const message = `The items of a map, ${JSON.stringify(excerpt(expression, 100))}, cannot be gone through: ${reason}.`;
  return new FermataError('expressionFailed', message, { data: { expression } });
}
