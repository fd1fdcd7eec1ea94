/** The cache of answers as a whole: what it did, how big it is, what it forgets. */
import type { AnswerStore, ListedAnswer, ServedRow } from '../store/answers.ts';

/** How much is kept. Beyond it what was used longest ago goes. */
export interface CacheBounds {
  readonly maxEntries: number;
  /** Characters of answers and of the prompts that are shown with them, and the bytes of vectors. */
  readonly maxBytes: number;
}

/** Bounds of a process whose configuration does not say. */
export const CACHE_BOUNDS: CacheBounds = { maxEntries: 100_000, maxBytes: 1024 * 1024 * 1024 };

/** Rows that one transaction deletes: whatever else is to be written waits no longer than for these. */
const STEP = 50;
/** Misses after which it is looked whether there is too much. */
const LOOK_EVERY = 100;

/** What it needs. */
export interface KeptAnswersOptions {
  readonly store: AnswerStore;
  readonly tenant: string;
  readonly bounds: CacheBounds;
  readonly now: () => number;
  readonly hash: (text: string) => string;
  /** Lets others go first, between two steps. */
  readonly pause: () => Promise<void>;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Which answers are to be forgotten. All given parts must match. */
export interface Forgetting {
  readonly workflow?: string | undefined;
  readonly tag?: string | undefined;
  /** As it was rendered. */
  readonly prompt?: string | undefined;
}

/** What it did, and how big it is. */
export interface CacheReport {
  /** Answers that serve now. */
  readonly entries: number;
  readonly bytes: number;
  /** By workflow, in the order of their names. */
  readonly workflows: readonly ServedRow[];
}

/** The answers that are kept. */
export class KeptAnswers {
  readonly #options: KeptAnswersOptions;
  #misses = 0;
  #trimming: Promise<number> | undefined;
  #closed = false;

  constructor(options: KeptAnswersOptions) {
    this.#options = options;
  }

  async report(): Promise<CacheReport> {
    const { store, tenant, now } = this.#options;
    return { ...(await store.answers(tenant, now())), workflows: await store.served(tenant) };
  }

  /** Answers that serve now, those first whose question is newest. */
  async list(page: {
    readonly workflow?: string | undefined;
    readonly after?: number | undefined;
    readonly limit: number;
  }): Promise<readonly ListedAnswer[]> {
    const { store, tenant, now } = this.#options;
    return store.listAnswers(tenant, { ...page, at: now() });
  }

  /** Forgets answers; how many. A task that has one already keeps it. */
  async forget({ workflow, tag, prompt }: Forgetting): Promise<number> {
    const { store, tenant, hash, pause } = this.#options;
    const promptHash = prompt === undefined ? undefined : hash(prompt);
    let sum = 0;
    let after: number | undefined;
    while (!this.#closed) {
      const step = await store.forgetAnswers(tenant, { workflow, tag, promptHash }, { after, limit: STEP });
      sum += step.forgotten;
      ({ after } = step);
      if (after === undefined) break;
      await pause();
    }
    return sum;
  }

  /** Deletes what has expired and what is too much; how many. */
  trim(): Promise<number> {
    const { store, tenant, bounds, now, pause } = this.#options;
    const trim = async (): Promise<number> => {
      let deleted = 0;
      while (!this.#closed) {
        const step = await store.trimAnswers(tenant, { ...bounds, at: now(), limit: STEP });
        deleted += step;
        if (step === 0) break;
        await pause();
      }
      return deleted;
    };
    this.#trimming ??= trim().finally(() => (this.#trimming = undefined));
    return this.#trimming;
  }

  /** A question was new, and its answer will take room. */
  missed(): void {
    this.#misses++;
    if (this.#misses % LOOK_EVERY !== 0) return;
    // What is too much now is too much the next time as well.
    this.trim().catch((thrown: unknown) =>
      this.#options.log('the cache of answers could not be trimmed', { error: String(thrown) }),
    );
  }

  /** Nothing more is deleted, once this resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#trimming?.catch(() => {});
  }
}
