/** Which of several models a task has asked, and why, as the API shows it: of its last attempt. */
import { z } from '@hono/zod-openapi';
import { OPTIMIZE } from '../cost/choice.ts';
import { CHOICE_REASONS, type StatedChoice } from '../cost/choice-reason.ts';

const expected = z.number().optional().describe('What this call was expected to cost; absent where nobody knows');

export const choiceSchema = z
  .object({
    provider: z.string(),
    model: z.string(),
    optimize: z.enum(OPTIMIZE).optional().describe('Absent: the models are asked in the order of their list'),
    reason: z
      .enum(CHOICE_REASONS)
      .describe(
        'first: the first of the list; cheapest, balanced, best: by optimize; fallback: those before it have failed; budget: there was not enough for a better one; length: the prompt is too long for all',
      ),
    because: z.string().describe('The same as a sentence'),
    expectedCostDollars: expected,
    candidates: z.array(
      z.object({
        provider: z.string(),
        model: z.string(),
        expectedCostDollars: expected,
        leftOut: z.enum(['failed', 'tooLong']).optional(),
      }),
    ),
  })
  .openapi('ModelChoice');

/** A choice as the API shows it. */
export function choiceView({ candidates, ...choice }: StatedChoice): z.infer<typeof choiceSchema> {
  return { ...choice, candidates: [...candidates] };
}
