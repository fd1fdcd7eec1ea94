/** Every error as `application/problem+json` (RFC 9457), whatever threw it. */
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from '@hono/zod-openapi';
import { ERROR_CODES, FermataError } from '../errors.ts';
import type { HttpEnvironment } from './router.ts';

/** What every error looks like. `code` is stable; `data` of the error (what is legal instead, …) stands beside it. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERROR_CODES)),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

const OWN_MEMBERS: ReadonlySet<string> = new Set(['type', 'title', 'status', 'detail', 'code', 'requestId', 'errors']);
const DEFAULT_RETRY_MS = 1_000;

/** The answer to a request that failed. */
export function problem(c: Context<HttpEnvironment>, error: FermataError): Response {
  const { title, status, retry } = ERROR_CODES[error.code];
  const beside = Object.entries(error.data ?? {}).filter(([name]) => !OWN_MEMBERS.has(name));
  const body = {
    type: `urn:fermata:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    requestId: c.get('requestId'),
    ...(error.faults === undefined ? {} : { errors: error.faults }),
    ...Object.fromEntries(beside),
  };
  if (status === 503 && retry !== 'never') {
    c.header('Retry-After', String(Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_MS) / 1_000)));
  }
  return c.body(JSON.stringify(body), status as ContentfulStatusCode, { 'content-type': 'application/problem+json' });
}

/** Hono's `onError`. What is not ours is `internal`, and its message stays in the log. */
export const onError: ErrorHandler<HttpEnvironment> = async (thrown, c) => {
  if (thrown instanceof FermataError) return problem(c, thrown);
  if (thrown instanceof HTTPException && thrown.status === 400) return problem(c, await malformedJson(c));
  if (thrown instanceof HTTPException && thrown.status === 415) return problem(c, wrongContentType(c));
  return problem(
    c,
    new FermataError(
      'internal',
      'Something failed that is not your fault. The log has the cause under this requestId.',
      { cause: thrown },
    ),
  );
};

/** Hono's `notFound`. */
export const onNotFound: NotFoundHandler<HttpEnvironment> = (c) =>
  problem(
    c,
    new FermataError(
      'routeNotFound',
      `There is no route ${c.req.method} ${c.req.path}. GET /openapi.json lists all of them, /docs shows them.`,
    ),
  );

/** The path is known, the method is not. */
export function methodNotAllowed(c: Context<HttpEnvironment>, methods: readonly string[]): Response {
  c.header('Allow', methods.join(', '));
  return problem(
    c,
    new FermataError(
      'methodNotAllowed',
      `${c.req.path} does not take ${c.req.method}. It takes: ${methods.join(', ')}.`,
    ),
  );
}

/** The validator says only that the body is not JSON; parsing again says where. */
async function malformedJson(c: Context): Promise<FermataError> {
  try {
    JSON.parse(await c.req.text());
  } catch (thrown) {
    return new FermataError(
      'malformedJson',
      `The body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}.`,
    );
  }
  return new FermataError('malformedJson', 'The body is not JSON.');
}

/** Throwable form of 415. */
export function wrongContentType(c: Context, accepted = 'application/json'): FermataError {
  const came = c.req.header('content-type');
  return new FermataError(
    'unsupportedMediaType',
    `The body needs Content-Type ${accepted}, came ${came === undefined ? 'none' : JSON.stringify(came)}.`,
  );
}
