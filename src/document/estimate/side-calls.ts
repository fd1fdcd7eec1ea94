/** Vectors and verdicts: what a task that looks for similar questions comes to beside its own calls. */
import { callOf, perhaps, repeated } from '../../cost/estimate/calls.ts';
import { DEFAULTS, lessSure, type Figure } from '../../cost/estimate/figure.ts';
import { ZERO } from '../../cost/estimate/range.ts';
import type { TaskSpec } from '../definition.ts';
import { LONGEST_JUDGED, VERDICT_TOKENS } from '../judging.ts';
import type { ModelCallSpec } from '../kinds/model.ts';
import { sidesOf, windowOf } from '../similar.ts';
import { promptLength, type Length, type Reading } from './prompt-length.ts';
import type { Counting, Line } from './counting.ts';

/** Tokens of what a judge is told, and of how the earlier question begins. */
const AROUND_VERDICT = 200;
/** Quotation marks and line breaks of what is judged are written with one character more. */
const ESCAPED = 2;
/** Most tokens of a character, where each of its bytes is one. */
const PER_CHARACTER = 3;

/**
 * Lines of a call for which a similar question will do; none where it will not. The least is that the very same question is
 * found; to expect, that it is not, and that something near is there to be judged as likely as not.
 *
 * @param call with the model that is asked
 * @param output of its answer
 * @param readingOf how its texts are read for a model
 */
export function sideLines(
  { retry }: Pick<TaskSpec, 'retry'>,
  call: ModelCallSpec,
  output: Length,
  readingOf: (model: string) => Reading,
  { price, hasBudget, comparing }: Pick<Counting, 'price' | 'hasBudget' | 'comparing'>,
): readonly Line[] {
  const { similar } = call.cache ?? {};
  if (similar === undefined) return [];
  const { embedder, judge } = sidesOf(call, comparing);
  const asked = similar.verify ? [embedder, judge] : [embedder];
  // Then nobody is asked: a budget cannot pay what has no price.
  if (hasBudget && asked.some((one) => price(one) === undefined)) return [];
  // Each attempt looks anew. A vector that is there is not asked for again.
  const times: Figure = { range: { lowest: 0, expected: 1, highest: 1 + retry.maxRetries }, from: 'default' };
  const window = windowOf(embedder, price);
  const text = promptLength(call.prompt, readingOf(embedder.model));
  const vector = callOf(bounded(text, window), { range: ZERO, from: 'counted' }, price(embedder), undefined);
  const lines: Line[] = [{ part: 'embedding', ...embedder, ...repeated(vector, times) }];
  if (!similar.verify) return lines;
  const question = promptLength(call.prompt, readingOf(judge.model));
  const read: Figure = {
    range: {
      lowest: 0,
      expected: question.range.expected + output.range.expected + AROUND_VERDICT,
      highest: ESCAPED * (question.range.highest + output.range.highest) + 2 * AROUND_VERDICT,
    },
    from: lessSure(question.from, output.from),
  };
  const most = PER_CHARACTER * LONGEST_JUDGED + 2 * AROUND_VERDICT;
  const said: Figure = {
    range: { lowest: 0, expected: DEFAULTS.verdictTokens, highest: VERDICT_TOKENS },
    from: 'default',
  };
  const verdict = repeated(callOf(bounded(read, most), said, price(judge), undefined), times);
  return [...lines, { part: 'verify', ...judge, ...perhaps(verdict, DEFAULTS.chance, 'default') }];
}

/** What is longer is not sent. */
function bounded({ range, from }: Figure, most: number): Figure {
  const { expected, highest } = range;
  return { range: { lowest: 0, expected: Math.min(expected, most), highest: Math.min(highest, most) }, from };
}
