/** Calls of tasks that join the run. */
import { callOf, repeated, type Calls } from '../../cost/estimate/calls.ts';
import { DEFAULTS, type Figure } from '../../cost/estimate/figure.ts';
import { askedModels } from '../models.ts';
import { overModels } from './choice.ts';
import type { Counting, Line } from './counting.ts';
import type { OnCompleteSpec } from '../definition.ts';

/** Of the tasks that a task adds to the run. */
export function addedCalls(onComplete: OnCompleteSpec, counting: Counting): Line {
  const { dynamicTaskLimit, maxDynamicDepth } = onComplete;
  let most = 0;
  for (let depth = 1; depth <= maxDynamicDepth; depth += 1) most += dynamicTaskLimit ** depth;
  const count: Figure = {
    range: { lowest: 0, expected: Math.min(DEFAULTS.addedTasks, dynamicTaskLimit), highest: most },
    from: 'default',
  };
  const { calls, ...asked } = overModels(askedModels({}, counting.tasks.definition), counting, (one) => ({
    calls: addedCall(one, onComplete.maxOutputTokens, counting),
  }));
  return { part: 'added', ...asked, ...repeated(calls, count) };
}

/** A call of a task that joins the run: nobody knows yet what it asks. */
export function addedCall(
  asked: { readonly provider: string; readonly model: string },
  maxOutputTokens: number | undefined,
  { price }: Counting,
): Calls {
  const most = maxOutputTokens ?? DEFAULTS.mostAnswerTokens;
  const input: Figure = {
    range: { lowest: 0, expected: DEFAULTS.addedPromptTokens, highest: DEFAULTS.mostAddedPromptTokens },
    from: 'default',
  };
  const output: Figure = {
    range: { lowest: 0, expected: Math.min(DEFAULTS.answerTokens, most), highest: most },
    from: 'default',
  };
  return repeated(callOf(input, output, price(asked), undefined), {
    range: { lowest: 1, expected: 1, highest: 8 },
    from: 'counted',
  });
}
