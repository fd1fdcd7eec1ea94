/**
 * A run's facts as they come, from any point of its journal on, with the text that models are streaming in between.
 *
 * N1. Facts are read from the journal, and what is published is only a hint to look: nothing is missed, nothing comes
 *     twice, and a slow reader costs a page of entries, however far it falls behind.
 * N2. Deltas are lossy. A reader that joins late gets the text so far from offset 0; one that falls behind gets what it
 *     lacks in fewer, longer pieces, or, where the text is over meanwhile, not at all: the whole is in the fact.
 * N3. What was streamed before a fact comes before it: nothing of a text comes after the fact that it has ended.
 */
import type { FeedEntry } from '../store/journal.ts';
import type { RunKey } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Delta, Fact, FactFeed, StreamedText } from './facts.ts';

const PAGE = 500;
/** Characters of entries that are held at once: a reader that does not go on keeps them. One has 16 K at most (R11). */
const MAX_HELD = 131_072;
/** Deltas that wait for a reader: how many, and how many characters of text. */
const MAX_DELTAS = 1_000;
const MAX_CHARACTERS = 65_536;

/** What a stream yields. */
export type StreamItem = { readonly fact: Fact } | { readonly delta: Delta };

/** What a stream is made from. */
export interface StreamSource {
  readonly store: Pick<Store, 'journal' | 'feed' | 'run' | 'entryOfFact'>;
  readonly feed: FactFeed;
  /** The text so far of what a run streams; without a run, of all that do. */
  streamed(run?: string): readonly StreamedText[];
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
export function streamRun(key: RunKey, source: StreamSource, options: StreamOptions): AsyncGenerator<StreamItem, void> {
  const { store } = source;
  return follow(source, options, {
    of: { run: key.run, tenant: key.tenant },
    begin: () => entryOf(key, options.after ?? 0, store),
    read: async (after) =>
      (await store.journal(key, { after, limit: PAGE, kind: 'fact' })).map((entry) => ({ ...entry, ...key })),
    cursorOf: ({ seq }) => seq,
    cursorOfFact: ({ entry }) => entry,
    streamed: () => source.streamed(key.run),
  });
}

/** Facts of all runs of a tenant, in commit order, until the signal says so. */
export function streamAll(
  tenant: string,
  source: StreamSource,
  options: StreamOptions,
): AsyncGenerator<StreamItem, void> {
  return follow(source, options, {
    of: { run: undefined, tenant },
    begin: async () => options.after ?? 0,
    read: (after) => source.store.feed(tenant, after, PAGE),
    cursorOf: ({ position }) => position,
    cursorOfFact: ({ position }) => position,
    streamed: () => source.streamed().filter((text) => text.tenant === tenant),
  });
}

/** What is followed, and by which of its numbers. */
interface Followed {
  readonly of: { readonly run: string | undefined; readonly tenant: string };
  /** The number after which to begin. */
  begin(): Promise<number>;
  /** A page of facts after a number. */
  read(after: number): Promise<readonly FeedEntry[]>;
  cursorOf(entry: FeedEntry): number;
  cursorOfFact(fact: Fact): number;
  /** The text so far of what it streams. */
  streamed(): readonly StreamedText[];
}

async function* follow(
  source: StreamSource,
  options: StreamOptions,
  { of, begin, read, cursorOf, cursorOfFact, streamed }: Followed,
): AsyncGenerator<StreamItem, void> {
  let after = await begin();
  const listening = listen(source.feed, of, options, cursorOfFact);
  listening.join(streamed());
  try {
    while (options.signal?.aborted !== true) {
      listening.heard = false;
      // Asked before reading: facts committed in between are then read below.
      const ended = (await options.ended?.()) === true;
      for (;;) {
        const { held, complete } = holdable(await read(after));
        for (const entry of held) {
          if (options.signal?.aborted) return;
          after = cursorOf(entry);
          yield* listening.before(after);
          const fact = await toFact(entry, source);
          if (fact !== undefined) yield { fact };
        }
        if (complete) break;
      }
      if (ended) return;
      yield* listening.take(streamed);
      await listening.next();
    }
  } catch (thrown) {
    // Cut off in the middle of a read: the runtime has closed.
    if (options.signal?.aborted !== true) throw thrown;
  } finally {
    listening.stop();
  }
}

/** The first entries of a page, as many as may be held; `complete`: nothing more is there to be read. */
function holdable(page: readonly FeedEntry[]) {
  let characters = 0;
  const tooMany = page.findIndex(({ dataJson }) => (characters += dataJson.length) > MAX_HELD);
  if (tooMany < 0) return { held: page, complete: page.length < PAGE };
  return { held: page.slice(0, Math.max(1, tooMany)), complete: false };
}

/** Where in the journal a fact stands; past the end of it, the end. */
async function entryOf(key: RunKey, factSeq: number, store: StreamSource['store']): Promise<number> {
  if (factSeq <= 0) return 0;
  return (await store.entryOfFact(key, factSeq)) ?? (await store.run(key))?.seq ?? 0;
}

/** Undefined where its run was deleted since it was read: what is big in it went along. */
async function toFact(entry: FeedEntry, source: StreamSource): Promise<Fact | undefined> {
  const { tenant, run, seq, factSeq, position, at, actor, type, dataJson } = entry;
  let data;
  try {
    data = (await source.decode(dataJson)) as Fact['data'];
  } catch (thrown) {
    if ((await source.store.run(entry)) === undefined) return undefined;
    throw thrown;
  }
  return {
    tenant,
    run,
    seq: factSeq ?? 0,
    entry: seq,
    position,
    at,
    actor,
    type,
    data,
  };
}

/** Hears that there is something to read, and keeps the deltas that have come since the reader took the last. */
function listen(
  feed: FactFeed,
  { run, tenant }: Followed['of'],
  options: StreamOptions,
  cursorOfFact: Followed['cursorOfFact'],
) {
  let wake: (() => void) | undefined;
  let deltas: Delta[] = [];
  let characters = 0;
  /** Of those that wait, which came before a fact that was heard of: how many (maybe none), and the fact's number. */
  let marks: { readonly count: number; readonly fact: number }[] = [];
  const takeFirst = (count: number): readonly Delta[] => {
    const first = deltas.slice(0, count);
    deltas = deltas.slice(count);
    marks = marks.flatMap((mark) => (mark.count > count ? [{ ...mark, count: mark.count - count }] : []));
    characters = deltas.reduce((sum, { delta }) => sum + delta.length, 0);
    return first;
  };
  /** Once deltas had to be dropped: from where on the reader lacks each text. */
  const missing = new Map<string, number>();
  const miss = (delta: Pick<Delta, 'run' | 'about' | 'offset'>): void => {
    const text = textOf(delta);
    // From 0 on: the text has begun anew.
    if (delta.offset === 0 || !missing.has(text)) missing.set(text, delta.offset);
  };
  /** The next piece that the reader lacks of a text; undefined where that is over, or all of it is sent. */
  const piece = (name: string, streamed: StreamedText | undefined): Delta | undefined => {
    const offset = missing.get(name) ?? 0;
    const whole = streamed?.text() ?? '';
    const delta = whole.slice(offset, offset + MAX_CHARACTERS);
    if (offset + delta.length < whole.length) missing.set(name, offset + delta.length);
    else missing.delete(name);
    if (streamed === undefined || delta === '') return undefined;
    const { tenant, run: of, about } = streamed;
    return { tenant, run: of, about, offset, delta };
  };
  const state = {
    heard: false,
    /** Begins with the text so far, where there is some. */
    join(streamed: readonly StreamedText[]): void {
      if (options.deltas !== false) for (const text of streamed) miss({ ...text, offset: 0 });
    },
    /** What came before a fact. */
    *before(fact: number): Generator<StreamItem> {
      const count = marks.findLast((mark) => mark.fact <= fact)?.count;
      if (count !== undefined) for (const delta of takeFirst(count)) yield { delta };
    },
    *take(streamed: () => readonly StreamedText[]): Generator<StreamItem> {
      // Facts that were heard of since the last look are still to be read, and come before what followed them.
      for (const delta of takeFirst(marks[0]?.count ?? deltas.length)) yield { delta };
      if (missing.size === 0) return;
      const texts = new Map(streamed().map((text) => [textOf(text), text]));
      // What it comes to lack meanwhile has its turn after the facts.
      const lacking = [...missing.keys()];
      // Looked up when the reader takes it: all at once they would be held for it, however slow it is, and most be over by then.
      for (const name of lacking)
        for (let more = true; more;) {
          const delta = piece(name, texts.get(name));
          more = missing.has(name);
          if (delta !== undefined) yield { delta };
        }
    },
    next(): Promise<void> {
      if (state.heard || missing.size > 0 || deltas.length > 0 || options.signal?.aborted === true)
        return Promise.resolve();
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
    fact(fact) {
      state.heard = true;
      if (marks.at(-1)?.count !== deltas.length) marks.push({ count: deltas.length, fact: cursorOfFact(fact) });
      rouse();
    },
    delta(delta) {
      if (options.deltas === false || delta.tenant !== tenant) return;
      characters += delta.delta.length;
      deltas.push(delta);
      if (missing.size > 0 || deltas.length > MAX_DELTAS || characters > MAX_CHARACTERS) {
        for (const dropped of deltas) miss(dropped);
        deltas = [];
        marks = [];
      }
      rouse();
    },
  });
  options.signal?.addEventListener('abort', rouse);
  return state;
}

/** Tells the texts of runs, tasks and attempts apart. */
function textOf({ run, about }: Pick<Delta, 'run' | 'about'>): string {
  return JSON.stringify([run, about]);
}
