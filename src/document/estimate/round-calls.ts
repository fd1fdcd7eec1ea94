/** Calls of rounds: a plan, its tasks and a reflection. */
import { callOf, NO_CALLS, repeated, type Calls } from '../../cost/estimate/calls.ts';
import { DEFAULTS, type Figure } from '../../cost/estimate/figure.ts';
import { ZERO } from '../../cost/estimate/range.ts';
import type { TaskSpec } from '../definition.ts';
import type { ModelCallSpec } from '../kinds/model.ts';
import type { PlanExecuteReflectSpec } from '../kinds/plan-execute-reflect.ts';
import { overModels } from './choice.ts';
import { promptLength, textLength, type Length } from './prompt-length.ts';
import type { Counting, Line, TaskCalls } from './counting.ts';
import { answerLength, valueLength } from './output-length.ts';
import { attempts, readingOf } from './model-calls.ts';
import { addedCall } from './added-calls.ts';

/** Rounds of a plan, its tasks and a reflection; at last an answer. */
export function roundCalls(call: PlanExecuteReflectSpec<TaskSpec>, spec: TaskSpec, counting: Counting): TaskCalls {
  const { phases, depth, dynamicTaskLimit, goal } = call;
  const own = phases.answer.call;
  if (own.kind !== 'model') return { lines: [], output: valueLength(spec, '') };
  const rounds: Figure = {
    range: { lowest: 1, expected: Math.min(DEFAULTS.rounds, depth), highest: depth },
    from: 'default',
  };
  const each = Math.min(DEFAULTS.addedTasks, dynamicTaskLimit);
  const steps: Figure = {
    range: { lowest: 0, expected: rounds.range.expected * each, highest: depth * dynamicTaskLimit },
    from: 'default',
  };
  const { maxOutputTokens } = own;
  const executed = overModels(own, counting, (one) => ({ calls: addedCall(one, maxOutputTokens, counting) }));
  const reading = readingOf(counting, executed.model, undefined);
  const aim = promptLength(goal, reading);
  const answer = answerLength(spec, own, spec, counting);
  const phaseOf = (name: 'plan' | 'reflect' | 'answer', asked: ModelCallSpec, output: Length): Calls => {
    const said = textLength(asked.prompt.replaceAll(/\{\{[^]*?\}\}|\{%[^]*?%\}/g, ''), reading.count);
    const found = DEFAULTS.answerTokens + DEFAULTS.addedPromptTokens;
    const mostFound = (maxOutputTokens ?? DEFAULTS.mostAnswerTokens) + DEFAULTS.mostAddedPromptTokens;
    const input: Length = {
      range: {
        lowest: 0,
        // Half of the steps are there when a plan or a reflection is asked for, all of them at the end.
        expected:
          said.range.expected + aim.range.expected + (steps.range.expected * found) / (name === 'answer' ? 1 : 2),
        highest: said.range.highest * (1 + steps.range.highest) + aim.range.highest + steps.range.highest * mostFound,
      },
      from: 'default',
      unboundedBecause: aim.unboundedBecause,
    };
    const once = callOf(input, output, counting.price(asked), aim.unboundedBecause);
    return attempts(once, input, output, phases[name], asked, counting.price(asked), undefined);
  };
  const line = (name: 'plan' | 'reflect' | 'answer', output: Length, count: Figure): Line => {
    const { call: asked } = phases[name];
    if (asked.kind !== 'model') return { part: name, ...NO_CALLS };
    const { calls, ...chosen } = overModels(asked, counting, (one) => ({ calls: phaseOf(name, one, output) }));
    return { part: name, ...chosen, ...repeated(calls, count) };
  };
  const thought: Length = {
    ...answer,
    range: { ...answer.range, expected: Math.min(DEFAULTS.answerTokens, answer.range.highest) },
    from: 'default',
  };
  const optional = { ...ZERO, expected: 1, highest: 1 };
  const lines: Line[] = [
    // A plan that is refused is sent back once.
    line('plan', thought, { ...rounds, range: { ...rounds.range, highest: 2 * depth } }),
    {
      part: 'execute',
      provider: executed.provider,
      model: executed.model,
      ...(executed.choice === undefined ? {} : { choice: executed.choice }),
      ...repeated(executed.calls, steps),
    },
    line('reflect', thought, { ...rounds, range: { ...rounds.range, lowest: 0 } }),
    line('answer', answer, { range: optional, from: 'default' }),
  ];
  return { lines, output: answer };
}
