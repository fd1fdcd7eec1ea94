/**
 * A run's turns as a stream: those of its journal first, taken again, and then each new one.
 *
 * Turns are read from the journal, and what the feed says is only a hint to look: nothing is missed, nothing comes
 * twice, and a slow reader costs no memory beyond the live actors of the run.
 */
import { pause, type EventLoop } from '../clock.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { readRefs } from './actor.ts';
import type { Catalog } from './catalog.ts';
import type { RefCodec } from './codec.ts';
import type { FactFeed } from './facts.ts';
import { Replay, type Turn } from './replay.ts';
import type { Event } from './xstate.ts';

const PAGE = 500;
/** Entries taken again at once: a few milliseconds, in which nothing else goes on. */
export const TURNS_AT_ONCE = 64;

/** What the turns of a run are read from. */
export interface TurnSource {
  readonly catalog: Catalog;
  readonly store: Pick<Store, 'journal'>;
  readonly feed: FactFeed;
  readonly loop: Pick<EventLoop, 'soon'>;
  decode(text: string, refs: RefCodec): Promise<unknown>;
  /** True once nothing more can come: the run has ended. */
  ended(): Promise<boolean>;
}

/** Turns of one run from its beginning on. Ends after the run's last turn, or when the signal says so. */
export async function* turnsOf(
  key: RunKey,
  source: TurnSource,
  options: { readonly signal?: AbortSignal },
): AsyncGenerator<Turn, void> {
  const { signal } = options;
  const replay = new Replay(key.run, source.catalog);
  const refs = readRefs(replay.refer);
  let after = 0;
  let committed = Promise.withResolvers<void>();
  const hear = (): void => committed.resolve();
  const unlisten = source.feed.listen(key.run, { fact() {}, committed: hear });
  signal?.addEventListener('abort', hear);
  try {
    while (signal?.aborted !== true) {
      committed = Promise.withResolvers<void>();
      // Asked before reading: turns committed in between are then read below.
      const ended = await source.ended();
      for (;;) {
        const page = await source.store.journal(key, { after, limit: PAGE, kind: 'event' });
        for (const [index, entry] of page.entries()) {
          if (index % TURNS_AT_ONCE === TURNS_AT_ONCE - 1) await pause(source.loop);
          if (signal?.aborted) return;
          after = entry.seq;
          for (const turn of replay.take(entry, (await source.decode(entry.dataJson, refs)) as Event)) {
            yield turn;
            if (turn.snapshot.status !== 'active') replay.forget(turn.address);
          }
        }
        if (page.length < PAGE) break;
      }
      if (ended) return;
      await committed.promise;
    }
  } catch (thrown) {
    // Cut off in the middle of a read: the runtime has closed.
    if (signal?.aborted !== true) throw thrown;
  } finally {
    unlisten();
    signal?.removeEventListener('abort', hear);
  }
}
