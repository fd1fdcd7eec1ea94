/** `Idempotency-Key`: the same request twice, also at the same moment, makes one run. */
import { createHash } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import canonicalize from 'canonicalize';

/** The header of requests that start a run. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The same key and body again gives the same run; another body: 409'),
});

/**
 * A key with the hash of what was asked for. `subject` is what the body is about, such as a workflow's id. The order of
 * fields makes no difference.
 */
export function idempotencyOf(
  key: string | undefined,
  subject: string,
  body: unknown,
): { readonly key: string; readonly bodyHash: string } | undefined {
  if (key === undefined) return undefined;
  return {
    key,
    bodyHash: createHash('sha256')
      .update(canonicalize({ subject, body }) ?? '')
      .digest('base64url'),
  };
}
