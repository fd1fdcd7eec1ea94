/** Structured logs: JSON lines with the ids that tie them together, and without secrets. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Logger } from './logger.ts';
import { redactor } from './redact.ts';
import type { HttpEnvironment } from './router.ts';

/**
 * The request that is being answered: its id is on every line that is logged meanwhile. What it has set going outlives it,
 * and is about it no longer.
 */
const doing = new AsyncLocalStorage<{ readonly requestId: string; answered: boolean }>();

/** How a logger is made. */
export interface LoggerOptions {
  /** trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
  /** Values that never appear, wherever they stand: API keys and the like. */
  readonly secrets?: readonly (string | undefined)[];
}

/**
 * The logger of the process.
 *
 * @example
 * const log = createLogger({ level: 'info', secrets: [process.env.OPENAI_API_KEY] })
 */
export function createLogger({ level, destination, secrets = [] }: LoggerOptions): PinoLogger {
  const { text, value } = redactor(secrets);
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => value(withPlainError(fields)) as Record<string, unknown>,
    },
    // A new object each time: pino writes the fields of the line into it.
    mixin: () => {
      const request = doing.getStore();
      return request === undefined || request.answered ? {} : { requestId: request.requestId };
    },
    // The message, and whatever else comes into a line.
    hooks: { streamWrite: text },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Errors keep their stack and their causes, which their own fields do not show. */
function withPlainError(fields: Record<string, unknown>): Record<string, unknown> {
  return fields['error'] instanceof Error ? { ...fields, error: stdSerializers.err(fields['error']) } : fields;
}

/** A logger as the runtime takes it: `compose({ log: toRuntimeLog(log) })`. */
export function toRuntimeLog(log: Logger): (message: string, fields: Readonly<Record<string, unknown>>) => void {
  return (message, fields) => ('error' in fields ? log.error(fields, message) : log.info(fields, message));
}

/** Calls `log` outside of any request: what is committed together was asked for by several. */
export function apartFromRequests(log: () => void): void {
  doing.exit(log);
}

/** One line for each request, once it is answered. */
export function logRequests(log: Logger, clock: Clock): MiddlewareHandler<HttpEnvironment> {
  return (c, next) => {
    const request = { requestId: c.get('requestId'), answered: false };
    return doing.run(request, async () => {
      const begun = clock.now();
      await next();
      const line = {
        method: c.req.method,
        route: routeOf(c),
        status: c.res.status,
        ms: clock.now() - begun,
        ...idsOf(c),
      };
      if (c.error !== undefined && c.res.status >= 500) log.error({ ...line, error: c.error }, 'request failed');
      else log.info(line, 'request');
      request.answered = true;
    });
  };
}

/** The pattern of the route that a request took: `/api/v1/runs/:id`, or `none`. */
export function routeOf(c: Context<HttpEnvironment>): string {
  return matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'none';
}

/** The run and the task that a request was about: its path names them, or its handler has found them. */
function idsOf(c: Context<HttpEnvironment>): { readonly runId?: string; readonly task?: string } {
  const runId = runOf(c);
  const task = segmentAfter(c.req.path, 'tasks');
  return { ...(runId === undefined ? {} : { runId }), ...(task === undefined ? {} : { task }) };
}

/** The run that a request is about; undefined where it is about none. */
export function runOf(c: Context<HttpEnvironment>): string | undefined {
  return c.get('runId') ?? segmentAfter(c.req.path, 'runs');
}

function segmentAfter(path: string, name: string): string | undefined {
  const segments = path.split('/');
  const found = segments[segments.indexOf(name) + 1];
  if (!segments.includes(name) || found === undefined || found === '') return undefined;
  try {
    return decodeURIComponent(found);
  } catch {
    // Not a URL's text; it is refused elsewhere, and logged as it came.
    return found;
  }
}
