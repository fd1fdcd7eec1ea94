/** How long what a task gives is, in tokens. */
import { DEFAULTS } from '../../cost/estimate/figure.ts';
import type { TaskSpec } from '../definition.ts';
import type { ModelCallSpec } from '../kinds/model.ts';
import type { Length } from './prompt-length.ts';
import type { Counting } from './counting.ts';

/** Tokens of a value that no model gives. */
export function valueLength({ expectedOutputTokens }: TaskSpec, because: string): Length {
  return {
    range: { lowest: 0, expected: expectedOutputTokens ?? DEFAULTS.valueTokens, highest: Infinity },
    from: expectedOutputTokens === undefined ? 'default' : 'declared',
    unboundedBecause: because,
  };
}

/** Tokens of an answer. */
export function answerLength(
  { expectedOutputTokens }: Pick<TaskSpec, 'expectedOutputTokens'>,
  call: ModelCallSpec,
  owner: TaskSpec,
  { learned, tasks }: Counting,
): Length {
  const { maxOutputTokens } = call;
  const known = learned.of(tasks.definition.name, owner.name, call);
  const most = maxOutputTokens ?? Infinity;
  const wanted = expectedOutputTokens ?? known?.outputTokens.median ?? DEFAULTS.answerTokens;
  const expected = Math.min(wanted, most);
  const source = expectedOutputTokens !== undefined ? 'declared' : known !== undefined ? 'learned' : 'default';
  const highest = maxOutputTokens ?? Math.max(DEFAULTS.mostAnswerTokens, expected, known?.outputTokens.p90 ?? 0);
  // What is declared as the most is no guess of the most; what to expect still may be one.
  return { range: { lowest: 0, expected, highest }, from: source };
}
