/** What is said of a document before it runs, as the API shows it. */
import { z } from '@hono/zod-openapi';
import type { Analysis } from '../document/analysis.ts';
import { WARNINGS } from '../document/analysis/warnings.ts';

const count = z.number().nullable();

export const analysisSchema = z
  .object({
    stages: z.array(z.array(z.string())).describe('Tasks of a stage need only what earlier stages give'),
    criticalPath: z
      .object({
        tasks: z.array(z.string()),
        seconds: z.number().describe('Of those whose duration is known: estimatedDurationSeconds, or a time span'),
        unestimated: z.int().describe('How many have no known duration'),
      })
      .describe('The longest chain: by seconds; among those of the same seconds, by tasks'),
    worstCase: z
      .object({
        tasks: count.describe('That run, with items and added tasks'),
        modelCalls: count.describe('Where every call succeeds at once'),
        modelCallsWithRetries: count.describe('Where every call fails as often as it may'),
      })
      .describe('Over all branches; null: it depends on the input'),
    loops: z.array(
      z.object({
        task: z.string(),
        kind: z.enum(['map', 'reduce', 'onComplete', 'planExecuteReflect', 'subworkflow']),
        atMost: count.describe(
          'Items, calls, added tasks, rounds, or tasks of a run; null: it depends on the input, or is not known here',
        ),
        because: z.string(),
      }),
    ),
    warnings: z.array(z.object({ code: z.enum(WARNINGS), path: z.string(), message: z.string() })),
    unlistedWarnings: z.int().describe('Beside the 1,000 that are listed at most'),
  })
  .openapi('WorkflowAnalysis');

/** JSON has no infinity. */
export function analysisView({
  stages,
  criticalPath,
  worstCase,
  loops,
  warnings,
  unlistedWarnings,
}: Analysis): z.infer<typeof analysisSchema> {
  return {
    stages: stages.map((stage) => [...stage]),
    criticalPath: { ...criticalPath, tasks: [...criticalPath.tasks] },
    worstCase: {
      tasks: finite(worstCase.tasks),
      modelCalls: finite(worstCase.modelCalls),
      modelCallsWithRetries: finite(worstCase.modelCallsWithRetries),
    },
    loops: loops.map((loop) => ({ ...loop, atMost: finite(loop.atMost) })),
    warnings: [...warnings],
    unlistedWarnings,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
