/** Shared budgets, whatever runs and messages do in whatever order: never over, nothing lost, and nearly all of it usable. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Upstream } from '../../src/cost/borrowing.ts';
import { randomOf } from '../../src/testing/random.ts';
import { budgetOf, Lending } from './lending.ts';

const DAY: Upstream = { id: 'budget:day', per: 'day' };
const MONTH: Upstream = { id: 'budget:workflow:m', per: 'month' };
const ALWAYS: Upstream = { id: 'budget:workflow:w' };

const LIMIT = 1_000;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** Runs that share some of their budgets, for so much on a day. */
function opened(limit: number): Lending {
  const part = (share: number): number => Math.floor(limit * share);
  const tree: Upstream = { id: 'budget:run:a', limit: part(0.7) };
  return new Lending({
    budgets: {
      perDay: budgetOf(limit),
      workflows: { w: budgetOf(part(0.8)), m: { ...budgetOf(part(0.6)), per: 'month' } },
    },
    runs: {
      a: { upstreams: [tree, ALWAYS, DAY] },
      b: { upstreams: [tree, ALWAYS, DAY], limit: part(0.3) },
      c: { upstreams: [ALWAYS, DAY] },
      d: { upstreams: [MONTH, DAY] },
      e: { upstreams: [DAY], limit: part(0.4) },
    },
  });
}

const step = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constant('reserve') },
    { weight: 1, arbitrary: fc.constant('reserveDeaf') },
    { weight: 6, arbitrary: fc.constant('settle') },
    { weight: 12, arbitrary: fc.constant('deliver') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'leave',
        'idle',
        'deliverAll',
        'deliverAll',
        'midnight',
        'end',
        'reserveDeafBeforeMidnight',
      ),
    },
  ),
  which: fc.nat(1_000),
  need: fc.integer({ min: 1, max: 120 }),
  least: fc.integer({ min: 0, max: 100 }),
  used: fc.integer({ min: 0, max: 100 }),
  lesser: fc.option(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 3 })),
});

/** A call that may choose has needs of others, the dearest first, and its least is that of the cheapest. */
function callOf(task: string, need: number, least: number, percents: readonly number[] | null) {
  const needs = [...new Set((percents ?? []).map((percent) => Math.floor((need * percent) / 100)))]
    .filter((one) => one > 0 && one < need)
    .toSorted((one, other) => other - one);
  const cheapest = needs.at(-1) ?? need;
  return {
    task,
    need,
    least: Math.floor((cheapest * least) / 100),
    ...(needs.length === 0 ? {} : { lesser: { needs, kept: need } }),
  };
}

describe('shared budgets', () => {
  it('never have more spent and lent than there is, whatever is under way at midnight, and in the end know what was spent', () => {
    let [overs, days, lesser] = [0, 0, 0];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const lending = opened(300);
        for (const [index, { what, which, need, least, used, lesser: percents }] of steps.entries()) {
          const run = NAMES[which % NAMES.length] ?? '';
          const borrower = lending.borrowers.get(run);
          const pick = (of: Iterable<string> = []): string | undefined => {
            const all = [...of];
            return all[which % all.length];
          };
          const under = pick(borrower?.underWay.keys());
          const waits = pick(borrower?.waiting.keys());
          const way = pick(lending.mail);
          const mayAsk = borrower?.hasEnded === false && !borrower.isOver;
          if (what.startsWith('reserve') && mayAsk)
            lending.reserve(run, callOf(`t${index}`, need, least, percents), what !== 'reserve');
          else if (what === 'settle' && under !== undefined) {
            const { nanos = 0 } = borrower?.underWay.get(under) ?? {};
            lending.settle(run, under, Math.floor((nanos * used) / 100), used % 5 === 0 ? waits : undefined);
          } else if (what === 'deliver' && way !== undefined) lending.deliver(way);
          else if (what === 'leave' && waits !== undefined) lending.leave(run, waits);
          else if (what === 'idle') lending.idle(run);
          else if (what === 'deliverAll') lending.deliverAll();
          else if (what === 'midnight' && which % 4 === 0) {
            days++;
            lending.midnight();
          } else if (what === 'end' && which % 5 === 0) lending.end(run);
          if (what === 'reserveDeafBeforeMidnight' && lending.mail.includes(`${run}>${run}`)) {
            lending.midnight();
            lending.deliver(`${run}>${run}`);
          }
          lending.check();
          for (const [name, { isOver, hasEnded }] of lending.borrowers)
            if (isOver && !hasEnded) {
              overs++;
              lending.end(name);
              lending.check();
            }
        }
        lesser += steps.filter((one) => one.lesser !== null).length;
        for (const name of NAMES) lending.end(name);
        lending.deliverAll();
        lending.check();
        for (const [id, { snapshot }] of lending.lenders) {
          const { settled, lent, waiting } = snapshot.context;
          expect({ id, settled, lent, waiting }).toEqual({
            id,
            settled: lending.spent.get(id) ?? 0,
            lent: 0,
            waiting: 0,
          });
        }
      }),
      { numRuns: 100, seed: 11 },
    );
    for (const [what, count] of Object.entries({ overs, days, lesser }))
      expect(count, `${what}: what never happens proves nothing`).toBeGreaterThan(5);
  });

  it('can be used to 95 % at least where there is work, in whatever order it comes', () => {
    const work = fc.record({
      seed: fc.nat(),
      used: fc.integer({ min: 0, max: 100 }),
      atOnce: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(work, ({ seed, used, atOnce }) => {
        const lending = opened(LIMIT);
        const random = randomOf(`work ${seed}`);
        const one = (of: readonly string[]): string | undefined => of[Math.floor(random.next() * of.length)];
        // Calls cost a twentieth of the budget at most: what is left in the end is less than one of them.
        for (let n = 0; [...lending.borrowers.values()].some(({ hasEnded }) => !hasEnded); n++) {
          expect(n, 'it goes on for ever').toBeLessThan(200_000);
          const run = one(NAMES) ?? '';
          const borrower = lending.borrowers.get(run);
          if (borrower?.isOver === true) lending.end(run);
          else if (borrower !== undefined && !borrower.hasEnded) {
            const open = borrower.waiting.size + borrower.underWay.size;
            const [first] = borrower.underWay;
            if (open < atOnce)
              lending.reserve(run, callOf(`t${n}`, random.between(1, 50), 50, random.chance(0.4) ? [60, 20] : null));
            else if (first !== undefined) {
              const [task, { nanos }] = first;
              lending.settle(run, task, Math.max(1, Math.floor((nanos * used) / 100)));
            }
          }
          const way = one(lending.mail);
          if (way !== undefined) lending.deliver(way);
        }
        lending.deliverAll();
        lending.check();
        const { settled = 0 } = lending.lenders.get(`budget:day:${lending.today}`)?.snapshot.context ?? {};
        expect(settled).toBeGreaterThanOrEqual(0.95 * LIMIT);
        expect(settled).toBeLessThanOrEqual(LIMIT);
      }),
      { numRuns: 8, seed: 12 },
    );
  });
});
