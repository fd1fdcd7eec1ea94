/** Routes that later versions bring: refused by name, so that nobody takes them for a wrong address. */
import type { Context } from 'hono';
import { FermataError } from '../../errors.ts';
import { newRouter } from '../router.ts';

const LATER: readonly (readonly [method: 'GET' | 'POST', path: string])[] = [
  ['POST', '/runs/:id/tasks/:task/ratings'],
  ['POST', '/runs/import'],
  ['GET', '/breakers'],
  ['GET', '/limits'],
  ['GET', '/experiments'],
  ['GET', '/stats'],
  ['GET', '/templates'],
  ['GET', '/templates/:name'],
  ['POST', '/templates/:name/instantiate'],
];

/** Routes that answer 422 `notSupported`. */
export function laterRoutes() {
  const router = newRouter();
  for (const [method, path] of LATER) router.on(method, path, refuse);
  return router;
}

function refuse(c: Context): never {
  throw new FermataError(
    'notSupported',
    `${c.req.method} ${c.req.path} is not supported yet: a later version brings it. GET /openapi.json lists what there is.`,
  );
}
