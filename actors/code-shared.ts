/**
 * Shared values of a run as a function uses them. It reads what is committed, and hears of changes after their commit; a
 * write is a durable event of its task, and is answered once it is committed.
 */
import { createHash } from 'node:crypto';
import type { WriteAnswer } from '../machines/shared-space.ts';
import { FermataError, type ErrorCode } from '../src/errors.ts';
import type { EffectContext } from '../src/runtime/effect.ts';

/** One shared value. */
export interface SharedEntry {
  /** Undefined where nobody has written it. */
  readonly value: unknown;
  /** 1 for the first value under its key, and one more with each write; 0 where nobody has written it. */
  readonly revision: number;
}

/** A change of a shared value. */
export interface SharedChange extends SharedEntry {
  readonly key: string;
  /** The task that wrote it. */
  readonly by: string;
}

/** What the tasks of a run share, as functions see it. Keys are texts of 1 to 200 characters; values are JSON. */
export interface SharedContext {
  /** The value as it is committed; undefined where nobody has written it. */
  get(key: string): Promise<unknown>;
  /** The same with its revision. */
  entry(key: string): Promise<SharedEntry>;
  /**
   * Writes a value; gives its revision once that is committed. Done once, also where a crash lets the call be repeated:
   * the n-th write of a key by a call is the same whenever it is repeated, and gives the same answer.
   *
   * Throws `sharedConflict` where `revision` is given and the value has another one by now (0: there must be none).
   */
  set(key: string, value: unknown, options?: { readonly revision?: number }): Promise<{ readonly revision: number }>;
  /**
   * Writes what a function makes of the value as it stands. Where somebody else was faster it is made anew, so that no
   * write is lost; gives what was written.
   *
   * @example
   * await shared.update('found', (found = 0) => found + 1)
   */
  update<Value>(key: string, change: (value: Value | undefined) => Value): Promise<Value>;
  /**
   * Hears every later change of a value after its commit, until the call ends or is aborted, or what this gives back is
   * called. A listener that gives a promise hears nothing more before that has settled, and then only how the value stands:
   * the revision says how many changes it has missed.
   */
  subscribe(key: string, listener: SharedListener): () => void;
}

/** Hears of changes. */
export type SharedListener = (change: SharedChange) => void | Promise<void>;

/** Where shared values are read. */
export interface SharedSource {
  read(run: string, key: string): Promise<SharedEntry | undefined>;
  /** Hears every change of a value of a run after its commit; returns how to stop. What the listener throws harms nobody. */
  follow(run: string, key: string, listener: SharedListener): () => void;
  /** Does something once those are over that came before, of the same run and key. */
  inTurn<Result>(run: string, key: string, work: () => Promise<Result>): Promise<Result>;
}

/** Who uses them. */
export interface SharedUser {
  readonly task: string;
  readonly function: string;
  /** Under which the task has called the function. */
  readonly id: string;
  readonly source: SharedSource;
}

type Written = Exclude<WriteAnswer, { readonly error: unknown }>;

interface Waiting {
  resolve(written: Written): void;
  reject(error: FermataError): void;
}

/** Who changes a value this often without success is not alone in it: something writes without end. */
const MOST_UPDATES = 1_000;
const LONGEST_KEY = 200;

/** The shared values as one call of a function uses them. */
export class SharedCalls {
  readonly #of: SharedUser;
  readonly #context: EffectContext;
  readonly #waiting = new Map<string, Waiting>();
  /** Writes of each key. */
  readonly #writes = new Map<string, number>();
  readonly #listening = new Set<() => void>();
  #closed = false;

  constructor(of: SharedUser, context: EffectContext) {
    this.#of = of;
    this.#context = context;
    context.receive((event) => this.#hear(event as never));
    context.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** What a function is given. */
  readonly api: SharedContext = {
    get: async (key) => (await this.#entry(key)).value,
    entry: (key) => this.#entry(key),
    set: (key, value, options) => this.#set(key, value, options),
    update: (key, change) => this.#update(key, change),
    subscribe: (key, listener) => this.#subscribe(key, listener),
  };

  async #entry(key: string): Promise<SharedEntry> {
    this.#check(key);
    return (await this.#of.source.read(this.#context.runId, key)) ?? { value: undefined, revision: 0 };
  }

  async #set(
    key: string,
    value: unknown,
    { revision }: { readonly revision?: number } = {},
  ): Promise<{ readonly revision: number }> {
    if (revision !== undefined && !(Number.isSafeInteger(revision) && revision >= 0))
      throw this.#refusal(`is written over the revision ${revision}: expected a whole number from 0`);
    const { revision: written } = await this.#write(this.#nextWrite(key), key, value, revision);
    return { revision: written };
  }

  /** One after the other: of ten that have read the same revision nine would write in vain, and again of the nine. */
  async #update<Value>(key: string, change: (value: Value | undefined) => Value): Promise<Value> {
    const write = this.#nextWrite(key);
    return this.#of.source.inTurn(this.#context.runId, key, () => this.#updateNow(write, key, change));
  }

  async #updateNow<Value>(write: string, key: string, change: (value: Value | undefined) => Value): Promise<Value> {
    for (let tries = 0; ; tries++) {
      const { value, revision } = await this.#entry(key);
      const next = change(value as Value | undefined);
      try {
        const { done } = await this.#write(write, key, next, revision);
        return done === undefined ? next : (done.value as Value);
      } catch (thrown) {
        const isLate = thrown instanceof FermataError && thrown.code === 'sharedConflict';
        if (!isLate || tries >= MOST_UPDATES) throw thrown;
      }
    }
  }

  #subscribe(key: string, listener: SharedListener): () => void {
    this.#check(key);
    this.#assertHeard('listens to');
    const stop = this.#of.source.follow(this.#context.runId, key, listener);
    const end = (): void => {
      stop();
      this.#listening.delete(end);
    };
    this.#listening.add(end);
    return end;
  }

  /** Nobody will answer any more. */
  close(): void {
    this.#closed = true;
    const { function: name, task } = this.#of;
    for (const { reject } of this.#waiting.values())
      reject(new FermataError('cancelled', `A write of function "${name}" (task "${task}") was cancelled.`));
    this.#waiting.clear();
    for (const end of this.#listening) end();
  }

  /** The same for the n-th write of a key whenever the call is repeated, whatever else is written in between. */
  #nextWrite(key: string): string {
    this.#check(key);
    const number = (this.#writes.get(key) ?? 0) + 1;
    this.#writes.set(key, number);
    return createHash('sha256')
      .update(JSON.stringify([this.#context.key, 'shared', key, number]))
      .digest('base64url');
  }

  #write(write: string, key: string, value: unknown, revision: number | undefined): Promise<Written> {
    this.#assertHeard('writes');
    if (value === undefined) throw this.#refusal(`${JSON.stringify(key)} gets no value: write null`);
    const { promise, ...waiting } = Promise.withResolvers<Written>();
    // A function may have stopped waiting by the time it fails.
    promise.catch(() => {});
    this.#waiting.set(write, waiting);
    const over = revision === undefined ? {} : { revision };
    this.#context.notify({ type: 'task.writesShared', from: this.#of.id, write, key, value, ...over });
    return promise;
  }

  /** The machine of a run that began long ago drops the question, and the function would wait until its timeout. */
  #assertHeard(does: string): void {
    if (!this.#context.hears('task.writesShared'))
      throw new FermataError(
        'notSupported',
        `Function "${this.#of.function}" (task "${this.#of.task}") ${does} shared values, and run ${this.#context.runId} began under an earlier version of Fermata, whose tasks share none. Start the workflow again, or fork the run: POST /api/v1/runs/${this.#context.runId}/fork.`,
      );
  }

  #check(key: string): void {
    if (this.#closed) throw this.#refusal('is used after its end: await every call before you return');
    const isKey =
      typeof key === 'string' &&
      key !== '' &&
      key !== '__proto__' &&
      Array.from(key).length <= LONGEST_KEY &&
      key.isWellFormed();
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    if (!isKey || /[\u0000-\u001f\u007f-\u009f]/.test(key))
      throw this.#refusal(
        `has no key ${JSON.stringify(key)}: expected 1 to ${LONGEST_KEY} characters, none of them a control character, and not "__proto__"`,
      );
  }

  #refusal(reason: string): FermataError {
    const { function: name, task } = this.#of;
    return new FermataError('codeRefused', `A shared value of function "${name}" (task "${task}") ${reason}.`);
  }

  #hear({ type, write, answer }: Told): void {
    const waiting = type === 'task.sharedWritten' ? this.#waiting.get(write) : undefined;
    if (waiting === undefined) return;
    this.#waiting.delete(write);
    if (!('error' in answer)) return waiting.resolve(answer);
    const { code, message, data } = answer.error;
    waiting.reject(new FermataError(code as ErrorCode, message, data === undefined ? {} : { data }));
  }
}

interface Told {
  readonly type: string;
  readonly write: string;
  readonly answer: WriteAnswer;
}
