/**
 * Fermata as a program: store, runtime, HTTP app, logs, and where they are asked for the scripted models and the
 * inspector's bridge, put together. The command line stands on this file; `compose.ts` is what it stands on.
 */
import { randomBytes } from 'node:crypto';
import type { WebSocketServerLike } from '@hono/node-server';
import { checkConfig } from './check-config.ts';
import { SCRIPTED_TAG } from './cli/demo/script.ts';
import { compose, secretsOf, type Fermata, type FermataOptions } from './compose.ts';
import type { FermataConfig } from './config.ts';
import { createApp } from './http/app.ts';
import { createLogger, toRuntimeLog } from './http/log.ts';
import type { Metrics } from './http/metrics/index.ts';
import { logRuns } from './http/run-log.ts';
import { serve } from './http/server.ts';
import { FermataError } from './errors.ts';
import { sqliteStore } from './store/sqlite/index.ts';

/** What a program is made of. */
export interface ProgramSettings {
  /** Path of the database file, or `:memory:` for one that ends with the process. */
  readonly database: string;
  readonly config: FermataConfig;
  /** Where keys and base URLs are read from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `silent` for none. */
  readonly logLevel: string;
  /** Where logs go; default: standard output of a server, standard error of a program without a socket. */
  readonly logTo?: NodeJS.WritableStream;
  /** Models are scripted and no provider is ever asked. */
  readonly demo: boolean;
  /** Tokens a second of scripted models; default 0: as fast as it goes. */
  readonly demoPace?: number;
  /** Answers and takes commands, but does no work. */
  readonly passive?: boolean;
  /** For one document, looked at by itself: the workflows that it names need not be there. */
  readonly alone?: boolean;
}

/** A program without a socket: its API is a function. */
export interface Program {
  readonly fermata: Fermata;
  /** The HTTP API, called as `fetch` is. */
  readonly fetch: typeof fetch;
  /** Unfinished runs go on at the next start. */
  stop(): Promise<void>;
}

/** How a server listens. */
export interface ServerSettings extends ProgramSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Listen on any address although there is no authentication. */
  readonly insecure: boolean;
  /** Show runs in the Stately Inspector. */
  readonly stately: boolean;
  /** Address of the inspector's user interface; default `https://stately.ai/inspect`. */
  readonly statelyUrl?: string;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly fermata: Fermata;
  /** The page with the Stately Inspector, where it was asked for. */
  readonly inspectorUrl: string | undefined;
  /** Ends requests and streams; unfinished runs go on at the next start. */
  stop(): Promise<void>;
}

/** What `createApp` and `serve` stand on. */
interface Foundation {
  readonly fermata: Fermata;
  readonly log: ReturnType<typeof createLogger>;
  /** What was started beside, to be stopped after Fermata. */
  stopBeside(): Promise<void>;
}

/**
 * Puts Fermata together in this process, without a socket.
 *
 * @throws FermataError as `compose` does: `databaseInUse`, `databaseNewer`, `invalidMachine`, …
 * @example
 * const program = await composeProgram({ database: './fermata.db', config: {}, environment: process.env, logLevel: 'silent', demo: false })
 * const client = createClient({ baseUrl: EMBEDDED_URL, fetch: program.fetch })
 */
export async function composeProgram(settings: ProgramSettings): Promise<Program> {
  // Standard output is the result's.
  const { fermata, log, stopBeside } = await lay(settings, settings.logTo ?? process.stderr);
  const stopping = new AbortController();
  const app = createApp({ fermata, log, demo: settings.demo, stopping: stopping.signal });
  return {
    fermata,
    fetch: async (input, init) => app.fetch(new Request(input, init)),
    async stop() {
      stopping.abort();
      await fermata.close();
      await stopBeside();
    },
  };
}

export { EMBEDDED_URL } from './embedded-api.ts';

/**
 * Puts Fermata together and listens.
 *
 * @throws FermataError as `compose` and `serve` do, and `invalidConfig` for a database that is not a file
 * @example
 * const server = await composeServer({ ...settings, host: '127.0.0.1', port: 0, insecure: false, stately: false })
 */
export async function composeServer(settings: ServerSettings): Promise<RunningServer> {
  if (settings.database === ':memory:') {
    throw new FermataError(
      'invalidConfig',
      'A server keeps its runs in a file: set FERMATA_DB (or --db) to a path instead of ":memory:".',
    );
  }
  const metrics = await keepMetrics(settings);
  const { fermata, log, stopBeside } = await lay(settings, settings.logTo, metrics).catch((thrown: unknown) => {
    metrics.close();
    throw thrown;
  });
  try {
    const watching = settings.stately ? await bridgeTo(fermata, settings) : undefined;
    const bridge = watching?.bridge;
    const { host, port, insecure, demo } = settings;
    const serving = await serve({
      fermata,
      log,
      host,
      port,
      insecure,
      demo,
      metrics,
      ...(watching === undefined
        ? {}
        : { extend: (app) => void app.route('/', watching.bridge.routes), webSockets: watching.webSockets }),
    });
    return {
      url: serving.url,
      fermata,
      inspectorUrl: bridge?.link(serving.url),
      async stop() {
        bridge?.close();
        try {
          await serving.close();
        } finally {
          // Its look at the event loop would keep the process alive.
          metrics.close();
          await stopBeside();
        }
      },
    };
  } catch (thrown) {
    metrics.close();
    await fermata.close();
    await stopBeside();
    throw thrown;
  }
}

/** Loaded on demand only: a program without a socket is read by no Prometheus. */
async function keepMetrics({ demo }: ProgramSettings): Promise<Metrics> {
  const { openMetrics } = await import('./http/metrics/index.ts');
  return openMetrics({ demo });
}

async function lay(
  settings: ProgramSettings,
  destination?: NodeJS.WritableStream,
  metrics?: Metrics,
): Promise<Foundation> {
  const { database, demo, passive = false, alone = false } = settings;
  // Before a demo replaces what is wrong in it.
  checkConfig(settings.config);
  const models = demo ? await startScriptedModels(settings.demoPace ?? 0) : undefined;
  const tags = models === undefined ? [] : [models.tag];
  const config = models === undefined ? settings.config : withScriptedModels(settings.config, models.baseUrl);
  const environment = demo ? {} : settings.environment;
  const log = createLogger({
    level: settings.logLevel,
    secrets: secretsOf(settings.config, settings.environment),
    ...(destination === undefined ? {} : { destination }),
  });
  const options: FermataOptions = {
    store: metrics?.measured(sqliteStore(database)) ?? sqliteStore(database),
    ...(metrics === undefined ? {} : { around: metrics.around }),
    config,
    environment,
    log: toRuntimeLog(log),
    passive,
    alone,
    tags,
    // What a script says must never serve a run that pays for answers.
    answersApart: (ofRun) => (isScripted(ofRun) ? SCRIPTED_TAG : undefined),
    withheldFrom: demo ? unscriptedRun : scriptedRun,
  };
  try {
    const fermata = await compose({
      ...options,
      opened(runtime) {
        logRuns(runtime, log);
        metrics?.watch(runtime);
      },
    });
    return { fermata, log, stopBeside: async () => models?.stop() };
  } catch (thrown) {
    await models?.stop();
    throw thrown;
  }
}

/** True of runs that began with `--demo`. */
function isScripted(tags: readonly string[]): boolean {
  return tags.includes(SCRIPTED_TAG);
}

/** Nobody expects to pay for a run that began with `--demo`, and half of its answers would be none. */
function scriptedRun(tags: readonly string[]): FermataError | undefined {
  if (!isScripted(tags)) return undefined;
  return new FermataError(
    'scriptedRun',
    'It began with --demo, and this process asks real models: nothing is asked of them for it. What it would ask waits for a process with --demo; to have real answers, cancel it and start it anew.',
  );
}

/** A run whose answers are paid for would go on with the script's words, and end as if they were true. */
function unscriptedRun(tags: readonly string[]): FermataError | undefined {
  if (isScripted(tags)) return undefined;
  return new FermataError(
    'unscriptedRun',
    'It began without --demo, and answers of models are scripted in this process: it is given none. What it would ask waits for a process without --demo; to have scripted answers, start it anew.',
  );
}

/** Loaded on demand only: a server that asks real models does not need it. */
async function startScriptedModels(tokensPerSecond: number) {
  const { startModelServer } = await import('./cli/demo/model-server.ts');
  const { paceOf } = await import('./cli/demo/script.ts');
  return { ...(await startModelServer(paceOf(tokensPerSecond))), tag: SCRIPTED_TAG };
}

/** Every provider that documents may name answers from the script: in a demo nothing is paid for by mistake. */
function withScriptedModels(config: FermataConfig, baseUrl: string): FermataConfig {
  const names = ['openai', ...Object.keys(config.providers ?? {})];
  return {
    ...config,
    providers: Object.fromEntries(names.map((name) => [name, { apiKey: 'demo-has-no-key', baseUrl }])),
  };
}

/** Viewers of a run say nothing, and one whose other side is gone must not hold up the stop of the server. */
const WEB_SOCKETS = { noServer: true, maxPayload: 1_024, closeTimeout: 2_000 } as const;

/** The bridge to the inspector, and what takes its WebSockets. Loaded on demand only. */
async function bridgeTo(fermata: Fermata, { config, environment, statelyUrl }: ServerSettings) {
  const [{ statelyBridge }, { WebSocketServer }] = await Promise.all([import('../inspector/bridge.ts'), import('ws')]);
  const bridge = statelyBridge({
    runtime: fermata.runtime,
    token: randomBytes(32).toString('base64url'),
    secrets: secretsOf(config, environment),
    ...(statelyUrl === undefined ? {} : { url: statelyUrl }),
  });
  return { bridge, webSockets: new WebSocketServer(WEB_SOCKETS) as WebSocketServerLike };
}
