/** Runs that tasks of a run have begun, and the run that began one. */
import { z } from '@hono/zod-openapi';
import type { Reads } from '../runtime/reads.ts';
import type { RunView } from '../runtime/runtime.ts';

const CHILDREN_SHOWN = 100;

/** The run, and its task, that began a run. */
export const parentSchema = z
  .object({ runId: z.string(), task: z.string() })
  .optional()
  .describe('The run, and its task, that began it: a sub-workflow');

/** One run that a task began; the status schema is the API's. */
export function childrenSchema<Status extends z.ZodType>(status: Status) {
  return z
    .array(
      z.object({
        task: z.string(),
        attempt: z.int().describe('Of the task: each has a run of its own'),
        runId: z.string(),
        workflow: z.string().describe('Its name'),
        version: z.int(),
        status,
        progress: z.int(),
      }),
    )
    .optional()
    .describe('Runs that its tasks began, the first 100; the others with GET /runs?parent=');
}

/** Who began a run. */
export function parentView({ parent }: RunView): { parent?: { runId: string; task: string } } {
  return parent === undefined ? {} : { parent: { runId: parent.run, task: parent.task } };
}

/** What a run has begun, in the order in which it did. */
export async function childrenView(runtime: Pick<Reads, 'list'>, { runId }: RunView) {
  const newestFirst = await runtime.list({ parent: runId, limit: CHILDREN_SHOWN });
  const children = newestFirst.toReversed().map((child) => ({
    task: child.parent?.task ?? '',
    attempt: child.parent?.attempt ?? 1,
    runId: child.runId,
    workflow: child.workflow?.name ?? child.machine,
    version: child.workflow?.version ?? 1,
    status: child.status,
    progress: child.progress,
  }));
  return children.length === 0 ? {} : { children };
}
