/** Workflows in lists: what of a document is shown there is read from it once, for a version never changes. */
import { z } from '@hono/zod-openapi';
import type { WorkflowDocument } from '../document/schema.ts';
import type { WorkflowRow } from '../store/workflows.ts';
import { iso } from './json.ts';

/** A stored workflow, without its document. */
export const workflowSummarySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.int(),
    description: z.string().nullable(),
    tags: z.array(z.string()),
    tasks: z.int().describe('How many'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('WorkflowSummary');
/** A stored workflow in lists. */
export type WorkflowSummary = z.infer<typeof workflowSummarySchema>;

/** What is kept of a version. */
type Kept = Pick<WorkflowSummary, 'description' | 'tasks'>;

/** A version takes about 100 bytes and its description. */
const MOST_KEPT = 10_000;

/** A workflow in a list. */
export function workflowSummary(
  { id, name, version, tags, createdAt, updatedAt }: Omit<WorkflowRow, 'tenant' | 'documentJson'>,
  { description, tasks }: Kept,
): WorkflowSummary {
  return {
    id,
    name,
    version,
    description,
    tags: [...tags],
    tasks,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** What lists show of a document. */
export function shownOf({ description, tasks }: WorkflowDocument): Kept {
  return { description: description ?? null, tasks: tasks.length };
}

/** Summaries of rows; a document of 100,000 tasks is parsed for the first list that it is in, and no other. */
export class WorkflowSummaries {
  readonly #kept = new Map<string, Kept>();

  of(row: WorkflowRow): WorkflowSummary {
    const key = `${row.id}@${row.version}`;
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = shownOf(JSON.parse(row.documentJson) as WorkflowDocument);
      this.#kept.set(key, kept);
      const oldest = this.#kept.keys().next();
      if (this.#kept.size > MOST_KEPT && !oldest.done) this.#kept.delete(oldest.value);
    }
    return workflowSummary(row, kept);
  }
}
