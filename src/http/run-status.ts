/** The status of a run, as every answer shows it. */
import { z } from '@hono/zod-openapi';

export const runStatusSchema = z
  .enum(['pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'])
  .openapi('RunStatus');
