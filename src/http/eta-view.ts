/** When a run will have ended, as the API says it. */
import { z } from '@hono/zod-openapi';
import { SOURCES } from '../cost/estimate/figure.ts';
import type { Eta } from '../document/eta.ts';

/** Of a run. */
export const etaFields = {
  etaSeconds: z
    .number()
    .min(0)
    .nullable()
    .describe('Until the run ends, from now on; null: it has ended, or it is not known, and etaReason says why'),
  etaFrom: z
    .enum(SOURCES)
    .optional()
    .describe(
      'Where it comes from, by the least sure of its parts: declared by the author, learned from earlier runs …',
    ),
  etaReason: z.string().optional().describe('Why it is not known: `waits for approval of "deploy"`'),
  etaAtLeastSeconds: z.number().min(0).optional().describe('Where it is not known: what of it is'),
};

/** Numbers behind it are more exact than anybody can foresee. */
const DIGITS = 1;

/** Of one that has ended there is none. */
export function etaView(eta: Eta | undefined): z.infer<z.ZodObject<typeof etaFields>> {
  if (eta === undefined) return { etaSeconds: null };
  const { seconds, atLeastSeconds, reason, from } = eta;
  const shown = (value: number): number => Number(value.toFixed(DIGITS));
  if (seconds !== null) return { etaSeconds: shown(seconds), ...(from === undefined ? {} : { etaFrom: from }) };
  return {
    etaSeconds: null,
    ...(reason === undefined ? {} : { etaReason: reason }),
    etaAtLeastSeconds: shown(atLeastSeconds),
  };
}
