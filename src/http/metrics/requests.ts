/**
 * Requests, by the pattern of their route. Not `@hono/prometheus`: its route is that of whichever middleware ran last, its methods
 * are whatever a client writes, and it brings the client library along for every program that loads the app.
 */
import type { MiddlewareHandler } from 'hono';
import type { EventLoop } from '../../clock.ts';
import { routeOf } from '../log.ts';
import type { HttpEnvironment } from '../router.ts';
import type { Instruments } from './instruments.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and measures requests. */
export function measureRequests(
  instruments: Instruments,
  loop: Pick<EventLoop, 'elapsed'>,
): MiddlewareHandler<HttpEnvironment> {
  const requests = instruments.counter('fermata_http_requests_total');
  const durations = instruments.histogram('fermata_http_request_duration_seconds');
  return async (c, next) => {
    const begun = loop.elapsed();
    await next();
    const labels = { method: METHODS.has(c.req.method) ? c.req.method : 'other', route: routeOf(c) };
    requests.inc({ ...labels, status: c.res.status });
    durations.observe(labels, (loop.elapsed() - begun) / 1_000);
  };
}
