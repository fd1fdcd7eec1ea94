/** Where a run comes from, and what has gone on from it. */
import { z } from '@hono/zod-openapi';
import type { ForkRecord } from '../document/fork/record.ts';
import type { Reads } from '../runtime/reads.ts';
import type { RunView } from '../runtime/runtime.ts';
import { iso, toJson } from './json.ts';
import { runStatusSchema } from './run-status.ts';

/** Forks shown with their origin. */
const FORKS_SHOWN = 20;

/** Parts of a run in full. */
export const forkFields = {
  forkedFrom: z
    .object({
      runId: z.string(),
      fromTask: z.string().optional().describe('This task, and what depends on it, ran anew'),
      atSeq: z.int().optional().describe('What was committed after this fact ran anew'),
      retry: z.literal(true).optional().describe('What had not completed ran anew'),
      task: z.string().optional().describe('Of a retry: the task that was to be tried again'),
      edits: z.record(z.string(), z.object({ prompt: z.string().optional(), output: z.unknown().optional() })),
      ancestors: z.array(z.string()).describe('The runs from which it takes over, nearest first'),
    })
    .optional()
    .describe('Of a fork: where it left another run'),
  forks: z
    .array(z.object({ runId: z.string(), status: runStatusSchema, createdAt: z.iso.datetime() }))
    .describe('Runs forked from this one, newest first, at most 20; all of them with GET /runs?forkedFrom='),
};

/** Who paid for an outcome that a fork has taken over. */
export const reusedSchema = z
  .object({
    runId: z.string(),
    seq: z.int().optional().describe("Number of the fact in that run's stream"),
    attempts: z.int().optional(),
    usage: z.unknown().optional().describe('Tokens that were used then'),
    model: z.string().optional(),
    requestId: z.string().nullable().optional(),
    finishReason: z.string().nullable().optional(),
  })
  .describe('Taken over from another run: nothing was paid for it here');

/** Where it comes from, and which runs come from it. */
export async function forksOf(
  runtime: Pick<Reads, 'list'>,
  { runId, fork }: RunView,
): Promise<z.infer<z.ZodObject<typeof forkFields>>> {
  const forks = await runtime.list({ forkedFrom: runId, limit: FORKS_SHOWN });
  return {
    ...(fork === undefined ? {} : { forkedFrom: forkedFrom(fork as ForkRecord) }),
    forks: forks.map((one) => ({ runId: one.runId, status: one.status, createdAt: iso(one.createdAt) })),
  };
}

function forkedFrom({ point, edits, layers }: ForkRecord) {
  const ancestors = layers.map(({ run }) => run);
  return {
    runId: ancestors[0] ?? '',
    ...point,
    edits: toJson(edits) as Record<string, { prompt?: string; output?: unknown }>,
    ancestors,
  };
}
