/** The cache of answers: what tasks say of it, what is kept, and what it did. */

/**
 * What a task says of the cache of answers: it found none and asks a model, it got an answer that serves others, it took
 * one. Its key is the journal number of the fact.
 */
export type AnswerChange =
  | {
      readonly kind: 'asked';
      /** Hash of all that the answer depends on. */
      readonly hash: string;
      readonly promptHash: string;
      /** How the prompt begins. */
      readonly prompt: string;
      /** Address of the task that asks: as long as its call is open, others wait. */
      readonly actor: string;
      readonly workflow: string;
      /** Similar questions are looked for first: whether it is a miss is not known yet. */
      readonly compares?: true;
      readonly at: number;
    }
  | {
      readonly kind: 'answered';
      readonly hash: string;
      readonly valueJson: string;
      readonly model: string;
      readonly finishReason: string;
      readonly costNanos: number | null;
      readonly at: number;
      readonly expiresAt: number;
    }
  | {
      readonly kind: 'served';
      readonly hash: string;
      readonly workflow: string;
      /** It was waited for while another task asked. */
      readonly shared: boolean;
      readonly savedNanos: number | null;
      /** Whose answer it is, where it was found by similarity just now. */
      readonly like?: { readonly hash: string; readonly similarity: number; readonly verified: boolean };
      readonly at: number;
    };

/** An answer that is kept. */
export interface AnswerRow {
  readonly valueJson: string;
  readonly model: string;
  readonly finishReason: string;
  readonly costNanos: number | null;
  /** The question whose answer it is; absent: the very same. */
  readonly like?: {
    readonly hash: string;
    readonly similarity: number;
    /** How it begins. */
    readonly prompt: string;
    /** A model has judged that it serves. */
    readonly verified: boolean;
  };
  /** When it came, in epoch milliseconds. */
  readonly answeredAt: number;
}

/** Who asks a model now: its call is under way, in doubt, or waits for money. */
export interface AnswerClaim {
  readonly run: string;
  readonly actor: string;
  readonly waitsForMoney: boolean;
}

/** What the cache did for the runs of a workflow. */
export interface ServedRow {
  readonly workflow: string;
  readonly misses: number;
  readonly hits: number;
  /** Those among them that waited for another task. */
  readonly shared: number;
  readonly savedNanos: number;
}

/** Which answers. All given parts must match. */
export interface AnswerFilter {
  readonly workflow?: string | undefined;
  /** Of the run whose answer it is. */
  readonly tag?: string | undefined;
  readonly promptHash?: string | undefined;
}

/** How much is kept. */
export interface AnswersSize {
  /** Answers that serve. */
  readonly entries: number;
  /** Characters of answers and of the prompts that are shown with them, and the bytes of vectors: also where none serves (yet, or any more). */
  readonly bytes: number;
}

/** An answer that is kept, without its value. */
export interface ListedAnswer {
  readonly key: number;
  /** How it begins. */
  readonly prompt: string;
  /** Whose run asked last, and the tags of that. */
  readonly workflow: string;
  readonly tags: readonly string[];
  readonly model: string;
  /** What its call cost; null: not known. */
  readonly costNanos: number | null;
  readonly answeredAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number;
  /** How often it has served since it was kept. */
  readonly hitCount: number;
  /** Characters of it and of what is kept of its prompt. */
  readonly bytes: number;
}

/** The cache of answers. It is a tenant's, and not a run's: what a deleted run has found out still serves. */
export interface AnswerStore {
  /** The answer that serves at a time, how its prompt begins, and who asks for one. */
  answer(
    tenant: string,
    hash: string,
    at: number,
  ): Promise<{
    readonly answer?: AnswerRow | undefined;
    readonly claim?: AnswerClaim | undefined;
    readonly prompt?: string | undefined;
  }>;
  /** How much is kept, and serves at a time. */
  answers(tenant: string, at: number): Promise<AnswersSize>;
  /** What it did, by workflow in the order of their names. */
  served(tenant: string): Promise<readonly ServedRow[]>;
  /** Answers that serve at a time, those first whose question is newest: at most `limit`, of a workflow or of all. */
  listAnswers(
    tenant: string,
    page: {
      readonly at: number;
      readonly workflow?: string | undefined;
      /** `key` of the last one of the page before. */
      readonly after?: number | undefined;
      readonly limit: number;
    },
  ): Promise<readonly ListedAnswer[]>;
  /**
   * Forgets answers, at most `limit`, and says behind which ones it goes on; undefined: it is through. Who asks just then
   * still does, and what that gives is kept.
   */
  forgetAnswers(
    tenant: string,
    filter: AnswerFilter,
    page: { readonly after?: number | undefined; readonly limit: number },
  ): Promise<{ readonly forgotten: number; readonly after?: number | undefined }>;
  /**
   * Deletes what has expired, and the least recently used beyond the bounds: at most `limit`; how many it has deleted.
   * Questions that are just being asked stay.
   */
  trimAnswers(
    tenant: string,
    bounds: { readonly at: number; readonly maxEntries: number; readonly maxBytes: number; readonly limit: number },
  ): Promise<number>;
}
