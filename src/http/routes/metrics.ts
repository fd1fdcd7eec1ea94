/** What Prometheus reads. */
import { createRoute, z } from '@hono/zod-openapi';
import { FermataError } from '../../errors.ts';
import type { Metrics } from '../metrics/index.ts';
import { newRouter } from '../router.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'metrics',
  summary: 'How it goes, in the text format of Prometheus (0.0.4); also while the database cannot be written',
  tags: ['operations'],
  responses: { 200: { description: 'Every metric', content: { 'text/plain': { schema: z.string() } } } },
});

/** The route of metrics; at the root. */
export function metricsRoutes(metrics: Pick<Metrics, 'text' | 'contentType'> | undefined) {
  return newRouter().openapi(metricsRoute, async (c) => {
    if (metrics === undefined)
      throw new FermataError('notFound', 'No metrics are kept in this process. A server keeps them: fermata serve.');
    return c.text(await metrics.text(), 200, { 'content-type': metrics.contentType });
  });
}
