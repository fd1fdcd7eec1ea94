/** Many clients with errands of all kinds at one server, and what must be true when all of them are done. */
import assert from 'node:assert/strict';
import type { Chance } from '../../crash/chance.ts';
import { countKeys, type Evidence } from '../../crash/evidence.ts';
import type { Call } from '../../crash/model.ts';
import { until } from '../../crash/until.ts';
import { Acknowledged } from './acknowledged.ts';
import { ERRANDS } from './errands.ts';
import { operate } from './operator.ts';
import { clientOf } from './patience.ts';

/** How a load is made. */
export interface LoadOptions {
  readonly url: string;
  readonly chance: Chance;
  /** Kilobytes that each document writes; default 1. */
  readonly kilobytes?: number;
  /** The server's clock cannot be believed. Default false. */
  readonly clockJumps?: boolean;
}

/** A load, growing as its owner says. */
export class Load {
  readonly acknowledged = new Acknowledged();
  /** How often clients were refused with 503, by code. */
  readonly refusals = new Map<string, number>();
  readonly #options: LoadOptions;
  readonly #errands: Promise<void>[] = [];
  #ended = 0;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Errands that were begun. */
  get size(): number {
    return this.#errands.length;
  }

  /** Begins so many errands more; the first ones are of each kind. */
  begin(count: number): void {
    const { url, chance, kilobytes = 1, clockJumps = false } = this.#options;
    for (let more = 0; more < count; more++) {
      const n = this.size;
      const does = ERRANDS[n < ERRANDS.length ? n : chance(ERRANDS.length)];
      assert.ok(does);
      const client = clientOf(url, (code) => this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1));
      const errand = { client, label: `errand ${n}`, acknowledged: this.acknowledged, kilobytes, clockJumps };
      const done = does(errand);
      void done.then(
        () => this.#ended++,
        (thrown: unknown) => {
          this.#ended++;
          this.#failure ??= { thrown };
        },
      );
      this.#errands.push(done);
    }
  }

  /** Errands that have not ended. */
  get underWay(): number {
    return this.size - this.#ended;
  }

  /** True once no errand is under way. */
  get isDone(): boolean {
    return this.underWay === 0;
  }

  /** Throws what went wrong with any of them. */
  expectNoFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  /** Waits until so much more is acknowledged, or all errands begun are done. */
  async progress(more: number): Promise<void> {
    const goal = this.acknowledged.all.length + more;
    await this.#lookedAfter(until('clients to get on', () => this.isDone || this.acknowledged.all.length >= goal));
    this.expectNoFailure();
  }

  /** Waits until every errand has come to its end. */
  async done(): Promise<void> {
    await this.#lookedAfter(Promise.all(this.#errands));
  }

  /** Kills from outside may have had a run quarantined. */
  async #lookedAfter(work: Promise<unknown>): Promise<void> {
    const enough = new AbortController();
    const operating = operate(this.#options.url, enough.signal);
    try {
      await work;
    } finally {
      enough.abort();
      await operating;
    }
  }

  /**
   * Expects of a file, after `done`: everything acknowledged is there, nothing else is, and every run has ended well.
   * And of those who were called: one effect for each key they honour, and no key that nobody committed.
   */
  expectEnd(end: Evidence, calls: readonly Call[]): { readonly acknowledged: number; readonly repeats: number } {
    const started = new Set(this.acknowledged.all.map(({ run }) => run));
    assert.deepEqual([...end.runs.keys()].toSorted(), [...started].toSorted(), 'no run is lost and none is a ghost');
    for (const { run } of end.runs.values()) assert.equal(run.status, 'completed', `the end of run ${run.run}`);
    expectOneKey(calls);
    return { acknowledged: this.acknowledged.expectIn(end), repeats: calls.length - countKeys(calls).size };
  }
}

/** A task that fails once is asked for under two keys, every other one under one. */
function expectOneKey(calls: readonly Call[]): void {
  const keys = new Map<string, Set<string>>();
  for (const { prompt, key } of calls) keys.set(prompt, (keys.get(prompt) ?? new Set()).add(key));
  for (const [prompt, its] of keys) {
    // Calls of this function do not say whose they are.
    if (prompt !== 'count') assert.equal(its.size, prompt.includes('flaky') ? 2 : 1, `keys of "${prompt}"`);
  }
}
