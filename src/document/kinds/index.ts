/** The kinds of tasks: how each is written, what it becomes, where it reads, and what it is made ready with. */
import type { z } from 'zod';
import type { CacheFields } from '../answer-cache.ts';
import type { Predicates } from '../condition.ts';
import { CALL_SECONDS, type TaskSpec } from '../definition.ts';
import type { Scope } from '../reads.ts';
import { codePlaces, codeSpec, codeTaskSchema, prepareCodeCall, type CodeSpec, type PreparedCodeCall } from './code.ts';
import { mapGives, mapPlaces, mapTaskSchema, prepareMap, type MapSpec, type PreparedMap } from './map.ts';
import {
  conditionGives,
  conditionPlaces,
  conditionSpec,
  conditionTaskSchema,
  prepareCondition,
  type ConditionSpec,
  type PreparedCondition,
} from './condition.ts';
import {
  modelCallSpec,
  modelGives,
  modelPlaces,
  modelTaskSchema,
  prepareModelCall,
  type ModelCallSpec,
  type PreparedModelCall,
} from './model.ts';
import type { ModelDefaults } from '../models.ts';
import type { Gives, Places } from './places.ts';
import {
  planExecuteReflectPlaces,
  planExecuteReflectSpec,
  planExecuteReflectTaskSchema,
  preparePlanExecuteReflect,
  type PlanExecuteReflectSpec,
  type PreparedPlanExecuteReflect,
} from './plan-execute-reflect.ts';
import { prepareReduce, reducePlaces, reduceTaskSchema, type PreparedReduce, type ReduceSpec } from './reduce.ts';
import {
  prepareSubworkflow,
  subworkflowGives,
  subworkflowPlaces,
  subworkflowSpec,
  subworkflowTaskSchema,
  type PreparedSubworkflow,
  type SubworkflowSpec,
} from './subworkflow.ts';
import {
  prepareWait,
  waitGives,
  waitPlaces,
  waitSpec,
  waitTaskSchema,
  type PreparedWait,
  type WaitSpec,
} from './wait.ts';

/** How a task of each kind is written. A model call says no `kind`. */
export const TASK_SCHEMAS = {
  model: modelTaskSchema,
  code: codeTaskSchema,
  condition: conditionTaskSchema,
  map: mapTaskSchema,
  reduce: reduceTaskSchema,
  wait: waitTaskSchema,
  planExecuteReflect: planExecuteReflectTaskSchema,
  subworkflow: subworkflowTaskSchema,
} as const;

/** A kind that this version has. */
export type Kind = keyof typeof TASK_SCHEMAS;

/** All of them. */
export const KINDS = Object.keys(TASK_SCHEMAS) as [Kind, ...Kind[]];

type Checked<Of extends Kind> = z.output<(typeof TASK_SCHEMAS)[Of]>;

/** A task with its defaults in place, but still with its short forms; inside of it as well. */
export type CheckedTask =
  | Checked<Exclude<Kind, 'map'>>
  | (Omit<Checked<'map'>, 'task'> & { readonly task: CheckedTask });

/** What is a task's own, beside what tasks of every kind have. */
export type CallSpec =
  | ModelCallSpec
  | CodeSpec
  | ConditionSpec
  | MapSpec<TaskSpec>
  | ReduceSpec<TaskSpec>
  | WaitSpec
  | PlanExecuteReflectSpec<TaskSpec>
  | SubworkflowSpec;

/** The same, made ready. */
export type PreparedCall =
  | PreparedModelCall
  | PreparedCodeCall
  | PreparedCondition
  | PreparedMap
  | PreparedReduce
  | PreparedWait
  | PreparedPlanExecuteReflect
  | PreparedSubworkflow;

/** Where the tasks of each kind read. */
export const PLACES: Readonly<Record<Kind, Places>> = {
  model: modelPlaces,
  code: codePlaces,
  condition: conditionPlaces,
  wait: waitPlaces,
  map: mapPlaces,
  reduce: reducePlaces,
  planExecuteReflect: planExecuteReflectPlaces,
  subworkflow: subworkflowPlaces,
};

/** What the tasks of each kind give. */
export const GIVES: Readonly<Record<Kind, Gives>> = {
  model: modelGives,
  code: () => undefined,
  condition: conditionGives,
  wait: waitGives,
  map: mapGives,
  reduce: modelGives,
  planExecuteReflect: modelGives,
  subworkflow: subworkflowGives,
};

/** The kind that a task says it is of; undefined where there is no such kind. */
export function kindOf(task: Readonly<Record<string, unknown>>): Kind | undefined {
  const { kind } = task;
  if (kind === undefined) return 'model';
  return typeof kind === 'string' && kind !== 'model' && Object.hasOwn(TASK_SCHEMAS, kind) ? (kind as Kind) : undefined;
}

/** What is asked of a reduction as a whole, and not of each of its calls. */
const ASKED_ONCE = {
  when: undefined,
  cancelWhen: undefined,
  outputs: undefined,
  approval: undefined,
  requiresApproval: undefined,
  onComplete: undefined,
} as const;

/** The inner form of what is a task's own; `inner` gives that of a task inside of it. */
export function callSpec(
  task: CheckedTask,
  config: ModelDefaults & { readonly depth: number; readonly cache?: CacheFields | undefined },
  inner: (task: CheckedTask) => TaskSpec,
): CallSpec {
  if (!('kind' in task)) return modelCallSpec(task, config);
  switch (task.kind) {
    case 'code':
      return codeSpec(task);
    case 'condition':
      return conditionSpec(task);
    case 'wait':
      return waitSpec(task);
    case 'subworkflow':
      return subworkflowSpec(task);
    case 'map': {
      const { kind, items, batchSize, concurrency, onItemFailure } = task;
      return { kind, items, batchSize, concurrency, onItemFailure, task: inner(task.task) };
    }
    case 'reduce': {
      const { kind: _, arity, timeoutSeconds = CALL_SECONDS, ...call } = task;
      const [over] = task.dependsOn;
      if (arity === undefined || over === undefined) return modelCallSpec({ ...call, timeoutSeconds }, config);
      return { kind: 'reduce', arity, over, task: inner({ ...call, ...ASKED_ONCE, timeoutSeconds: CALL_SECONDS }) };
    }
    case 'planExecuteReflect':
      return planExecuteReflectSpec(task, config, inner);
  }
}

/** Renders and evaluates what is a task's own. Throws `promptFailed`, `expressionFailed` or `functionMissing`. */
export function prepareCall(spec: CallSpec, scope: Scope, predicates: Predicates): PreparedCall {
  switch (spec.kind) {
    case 'model':
      return prepareModelCall(spec, scope);
    case 'code':
      return prepareCodeCall(spec, scope);
    case 'condition':
      return prepareCondition(spec, scope, predicates);
    case 'wait':
      return prepareWait(spec, scope);
    case 'subworkflow':
      return prepareSubworkflow(spec, scope);
    case 'map':
      return prepareMap(spec, scope);
    case 'reduce':
      return prepareReduce(spec, scope);
    case 'planExecuteReflect':
      return preparePlanExecuteReflect(spec, scope);
  }
}
