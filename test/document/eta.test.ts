/** What an ETA is made of, by itself: whatever comes, it stays within what can be. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationsOf } from '../../src/document/estimate/durations.ts';
import { scheduleOf, type Work } from '../../src/document/estimate/schedule.ts';
import { secondsLeft } from '../../src/document/eta/left.ts';
import { atOnce } from '../../src/document/steps.ts';
import type { TaskRow } from '../../src/store/tasks.ts';

const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });

describe('what is left of a call', () => {
  it('is never negative, never NaN, and never more than the longest that it could be', () => {
    fc.assert(
      fc.property(
        seconds,
        fc.array(seconds, { maxLength: 5 }),
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: 0.001, max: 1_000, noNaN: true }),
        (expected, all, elapsed, pace) => {
          const sorted = all.toSorted((one, other) => one - other);
          const left = secondsLeft({ seconds: expected, all: sorted }, elapsed, pace);
          expect(left).toBeGreaterThanOrEqual(0);
          expect(left).toBeLessThanOrEqual(pace * Math.max(expected, ...all));
        },
      ),
    );
  });

  it('of a late one is by those that were as late', () => {
    const expected = { seconds: 10, all: [8, 10, 30, 50, 90] };
    expect(secondsLeft(expected, 0)).toBe(30);
    expect(secondsLeft(expected, 20)).toBe(30);
    expect(secondsLeft(expected, 60)).toBe(30);
    expect(secondsLeft(expected, 100)).toBe(10);
    // It is given up sooner.
    expect(secondsLeft(expected, 20, 1, 25)).toBe(5);
  });
});

/** Works of which each needs some of those before it. */
const works = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(20), { maxLength: 3 }),
      seconds: fc.integer({ min: 0, max: 50 }),
      pieces: fc.integer({ min: 1, max: 5 }),
      holdsSlot: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((all) =>
    all.map(({ needs, ...phase }, at): Work => {
      const before = needs.filter((other) => other < at).map((other) => `w${other}`);
      return { name: `w${at}`, needs: [...new Set(before)], phases: [phase] };
    }),
  );

describe('a schedule', () => {
  it('takes at least its longest chain and its share of the work, and at most all of it', () => {
    fc.assert(
      fc.property(works, fc.integer({ min: 1, max: 6 }), (all, breadth) => {
        const whole = atOnce(scheduleOf(all, breadth)).seconds;
        const chain = new Map<string, number>();
        let [inSlots, sum] = [0, 0];
        for (const { name, needs, phases } of all) {
          const [{ seconds: each, pieces, holdsSlot } = { seconds: 0, pieces: 0, holdsSlot: false }] = phases;
          chain.set(name, each + Math.max(0, ...needs.map((needed) => chain.get(needed) ?? 0)));
          if (holdsSlot) inSlots += each * pieces;
          sum += each * pieces;
        }
        expect(whole).toBeGreaterThanOrEqual(Math.max(...chain.values()) - 1e-6);
        expect(whole).toBeGreaterThanOrEqual(inSlots / breadth - 1e-6);
        expect(whole).toBeLessThanOrEqual(sum + 1e-6);
      }),
    );
  });

  it('lets what has begun go on, beyond the slots as well, and ends dates at their date', () => {
    const call = { seconds: 10, pieces: 1, holdsSlot: true };
    const begun = { seconds: 0, pieces: 0, begun: [4, 7], holdsSlot: true };
    const all: Work[] = [
      { name: 'many', needs: [], phases: [begun] },
      { name: 'next', needs: [], phases: [call] },
      { name: 'date', needs: ['next'], phases: [{ seconds: 0, pieces: 1, until: 40, holdsSlot: false }] },
      { name: 'after', needs: ['date'], phases: [call, call] },
    ];
    // The only slot is free when both have ended.
    expect(atOnce(scheduleOf(all.slice(0, 2), 1))).toEqual({ seconds: 17, criticalPath: ['many', 'next'] });
    expect(atOnce(scheduleOf(all, 1))).toEqual({ seconds: 60, criticalPath: ['many', 'next', 'date', 'after'] });
  });
});

describe('what runs have taken', () => {
  const row = (name: string, took: number, over: Partial<TaskRow> = {}): TaskRow => ({
    name,
    position: 0,
    status: 'completed',
    waiting: 0,
    ready: false,
    live: false,
    attempts: 1,
    startedAt: 1_000,
    endedAt: 1_000 + took * 1_000,
    resultSeq: 1,
    detailJson: null,
    ...over,
  });

  it('is what their calls took: by the model, of maps by item, and without what was no work', () => {
    const learned = durationsOf([
      [
        row('a', 2, { detailJson: '{"model":"small-2024-01-01"}' }),
        row('each', 90),
        row('each[0]', 3),
        row('each[1]', 5),
      ],
      [row('a', 8, { detailJson: '{"model":"big"}' }), row('a', 99, { status: 'failed' })],
      [row('a', 0, { detailJson: '{"cacheHit":true}' }), row('a', 0, { detailJson: '{"reused":{"runId":"r"}}' })],
      [row('a', 70, { detailJson: '{"callAt":65000}' })],
    ]);
    expect(learned.of('a')?.all).toEqual([2, 6, 8]);
    expect(learned.of('a', 'small')?.all).toEqual([2]);
    expect(learned.of('a', 'sm')?.all).toEqual([2, 6, 8]);
    expect(learned.of('each')).toMatchObject({ median: 3, p90: 5, all: [3, 5] });
    expect(learned.of('nothing')).toBeUndefined();
  });

  it('counts what tasks added', () => {
    const added = (name: string, took: number) => row(name, took, { detailJson: '{"parent":"plan"}' });
    const learned = durationsOf([[added('x', 4), added('y', 6)], [added('x', 5)], [row('plan', 1)]]);
    expect(learned.additions('plan')).toMatchObject({ count: 1.5, seconds: { median: 5 } });
  });
});
