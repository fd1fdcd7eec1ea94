/** Parts of requests and answers that routes of several subjects take. */
import { z } from '@hono/zod-openapi';
import { manyOf } from './many.ts';
import { fields } from './router.ts';

/** The part of a path that names a run. */
export const runPath = z.object({ id: z.string().min(1).max(200) });
/** The part of a path that names a workflow. */
export const workflowPath = z.object({ id: z.string().min(1).max(200) });

/** Nothing has more. */
const MOST_TAGS = 100;

/** Tags, and-ed: `a,b`. */
export const tagsParameter = z
  .string()
  .max(10_000)
  .refine((text) => (splitTags(text)?.length ?? 0) <= MOST_TAGS, `expected at most ${MOST_TAGS} tags`)
  .optional()
  .describe('a,b: those that have both. A backslash takes the next character as it is: one\\,two is one tag');
/** Text to search for. */
export const searchParameter = z.string().min(1).max(200).optional().describe('Part of the name or id');
/** Tags that a run is given. */
export const givenTags = manyOf('tags', z.array(z.string().min(1).max(200)).max(MOST_TAGS)).optional();

/** Why something is cancelled. */
export const cancelBody = fields({ reason: z.string().max(10_000).optional() }).openapi('CancelRequest');
/** A person's decision. */
export const approvalBody = fields({
  approved: z.boolean(),
  reason: z.string().max(10_000).optional(),
  by: z.string().max(200).optional().describe('Who decided'),
  edits: z.unknown().optional().describe('Not supported yet'),
}).openapi('ApprovalDecision');

/** Where a stream goes on. */
export const streamHeaders = z.object({
  'last-event-id': z.string().optional().describe('Id of the last event received; EventSource sends it by itself'),
});
/** Where a stream goes on, written. */
export const streamQuery = fields({
  after: z.string().max(200).optional().describe('Id of the last event received; like Last-Event-ID, and stronger'),
});
/** The same of one run. */
export const runStreamQuery = streamQuery.extend({
  eta: z.enum(['true', 'false']).optional().openapi({
    description: 'true: between the facts `eta` says when the run will have ended, as …/status does; it has no id',
    default: 'false',
  }),
});
/** What streams answer. */
export const streamResponses = {
  200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: z.string() } } },
  204: { description: 'The run has ended and everything was received' },
};

/** `a,b` as a list; `a\\,b` is one tag. */
export function splitTags(text: string | undefined): string[] | undefined {
  const found = (text?.match(/(?:\\.|[^,\\])+/gs) ?? [])
    // Blanks around a tag are the writer's, unless they are escaped.
    .map((tag) => tag.replace(/^\s+|(?<!\\)\s+$/g, '').replace(/\\(.)/gs, '$1'))
    .filter((tag) => tag !== '');
  return found.length === 0 ? undefined : [...new Set(found)];
}
