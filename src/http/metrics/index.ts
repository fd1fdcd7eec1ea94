/**
 * What an operator watches: numbers for Prometheus, `GET /metrics`. This folder looks and listens: the runtime, the machines and
 * the actors know nothing of it, and a program that opens no server does not load it.
 *
 * Three sources, none of which is code in a turn: facts as they are published, calls and commits from around them, and what is
 * read when somebody asks.
 */
import type { MiddlewareHandler } from 'hono';
import { systemClock, systemLoop, type Clock, type EventLoop } from '../../clock.ts';
import type { AroundEffect } from '../../runtime/effect.ts';
import type { FactListener } from '../../runtime/facts.ts';
import type { Store } from '../../store/store.ts';
import type { HttpEnvironment } from '../router.ts';
import { measured } from './commits.ts';
import { watchEventLoop } from './event-loop.ts';
import { factCounter } from './facts.ts';
import { CONTENT_TYPE, Instruments } from './instruments.ts';
import { modelMetrics } from './model-calls.ts';
import { ModelNames } from './model-names.ts';
import { processMetrics } from './process.ts';
import { measureRequests } from './requests.ts';
import { standingMetrics, type Watched } from './standing.ts';

/** How they are kept. */
export interface MetricsOptions {
  /** Models are scripted; the metrics say so. Default false. */
  readonly demo?: boolean;
  readonly clock?: Clock;
  readonly loop?: Pick<EventLoop, 'elapsed'>;
}

/** The metrics of one app. */
export interface Metrics {
  /** The same store, whose commits are measured: the one to give to `compose`. */
  measured(store: Store): Store;
  /** Stands around every call: what to give to `compose`. */
  readonly around: AroundEffect;
  /** Listens to a runtime from now on; told when it is `opened`, it misses nothing. */
  watch(runtime: Watched & { subscribe(run: undefined, listener: FactListener['fact']): () => void }): void;
  /** Counts requests. */
  readonly requests: MiddlewareHandler<HttpEnvironment>;
  /** All of them as Prometheus reads them, and what type of text that is. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Hears and measures nothing more. */
  close(): void;
}

/**
 * Begins to keep metrics, at zero.
 *
 * @example
 * const metrics = openMetrics();
 * const fermata = await compose({ store: metrics.measured(store), around: metrics.around, opened: (runtime) => metrics.watch(runtime) });
 * const app = createApp({ fermata, log, metrics });
 */
export function openMetrics({ demo = false, clock = systemClock, loop = systemLoop }: MetricsOptions = {}): Metrics {
  const instruments = new Instruments();
  const readProcess = processMetrics(instruments, { clock, demo });
  const readStanding = standingMetrics(instruments, loop);
  const models = modelMetrics(instruments, { names: new ModelNames(), loop });
  const count = factCounter(instruments, (row) => models.count(row));
  const delays = watchEventLoop(instruments, { clock, loop });
  const endings = [() => delays.end(), () => instruments.clear()];
  let watched: Watched | undefined;
  return {
    measured: (store) => measured(store, instruments, { clock, loop }),
    around: models.around,
    watch(runtime) {
      watched = runtime;
      endings.push(runtime.subscribe(undefined, count));
    },
    requests: measureRequests(instruments, loop),
    async text() {
      delays.begin();
      readProcess();
      if (watched !== undefined) await readStanding(watched);
      return instruments.text();
    },
    contentType: CONTENT_TYPE,
    close() {
      for (const end of endings.splice(0)) end();
    },
  };
}
