/** Is the process alive, and can it take work? */
import { createRoute, z } from '@hono/zod-openapi';
import { FermataError } from '../../errors.ts';
import { answers, newRouter, type Surroundings } from '../router.ts';

const aliveSchema = z
  .object({ status: z.literal('ok'), demo: z.boolean().describe('Models are scripted: nothing here was said by one') })
  .openapi('Alive');
const readySchema = z
  .object({ status: z.literal('ready'), residentRuns: z.int(), effectsInFlight: z.int() })
  .openapi('Ready');

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'healthz',
  summary: 'The process runs',
  tags: ['operations'],
  responses: { 200: answers('It does', aliveSchema) },
});
const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'readyz',
  summary: 'The database can be read and written, no commit fails and is tried again, and the server is not stopping',
  tags: ['operations'],
  responses: { 200: answers('Ready', readySchema) },
});

/** Routes for whoever watches the process; at the root. */
export function healthRoutes({ fermata: { runtime } }: Surroundings, demo: boolean) {
  return newRouter()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const, demo }, 200))
    .openapi(readyz, async (c) => {
      const { failingCommits } = runtime;
      if (failingCommits !== undefined)
        throw new FermataError(
          'storeUnavailable',
          `Commits have been failing for ${Math.round(failingCommits.forMs / 1_000)} seconds, and are tried again: ${failingCommits.error}`,
        );
      if (!(await runtime.healthy()))
        throw new FermataError(
          'storeUnavailable',
          'The database cannot be read and written now. Look at the disk and at the log.',
        );
      return c.json({ status: 'ready' as const, ...runtime.load }, 200);
    });
}
