/** The HTTP API: what every request passes, and the routers behind it. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { methodNotAllowed as findMethods } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import type { Fermata } from '../compose.ts';
import { FermataError } from '../errors.ts';
import { unlessDeleted } from './deleted.ts';
import { allowHosts, LOOPBACK_HOSTS } from './host.ts';
import { logRequests } from './log.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics/index.ts';
import { methodNotAllowed, onError, onNotFound } from './problem.ts';
import { refuseStrayQueries } from './query.ts';
import { checkTexts, limitBody } from './request-body.ts';
import type { HttpEnvironment, Surroundings } from './router.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { docsRoutes } from './routes/docs.ts';
import { budgetRoutes } from './routes/budgets.ts';
import { cacheRoutes } from './routes/cache.ts';
import { costRoutes } from './routes/costs.ts';
import { estimateRoutes } from './routes/estimates.ts';
import { executionRoutes } from './routes/executions.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectingRoutes } from './routes/inspecting.ts';
import { forkRoutes } from './routes/forks.ts';
import { laterRoutes } from './routes/later.ts';
import { manyRunsRoutes } from './routes/many-runs.ts';
import { machineRoutes } from './routes/machines.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { planExecuteRoutes } from './routes/plan-execute.ts';
import { runRoutes } from './routes/runs.ts';
import { sharedValueRoutes } from './routes/shared-values.ts';
import { steeringRoutes } from './routes/steering.ts';
import { streamRoutes } from './routes/streams.ts';
import { taskRoutes } from './routes/tasks.ts';
import { workflowRoutes } from './routes/workflows.ts';

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** What an app is made of. */
export interface AppOptions {
  readonly fermata: Fermata;
  readonly log: Logger;
  /** Models are scripted: every answer says so in `X-Fermata-Demo`. Default false. */
  readonly demo?: boolean;
  /** Default 32 MB. */
  readonly maxBodyBytes?: number;
  /** Names under which the server may be called, with any port; default: those of this machine. `any`: no check. */
  readonly hosts?: readonly string[] | 'any';
  /** What `/metrics` tells, and what requests are counted by. Default: none are kept. */
  readonly metrics?: Pick<Metrics, 'requests' | 'text' | 'contentType'>;
  /** Aborted when the server begins to stop: streams end, new requests are refused. Default: never. */
  readonly stopping?: AbortSignal;
}

/**
 * The API as a Hono app, without a socket: `serve` gives it one, tests call `app.request`.
 *
 * @example
 * const app = createApp({ fermata: await compose({ store: sqliteStore('./fermata.db') }), log: createLogger({ level: 'info' }) })
 * await app.request('/api/v1/runs')
 */
export function createApp(options: AppOptions): OpenAPIHono<HttpEnvironment> {
  const {
    fermata,
    log,
    demo = false,
    maxBodyBytes = MAX_BODY_BYTES,
    hosts = LOOPBACK_HOSTS,
    metrics,
    stopping = new AbortController().signal,
  } = options;
  const surroundings: Surroundings = { fermata, log, stopping };
  const app = new OpenAPIHono<HttpEnvironment>();
  app.onError(async (thrown, c) => onError(await unlessDeleted(thrown, c, fermata.runtime), c));
  app.notFound(onNotFound);
  app.use(requestId());
  app.use(logRequests(log, fermata.runtime.clock));
  if (metrics !== undefined) app.use(metrics.requests);
  app.use(secureHeaders());
  if (hosts !== 'any') app.use(allowHosts(hosts));
  if (demo) app.use(sayDemo);
  app.use(findMethods({ app, onMethodNotAllowed: methodNotAllowed }));
  app.use(refuseWhenStopping(stopping));
  app.use(limitBody(maxBodyBytes));
  app.use(checkTexts);
  app.use(refuseStrayQueries(() => app));
  app.route('/', healthRoutes(surroundings, demo));
  app.route('/', metricsRoutes(metrics));
  app.route(
    '/',
    docsRoutes(() => app),
  );
  for (const routes of [
    laterRoutes(),
    workflowRoutes(surroundings),
    executionRoutes(surroundings),
    estimateRoutes(surroundings),
    planExecuteRoutes(surroundings),
    forkRoutes(surroundings),
    manyRunsRoutes(surroundings),
    runRoutes(surroundings),
    sharedValueRoutes(surroundings),
    inspectingRoutes(surroundings),
    steeringRoutes(surroundings),
    streamRoutes(surroundings),
    taskRoutes(surroundings),
    machineRoutes(surroundings),
    approvalRoutes(surroundings),
    budgetRoutes(surroundings),
    costRoutes(surroundings),
    cacheRoutes(surroundings),
  ]) {
    app.route('/api/v1', routes);
  }
  return app;
}

const sayDemo: MiddlewareHandler<HttpEnvironment> = async (c, next) => {
  await next();
  c.header('X-Fermata-Demo', 'scripted answers');
};

/** Liveness is still answered: whoever asks for it would kill the process in the middle of its stop. */
function refuseWhenStopping(stopping: AbortSignal): MiddlewareHandler<HttpEnvironment> {
  return async (c, next) => {
    if (stopping.aborted && c.req.path !== '/healthz')
      throw new FermataError(
        'shuttingDown',
        'The server is stopping and takes no more requests. Ask again when it is back.',
        { retryAfterMs: 1_000 },
      );
    await next();
  };
}
