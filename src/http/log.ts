/** Structured logs: JSON lines with the ids that tie them together, and without secrets. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { HttpEnvironment } from './router.ts';

const REDACTED = '[redacted]';
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'setCookie',
  'apiKey',
  'api_key',
  'password',
  'secret',
  'token',
  'accessToken',
];
/** Shorter values would blank out half of the log. */
const SHORTEST_SECRET = 8;

/** Ids of what is being done: on every line that is logged meanwhile. */
const doing = new AsyncLocalStorage<{ readonly requestId: string }>();

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
export function createLogger({ level, destination, secrets = [] }: LoggerOptions): Logger {
  const known = secrets.filter((secret): secret is string => secret !== undefined && secret.length >= SHORTEST_SECRET);
  // A line is JSON: a secret with quotes in it stands there as JSON writes it.
  const written = known.map((secret) => JSON.stringify(secret).slice(1, -1));
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
    serializers: { error: stdSerializers.err },
    mixin: () => doing.getStore() ?? {},
    hooks: { streamWrite: (line: string) => written.reduce((text, secret) => text.replaceAll(secret, REDACTED), line) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** A logger as the runtime takes it: `compose({ log: toRuntimeLog(log) })`. */
export function toRuntimeLog(log: Logger): (message: string, fields: Readonly<Record<string, unknown>>) => void {
  return (message, fields) => ('error' in fields ? log.error(fields, message) : log.info(fields, message));
}

/** One line for each request, once it is answered. */
export function logRequests(log: Logger, clock: Clock): MiddlewareHandler<HttpEnvironment> {
  return (c, next) =>
    doing.run({ requestId: c.get('requestId') }, async () => {
      const begun = clock.now();
      await next();
      const runId = c.req.path.match(/\/runs\/([^/]+)/)?.[1];
      const line = {
        method: c.req.method,
        route: matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'none',
        status: c.res.status,
        ms: clock.now() - begun,
        ...(runId === undefined ? {} : { runId }),
      };
      if (c.error !== undefined && c.res.status >= 500) log.error({ ...line, error: c.error }, 'request failed');
      else log.info(line, 'request');
    });
}
