/**
 * A client of the API on the other end of a network that loses replies and doubles requests. It does what clients
 * should do: it asks again, with the same key, until it is told.
 */
import { createApp } from '../http/app.ts';
import { createLogger } from '../http/log.ts';
import type { Fermata } from '../compose.ts';
import { FermataError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { Probabilities } from './faults.ts';
import type { Lives } from './lives.ts';
import type { Observation } from './observation.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** What a client needs of its world. */
export interface ClientOptions {
  readonly lives: Lives;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly probabilities: () => Probabilities;
  observe(observation: Observation): void;
}

/** A request of the API; paths begin behind `/api/v1`. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Sent as `Idempotency-Key`. */
  readonly key?: string;
}

/** An answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  /** An earlier reply to the same request was lost: it may have been taken then. */
  readonly again: boolean;
}

const LONGEST_WAIT_MS = 2_000;

/** Calls the HTTP app of whichever process is alive. */
export class Client {
  readonly #options: ClientOptions;
  readonly #app: ReturnType<typeof createApp>;

  /** The process must have started. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#app = createApp({ fermata: facadeOf(options.lives), log: createLogger({ level: 'silent' }) });
  }

  /** Asks until it is told. Throws what a process cannot start with. */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    const { lives, timeline, random, probabilities, observe } = this.#options;
    const { method, path, body, key } = request;
    const seen = { request: `${method} ${path}`, body, key };
    if (method !== 'GET') observe({ kind: 'request', ...seen });
    for (let again = false; ; again = true) {
      const { process } = await lives.whenUp();
      const { lostReplies, doubledRequests } = probabilities();
      if (random.chance(doubledRequests)) void this.#send(request).catch(() => {});
      const isLost = random.chance(lostReplies);
      const answer = await Promise.race([this.#send(request), process.died.then(() => undefined)]);
      if (answer !== undefined && !isLost && !mayBeBetterLater(answer)) {
        if (method !== 'GET') observe({ kind: 'reply', ...seen, status: answer.status, answer: shown(answer) });
        return { ...answer, again };
      }
      await new Promise<void>((resolve) => timeline.after(random.between(1, LONGEST_WAIT_MS), resolve));
    }
  }

  async #send({ method, path, body, key }: ApiRequest): Promise<Omit<ApiAnswer, 'again'>> {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await this.#app.request(`/api/v1${path}`, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }
}

/** `application/problem+json`: what an error has besides stands beside the fixed fields. */
interface Problem extends Readonly<Record<string, unknown>> {
  readonly code?: string;
  readonly detail?: string;
}

/** What an answer that is an error says, as the error it was. */
export function errorOf({ status, body }: ApiAnswer): FermataError {
  const { code, detail, type: _, title: __, status: ___, requestId: ____, ...data } = (body ?? {}) as Problem;
  const known = code !== undefined && code in ERROR_CODES ? (code as ErrorCode) : 'internal';
  return new FermataError(known, detail ?? `The API answered ${status}.`, { data });
}

function mayBeBetterLater({ status }: Omit<ApiAnswer, 'again'>): boolean {
  return status === 503;
}

/** Ids of requests are made of chance that is none of ours. */
function shown({ status, body }: Omit<ApiAnswer, 'again'>): unknown {
  return status < 400 ? body : { code: (body as { readonly code?: unknown } | undefined)?.code };
}

/** Whichever process is alive, behind one app: to make an app takes longer than to simulate a run. */
function facadeOf(lives: Lives): Fermata {
  const current = (): Fermata => {
    if (lives.up !== undefined) return lives.up.fermata;
    throw new FermataError('shuttingDown', 'No process is alive. Ask again when one is.', { retryAfterMs: 1_000 });
  };
  const part = <T extends object>(of: () => T): T =>
    new Proxy({} as T, {
      get: (_, name) => {
        const target = of();
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  return {
    runtime: part(() => current().runtime),
    workflows: part(() => current().workflows),
    api: part(() => current().api),
    costs: part(() => current().costs),
    estimates: part(() => current().estimates),
    foresee: (definition, input, budget) => current().foresee(definition, input, budget),
    budgetFor: (asked) => current().budgetFor(asked),
    budgets: part(() => current().budgets),
    etas: part(() => current().etas),
    cache: part(() => current().cache),
    start: (workflow, request) => current().start(workflow, request),
    assertRunnable: (definition, config) => current().assertRunnable(definition, config),
    assertPriced: (definition) => current().assertPriced(definition),
    workflowRows: (filter) => current().workflowRows(filter),
    close: () => current().close(),
  };
}
