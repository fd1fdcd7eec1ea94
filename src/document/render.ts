/** A task made ready for its call: prompts rendered, expressions evaluated. Pure; its result goes into the journal. */
import type { Predicates } from './condition.ts';
import type { TaskSpec } from './definition.ts';
import { prepareCall, type PreparedCall } from './kinds/index.ts';
import { renderPrompt } from './prompt.ts';
import type { Scope, TaskResult } from './reads.ts';

/** The texts of a task, rendered. */
export interface RenderedTask {
  readonly description?: string;
  readonly call: PreparedCall;
  readonly approvalPrompt?: string;
}

/** What prompts and expressions see: the input of the run, and the results of the tasks that have settled. */
export function taskScope(input: unknown, results: Iterable<readonly [name: string, result: TaskResult]>): Scope {
  return { input, tasks: Object.fromEntries(results) };
}

/**
 * Renders everything of a task that is a template or an expression.
 *
 * @example
 * renderTask(spec, taskScope({ topic: 'tea' }, [['plan', { status: 'completed', output: 'Taste it.' }]]))
 * // { call: { kind: 'model', prompt: 'Research tea: Taste it.', … } }
 * @throws FermataError `promptFailed` or `expressionFailed`, naming the text and what is missing; `functionMissing`
 */
export function renderTask(spec: TaskSpec, scope: Scope, predicates: Predicates = {}): RenderedTask {
  const approvalPrompt = spec.approval?.prompt;
  return {
    ...(spec.description === undefined ? {} : { description: renderPrompt(spec.description, scope) }),
    call: prepareCall(spec.call, scope, predicates),
    ...(approvalPrompt === undefined ? {} : { approvalPrompt: renderPrompt(approvalPrompt, scope) }),
  };
}
