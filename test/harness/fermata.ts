/**
 * A whole Fermata for a test: composed on a SQLite file of its own, with the scripted model server, behind the HTTP app.
 * Closing it fails the test that leaves a run in memory, a call in flight or a timer armed.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { startModelServer, type ModelServer, type ScriptLine } from '../../src/cli/demo/model-server.ts';
import { createClient, type FermataClient } from '../../src/client/index.ts';
import type { Clock } from '../../src/clock.ts';
import { compose, type Fermata } from '../../src/compose.ts';
import type { PriceBook } from '../../src/cost/price-book.ts';
import type { FermataConfig } from '../../src/config.ts';
import { createApp, type AppOptions } from '../../src/http/app.ts';
import { createLogger } from '../../src/http/log.ts';
import type { Metrics } from '../../src/http/metrics/index.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { folderInMemory, layDatabase } from './database.ts';

/** How it is made. */
export interface HarnessOptions extends Partial<Omit<AppOptions, 'fermata' | 'metrics'>> {
  /** As `fermata serve` keeps them. Default: none. */
  readonly metrics?: Metrics;
  /** What the model says; default: the answers of the demo. */
  readonly script?: readonly ScriptLine[];
  readonly config?: FermataConfig;
  readonly clock?: Clock;
  /** What models cost; default: the built-in prices. */
  readonly prices?: PriceBook;
  /** Calls in flight at once. */
  readonly maxInFlight?: number;
  /** Default: a file of its own. */
  readonly database?: string;
  /** Runs that may stay in memory at the end (a call that hangs on purpose). Default false. */
  readonly mayLeaveWork?: boolean;
}

/** What a test gets. */
export interface Harness {
  readonly fermata: Fermata;
  readonly app: ReturnType<typeof createApp>;
  readonly client: FermataClient;
  readonly models: ModelServer;
  readonly database: string;
  /** Calls the app: a value is sent as JSON; the answer's JSON is parsed. Paths begin behind `/api/v1`. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Closes it before the test ends, for tests of what comes after. */
  close(): Promise<void>;
}

/** An answer of the app. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies of every shape
  readonly body: any;
}

/**
 * Opens one; it closes itself when the test has finished.
 *
 * @example
 * const { call } = await openFermata({ script: [{ prompt: '', answers: [{ text: 'hi' }] }] })
 */
export async function openFermata(options: HarnessOptions = {}): Promise<Harness> {
  const { script, config, clock, prices, mayLeaveWork = false, database, maxInFlight, metrics, ...app } = options;
  const folder = folderInMemory();
  const file = database ?? join(folder, 'test.db');
  if (database === undefined) await layDatabase(file);
  const models = await startModelServer(script === undefined ? {} : { script });
  const environment = { OPENAI_API_KEY: 'sk-test-not-a-key', OPENAI_BASE_URL: models.baseUrl };
  const fermata = await compose({
    store: metrics?.measured(sqliteStore(file)) ?? sqliteStore(file),
    ...(metrics === undefined ? {} : { around: metrics.around, opened: (runtime) => metrics.watch(runtime) }),
    environment,
    ...(config === undefined ? {} : { config }),
    ...(clock === undefined ? {} : { clock }),
    ...(prices === undefined ? {} : { prices }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
  });
  const http = createApp({
    log: createLogger({ level: 'silent' }),
    ...app,
    ...(metrics === undefined ? {} : { metrics }),
    fermata,
  });

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await fermata.runtime.idle();
    const { load } = fermata.runtime;
    await fermata.close();
    await models.stop();
    if (!mayLeaveWork)
      expect(load, 'left in memory when the test ended').toEqual({ residentRuns: 0, effectsInFlight: 0 });
  };
  const closeOnce = (): Promise<void> => (closed ??= close());
  onTestFinished(async () => {
    try {
      await closeOnce();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  return {
    fermata,
    app: http,
    client: createClient({ baseUrl: 'http://localhost', fetch: async (input, init) => http.request(input, init) }),
    models,
    database: file,
    async call(method, path, body, headers = {}) {
      const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const response = await http.request(
        /^\/(?:openapi|docs|healthz|readyz|metrics)/.test(path) ? path : `/api/v1${path}`,
        {
          method,
          headers: { ...type, ...headers },
          ...init,
        },
      );
      const text = await response.text();
      const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        body: isJson ? (JSON.parse(text) as unknown) : text,
      };
    },
    close: closeOnce,
  };
}
