/** A model judges whether a kept answer serves: a model call of which nobody hears but its task. */
import type { EffectDefinition } from '../src/runtime/effect.ts';
import type { ModelCallInput, ModelCallOutput } from './model-call.ts';

/**
 * The effect, of the one that asks models.
 *
 * @example
 * verify(modelCall({ providers, checkAnswer, redact }))
 */
export function verify(
  calls: EffectDefinition<ModelCallInput, ModelCallOutput>,
): EffectDefinition<ModelCallInput, ModelCallOutput> {
  return {
    kind: 'effect',
    // A verdict that streamed would look like the beginning of the task's answer.
    run: (input, context) => calls.run(input, { ...context, delta: () => {}, restart: () => {}, hears: () => false }),
    repeatOf: (input) => input.repeatOf,
    remote: true,
  };
}
