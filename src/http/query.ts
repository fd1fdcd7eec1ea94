/** Queries of routes that take none: refused like unknown fields everywhere else, instead of ignored. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { faultsMessage } from '../document/faults.ts';
import { FermataError } from '../errors.ts';
import type { HttpEnvironment } from './router.ts';

/** Refuses a query where the described route takes none. `api` is asked for its description when all its routes are there. */
export function refuseStrayQueries(api: () => OpenAPIHono<HttpEnvironment>): MiddlewareHandler<HttpEnvironment> {
  let without: ReadonlySet<string> | undefined;
  return async (c, next) => {
    // Whoever probes /healthz may add what keeps caches away: a refusal would end the process.
    if (c.req.url.includes('?') && c.req.path.startsWith('/api/')) {
      without ??= routesWithoutQuery(api());
      const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL');
      if (route !== undefined && without.has(`${route.method} ${route.path}`)) refuse(Object.keys(c.req.queries()));
    }
    await next();
  };
}

function routesWithoutQuery(api: OpenAPIHono<HttpEnvironment>): ReadonlySet<string> {
  const described = api.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === 'route' && definition.route.request?.query === undefined ? [definition.route] : [],
  );
  return new Set(
    described.map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{([^}]+)\}/g, ':$1')}`),
  );
}

function refuse(names: readonly string[]): void {
  if (names.length === 0) return;
  const faults = names.map((name) => ({
    path: `query.${name}`,
    message: `unknown field ${JSON.stringify(name)}: this route takes no query`,
  }));
  throw new FermataError('invalidRequest', faultsMessage('The request', faults), { faults });
}
