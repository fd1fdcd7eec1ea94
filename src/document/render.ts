/** A task made ready for its call: prompts rendered, expressions evaluated. Pure; its result goes into the journal. */
import type { ResponseFormat, TaskSpec } from './definition.ts';
import { evaluateTree } from './expression.ts';
import { renderPrompt } from './prompt.ts';
import type { Scope, TaskResult } from './reads.ts';

/** A model call, ready to be made. JSON: what is not set is absent. */
export interface PreparedModelCall {
  readonly kind: 'model';
  readonly prompt: string;
  readonly system?: string;
  readonly provider: string;
  readonly model: string;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly responseFormat: ResponseFormat;
}

/** A call of a registered function, ready to be made. */
export interface PreparedCodeCall {
  readonly kind: 'code';
  readonly function: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a task calls, ready to be called. */
export type PreparedCall = PreparedModelCall | PreparedCodeCall;

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
 * prepareCall(spec, taskScope({ topic: 'tea' }, [['plan', { status: 'completed', output: 'Taste it.' }]]))
 * // { call: { kind: 'model', prompt: 'Research tea: Taste it.', … } }
 * @throws FermataError `promptFailed` or `expressionFailed`, naming the text and what is missing
 */
export function prepareCall(spec: TaskSpec, scope: Scope): RenderedTask {
  const approvalPrompt = spec.approval?.prompt;
  return {
    ...(spec.description === undefined ? {} : { description: renderPrompt(spec.description, scope) }),
    call: callOf(spec.call, scope),
    ...(approvalPrompt === undefined ? {} : { approvalPrompt: renderPrompt(approvalPrompt, scope) }),
  };
}

function callOf(call: TaskSpec['call'], scope: Scope): PreparedCall {
  if (call.kind === 'code') return { kind: 'code', function: call.function, input: evaluatedInput(call.input, scope) };
  const { prompt, system, provider, model, temperature, maxOutputTokens, responseFormat } = call;
  return {
    kind: 'model',
    prompt: renderPrompt(prompt, scope),
    ...(system === undefined ? {} : { system: renderPrompt(system, scope) }),
    provider,
    model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    responseFormat,
  };
}

function evaluatedInput(input: Readonly<Record<string, unknown>>, scope: Scope): Readonly<Record<string, unknown>> {
  const entries = Object.entries(input).map(([key, tree]): [string, unknown] => [key, evaluateTree(tree, scope)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
