/** What all routers have in common: their environment, what they stand on, and how faults of a request are told. */
import { OpenAPIHono, z, type Hook } from '@hono/zod-openapi';
import type { RequestIdVariables } from 'hono/request-id';
import type { Fermata } from '../compose.ts';
import { faultsMessage } from '../document/faults.ts';
import { issueFaults } from '../document/issues.ts';
import { didYouMean } from '../document/nearest.ts';
import { FermataError, type Fault } from '../errors.ts';
import type { Reads } from '../runtime/reads.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Logger } from './logger.ts';

/** What the middlewares leave for the handlers. */
export interface HttpEnvironment {
  Variables: RequestIdVariables & {
    /** The run that a request was about, where its path does not name it. */
    runId?: string;
  };
}

/** What the routes stand on. */
export interface Surroundings {
  readonly fermata: Fermata;
  readonly log: Logger;
  /** Aborted when the server begins to stop: streams end then. */
  readonly stopping: AbortSignal;
}

/** What views are made from: nothing of it moves a run. */
export interface Viewed extends Pick<Fermata, 'workflows' | 'costs' | 'etas' | 'cache'> {
  readonly runtime: Reads & Pick<Runtime, 'clock'>;
}

/** Faults of body, query, path and headers, all of them, each with its path: 400 `invalidRequest`. */
const refuseFaults: Hook<unknown, HttpEnvironment, string, unknown> = (result) => {
  if (result.success) return;
  const { target, error } = result;
  const { data } = result as { data?: unknown };
  const seen = target === 'query' ? withNumbers(data, error.issues) : data;
  const base = target === 'json' ? [] : [target === 'param' ? 'path' : target];
  const faults = error.issues.flatMap((issue): Fault[] => {
    if (issue.code !== 'unrecognized_keys') return issueFaults(issue, seen, base);
    const path = [...base, ...issue.path].join('.');
    return [
      {
        path: issue.keys.length === 1 ? [path, issue.keys[0]].filter(Boolean).join('.') : path,
        message: issue.message,
      },
    ];
  });
  throw new FermataError('invalidRequest', faultsMessage('The request', faults), { faults });
};

/** A query holds texts only; one that was read as a number is told as a number: `came a number (0)`, not its length. */
function withNumbers(data: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const numbers = issues.flatMap((issue) =>
    (issue.code === 'too_small' || issue.code === 'too_big') && issue.origin === 'number' ? issue.path.slice(0, 1) : [],
  );
  const texts = data as Readonly<Record<PropertyKey, unknown>>;
  return Object.assign({}, texts, ...numbers.map((name) => ({ [name]: Number(texts[name]) }))) as unknown;
}

/** An empty router. */
export function newRouter(): OpenAPIHono<HttpEnvironment> {
  return new OpenAPIHono<HttpEnvironment>({ defaultHook: refuseFaults });
}

/** Unknown fields that are told; an answer of 100,000 helps nobody. */
const MOST_TOLD = 50;

/** An object that refuses unknown fields and names the nearest known one. */
export function fields<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const keys = (issue as { keys?: readonly string[] }).keys ?? [];
      const told = keys
        .slice(0, MOST_TOLD)
        .map((key) => `unknown field ${JSON.stringify(key)}${didYouMean(key, Object.keys(shape))}`);
      const more = keys.length - told.length;
      return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    },
  });
}

/** A JSON answer of a route, for OpenAPI and for the types of the client. */
export function answers<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

/** A JSON body of a route. `required` unless every field of it may be left out. */
export function body<Schema extends z.ZodType, Required extends boolean>(schema: Schema, required: Required) {
  return { required, content: { 'application/json': { schema } } };
}
