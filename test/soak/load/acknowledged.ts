/** What a server said that it has: everything a client got a 2xx for, and every fact that was streamed. */
import assert from 'node:assert/strict';
import type { Evidence } from '../../crash/evidence.ts';

/** One thing that a server may never forget, about a run. */
export type Acknowledgement = { readonly run: string } & (
  | { readonly kind: 'run'; readonly asked: number }
  /** `seq` is the number of the journal's entry. */
  | { readonly kind: 'event'; readonly asked: number; readonly type: string; readonly seq: number }
  /** `seq` is the number among the run's facts. */
  | { readonly kind: 'fact'; readonly type: string; readonly seq: number }
);

/** When a client asked, and when it knew, in milliseconds since 1970. */
export function moment(): number {
  return performance.timeOrigin + performance.now();
}

/** A ledger of what was acknowledged. */
export class Acknowledged {
  readonly all: (Acknowledgement & { readonly at: number })[] = [];

  /** Keeps it with the time of its arrival. */
  keep(acknowledgement: Acknowledgement): void {
    this.all.push({ ...acknowledgement, at: moment() });
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
