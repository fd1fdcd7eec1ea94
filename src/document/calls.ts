/** What the tasks of a document call, also those inside of other tasks: it has to be there before a run begins. */
import { FermataError } from '../errors.ts';
import type { Condition } from './condition.ts';
import type { Allowance } from './fields.ts';
import { FROM_OUTPUT, type Definition, type TaskSpec } from './definition.ts';
import type { ModelCallSpec } from './kinds/model.ts';
import { parseInline } from './parse.ts';

/** One provider or one function, and the task that calls it. */
export interface Called {
  readonly task: string;
  readonly provider?: string;
  /** Name of a tier of models. */
  readonly tier?: string;
  /** Name of a registered function. */
  readonly called?: string;
  /** What it is called with: texts are expressions. */
  readonly given?: Readonly<Record<string, unknown>>;
  /** Name of a registered predicate. */
  readonly predicate?: string;
}

/** Throws `providerMissing`, `functionMissing` or `invalidArgument` where tasks could not do their work in this process. */
export type AssertRunnable = (definition: Pick<Definition, 'tasks'>) => void;

/**
 * The same of everything that runs of a definition may begin by name, so that nobody finds out in the middle of a run. A
 * version that is published later is looked at when its run begins.
 */
export async function assertAllRunnable(
  definition: Definition,
  workflows: { named(definition: Definition): Promise<ReadonlyMap<string, Definition>> },
  assertRunnable: AssertRunnable,
): Promise<void> {
  assertRunnable(definition);
  for (const [name, below] of await workflows.named(definition)) {
    try {
      assertRunnable(below);
    } catch (thrown) {
      if (!(thrown instanceof FermataError)) throw thrown;
      const { code, message, faults, data } = thrown;
      throw new FermataError(code, `The workflow "${name}", which this one runs, cannot run here. ${message}`, {
        ...(faults === undefined ? {} : { faults }),
        ...(data === undefined ? {} : { data }),
        cause: thrown,
      });
    }
  }
}

/** Everything that the tasks of a definition call. */
export function callsOf({ tasks }: Pick<Definition, 'tasks'>): readonly Called[] {
  return tasks.flatMap((spec) => callsOfTask(spec, spec.name));
}

/** The conditions of a task that may be predicates. */
export function conditionsOf({ call, when }: Pick<TaskSpec, 'call' | 'when'>): readonly (Condition | undefined)[] {
  return [when, call.kind === 'condition' && 'if' in call.decides ? call.decides.if : undefined];
}

function callsOfTask(spec: TaskSpec, task: string): readonly Called[] {
  const { call, onComplete } = spec;
  const adding = onComplete?.addTasks;
  return [
    ...(call.kind === 'model' ? askedBy(call, task) : []),
    ...(call.kind === 'code' ? [{ task, called: call.function, given: call.input }] : []),
    ...(call.kind === 'map' || call.kind === 'reduce' ? callsOfTask(call.task, task) : []),
    ...(call.kind === 'planExecuteReflect' ? callsOfTask(call.phases.plan, task) : []),
    ...(call.kind === 'subworkflow' && 'document' in call.workflow ? callsOf(parseInline(call.workflow.document)) : []),
    ...(adding === undefined || adding === FROM_OUTPUT ? [] : [{ task, called: adding }]),
    ...(call.kind === 'planExecuteReflect' ? callsOfAllowed(call.allow, task) : []),
    ...callsOfAllowed(onComplete?.allow, task),
    ...conditionsOf(spec).flatMap((asked) => (typeof asked === 'object' ? [{ task, predicate: asked.predicate }] : [])),
  ];
}

/** Whom it asks, or may. */
function askedBy({ provider, models }: ModelCallSpec, task: string): readonly Called[] {
  if (models === undefined) return [{ task, provider }];
  return models.map((one) => ('tier' in one ? { task, tier: one.tier } : { task, provider: one.provider }));
}

/** What is offered to a model has to be there when it accepts. */
function callsOfAllowed({ functions = [], providers = [] }: Partial<Allowance> = {}, task: string): readonly Called[] {
  return [...functions.map((called) => ({ task, called })), ...providers.map((provider) => ({ task, provider }))];
}
