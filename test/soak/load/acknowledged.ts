/** What a server said that it has: everything a client got a 2xx for, and every fact that was streamed. */
import assert from 'node:assert/strict';
import type { Evidence } from '../../crash/evidence.ts';

/** One thing that a server may never forget. `at` is when the client knew, in milliseconds since 1970. */
export type Acknowledgement =
  | { readonly at: number; readonly kind: 'run'; readonly run: string; readonly key: string }
  /** The `count`-th event of this type that the run took. */
  | { readonly at: number; readonly kind: 'event'; readonly run: string; readonly type: string; readonly seq: number }
  | { readonly at: number; readonly kind: 'fact'; readonly run: string; readonly type: string; readonly seq: number };

type Unstamped<T> = T extends unknown ? Omit<T, 'at'> : never;

/** A ledger of what was acknowledged. */
export class Acknowledged {
  readonly all: Acknowledgement[] = [];

  /** Keeps it with the time of its arrival. */
  keep(acknowledgement: Unstamped<Acknowledgement>): void {
    this.all.push({ ...acknowledgement, at: performance.timeOrigin + performance.now() });
  }

  /** Expects that a file has everything that was acknowledged up to a moment. Returns how much that is. */
  expectIn({ runs }: Evidence, until = Infinity): number {
    const due = this.all.filter(({ at }) => at <= until);
    for (const one of due) {
      const found = runs.get(one.run);
      const what = `${one.kind} acknowledged of run ${one.run}: ${JSON.stringify(one)}`;
      assert.ok(found, `expected the file to have the ${what}; the run is lost`);
      if (one.kind === 'event') {
        const entry = found.journal.find(({ seq }) => seq === one.seq);
        assert.equal(entry?.type, one.type, `expected the file to have the ${what}`);
      } else if (one.kind === 'fact') {
        const entry = found.journal.find(({ factSeq }) => factSeq === one.seq);
        assert.equal(entry?.type, one.type, `expected the file to have the ${what}`);
      }
    }
    return due.length;
  }
}
