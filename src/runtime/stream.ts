/**
 * A run's facts as they come, from any point of its journal on, with the text that models are streaming in between.
 *
 * N1. Facts are read from the journal, and what is published is only a hint to look: nothing is missed, nothing comes
 *     twice, and a slow reader costs no memory.
 * N2. Deltas are lossy. A reader that falls behind gets the text anew from offset 0.
 */
import type { FeedEntry, JournalEntry, RunKey, Store } from '../store/store.ts';
import type { Delta, Fact, FactFeed } from './facts.ts';

const PAGE = 500;
const MAX_DELTAS = 1_000;

/** What a stream yields. */
export type StreamItem = { readonly fact: Fact } | { readonly delta: Delta };

/** What a stream is made from. */
export interface StreamSource {
  readonly store: Pick<Store, 'journal' | 'feed' | 'run' | 'entryOfFact'>;
  readonly feed: FactFeed;
  streamed(run: string): readonly Delta[];
  decode(text: string): Promise<unknown>;
}

/** Where a stream begins, and when it stops. */
export interface StreamOptions {
  /** Number of the fact (or, over all runs, position) after which to begin; default: the beginning. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** True once nothing more can come: the run has ended. */
  ended?(): Promise<boolean>;
  readonly deltas?: boolean;
}

/** Facts (and deltas) of one run. Ends after the run's last fact, or when the signal says so. */
export async function* streamRun(
  key: RunKey,
  source: StreamSource,
  options: StreamOptions,
): AsyncGenerator<StreamItem, void> {
  let after = await entryOf(key, options.after ?? 0, source.store);
  const listening = listen(source.feed, key.run, options);
  if (options.deltas !== false) listening.deltas.push(...source.streamed(key.run));
  try {
    while (options.signal?.aborted !== true) {
      listening.heard = false;
      // Asked before reading: facts committed in between are then read below.
      const ended = (await options.ended?.()) === true;
      for (;;) {
        const page = await source.store.journal(key, { after, limit: PAGE, kind: 'fact' });
        for (const entry of page) {
          if (options.signal?.aborted) return;
          after = entry.seq;
          yield { fact: await toFact({ ...key, ...entry }, source) };
        }
        if (page.length < PAGE) break;
      }
      if (ended) return;
      yield* listening.take(() => source.streamed(key.run));
      await listening.next();
    }
  } catch (thrown) {
    // Cut off in the middle of a read: the runtime has closed.
    if (options.signal?.aborted !== true) throw thrown;
  } finally {
    listening.stop();
  }
}

/** Facts of all runs of a tenant, in commit order, until the signal says so. */
export async function* streamAll(
  tenant: string,
  source: StreamSource,
  options: StreamOptions,
): AsyncGenerator<StreamItem, void> {
  let after = options.after ?? 0;
  const listening = listen(source.feed, undefined, options);
  try {
    while (options.signal?.aborted !== true) {
      listening.heard = false;
      for (;;) {
        const page = await source.store.feed(tenant, after, PAGE);
        for (const entry of page) {
          if (options.signal?.aborted) return;
          after = entry.position;
          yield { fact: await toFact(entry, source) };
        }
        if (page.length < PAGE) break;
      }
      yield* listening.take(() => [], tenant);
      await listening.next();
    }
  } catch (thrown) {
    // Cut off in the middle of a read: the runtime has closed.
    if (options.signal?.aborted !== true) throw thrown;
  } finally {
    listening.stop();
  }
}

/** Where in the journal a fact stands; past the end of it, the end. */
async function entryOf(key: RunKey, factSeq: number, store: StreamSource['store']): Promise<number> {
  if (factSeq <= 0) return 0;
  return (await store.entryOfFact(key, factSeq)) ?? (await store.run(key))?.seq ?? 0;
}

async function toFact(entry: JournalEntry & RunKey & Partial<FeedEntry>, source: StreamSource): Promise<Fact> {
  const { tenant, run, seq, factSeq, position, at, actor, type, dataJson } = entry;
  return {
    tenant,
    run,
    seq: factSeq ?? 0,
    entry: seq,
    position,
    at,
    actor,
    type,
    data: (await source.decode(dataJson)) as Readonly<Record<string, unknown>>,
  };
}

function listen(feed: FactFeed, run: string | undefined, options: StreamOptions) {
  let wake: (() => void) | undefined;
  const state = {
    heard: false,
    deltas: [] as Delta[],
    lost: false,
    *take(anew: () => readonly Delta[], tenant?: string): Generator<StreamItem> {
      const deltas = state.lost ? anew() : state.deltas;
      state.deltas = [];
      state.lost = false;
      for (const delta of deltas) if (tenant === undefined || delta.tenant === tenant) yield { delta };
    },
    next(): Promise<void> {
      if (state.heard || state.deltas.length > 0 || options.signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    stop(): void {
      unlisten();
      options.signal?.removeEventListener('abort', rouse);
    },
  };
  const rouse = (): void => {
    wake?.();
    wake = undefined;
  };
  const unlisten = feed.listen(run, {
    fact() {
      state.heard = true;
      rouse();
    },
    delta(delta) {
      if (options.deltas === false) return;
      if (state.deltas.length >= MAX_DELTAS) {
        state.deltas = [];
        state.lost = true;
      }
      if (!state.lost) state.deltas.push(delta);
      state.heard = true;
      rouse();
    },
  });
  options.signal?.addEventListener('abort', rouse);
  return state;
}
