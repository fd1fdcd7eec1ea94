/** Which model a call is made with, whatever the candidates are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BALANCED_FACTOR,
  fitting,
  NO_FAILURES,
  preferred,
  type Candidate,
  type Failures,
} from '../../src/cost/choice.ts';
import { stated } from '../../src/cost/choice-reason.ts';

const candidate = fc.record(
  {
    provider: fc.constant('openai'),
    model: fc.string({ minLength: 1, maxLength: 3 }),
    rank: fc.nat(5),
    expectedNanos: fc.nat(1_000_000),
    tooLongFor: fc.nat(1_000),
  },
  { requiredKeys: ['provider', 'model', 'rank'] },
) as fc.Arbitrary<Candidate>;
const places = fc.uniqueArray(fc.nat(6), { maxLength: 6 });
const failures: fc.Arbitrary<Failures> = fc.record({ lately: places, forGood: places });
const optimize = fc.constantFrom(undefined, 'minimizeCost', 'balanced', 'maximizeQuality' as const);
const list = fc.array(candidate, { minLength: 1, maxLength: 7 });

const cost = ({ expectedNanos = Infinity }: Candidate): number => expectedNanos;

describe('whoever is asked', () => {
  it('is one that may be, each once, and there is one while not all have failed for good', () => {
    fc.assert(
      fc.property(list, optimize, failures, (candidates, wanted, failed) => {
        const order = preferred(candidates, wanted, failed);
        const alive = candidates.map((_, at) => at).filter((at) => !failed.forGood.includes(at));
        expect(new Set(order).size).toBe(order.length);
        expect(order.every((at) => alive.includes(at))).toBe(true);
        expect(order.length > 0).toBe(alive.length > 0);
        const fresh = alive.filter((at) => candidates[at]?.tooLongFor === undefined && !failed.lately.includes(at));
        if (fresh.length > 0) expect(new Set(order)).toEqual(new Set(fresh));
      }),
    );
  });

  it('costs no more than another that might be asked (minimizeCost), is no worse (maximizeQuality), or neither by much (balanced)', () => {
    fc.assert(
      fc.property(list, failures, (candidates, failed) => {
        const open = (order: readonly number[]): readonly Candidate[] => order.flatMap((at) => candidates[at] ?? []);
        const [cheap, ...dearer] = open(preferred(candidates, 'minimizeCost', failed));
        if (cheap === undefined) return;
        expect(dearer.every((one) => cost(one) >= cost(cheap))).toBe(true);
        const [best, ...worse] = open(preferred(candidates, 'maximizeQuality', failed));
        expect(worse.every(({ rank }) => rank >= (best?.rank ?? 0))).toBe(true);
        const [even, ...others] = open(preferred(candidates, 'balanced', failed));
        const most = BALANCED_FACTOR * cost(cheap);
        expect(cost(even ?? cheap)).toBeLessThanOrEqual(most);
        expect(others.every((one) => cost(one) > most || one.rank >= (even?.rank ?? 0))).toBe(true);
      }),
    );
  });

  it('fits into what is left for it, or needs the least', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), fc.nat(2_000), fc.nat(500), (needs, left, kept) => {
        const need = needs[fitting(needs, left, kept)] ?? -1;
        expect(need <= left - kept || need === Math.min(...needs)).toBe(true);
        const before = needs.slice(0, fitting(needs, left, kept));
        if (need <= left - kept) expect(before.every((one) => one > left - kept)).toBe(true);
      }),
    );
  });

  it('is said with a reason, whatever has happened', () => {
    fc.assert(
      fc.property(list, optimize, failures, (candidates, wanted, failed) => {
        for (const at of preferred(candidates, wanted, failed)) {
          const { because, candidates: shown } = stated({ candidates, optimize: wanted, failures: failed, at });
          expect(because).toMatch(/^[^]+ .+$/);
          expect(shown[at]?.leftOut).toBeUndefined();
        }
      }),
    );
  });
});

it('a model of unknown price is never the cheapest, and the first where nobody knows any', () => {
  const [known, unknown] = [
    { provider: 'p', model: 'known', rank: 1, expectedNanos: 10 },
    { provider: 'p', model: 'unknown', rank: 0 },
  ];
  expect(preferred([unknown, known], 'minimizeCost', NO_FAILURES)).toEqual([1, 0]);
  expect(preferred([unknown, known], 'balanced', NO_FAILURES)).toEqual([1, 0]);
  expect(preferred([unknown, known], 'maximizeQuality', NO_FAILURES)).toEqual([0, 1]);
  expect(preferred([unknown, { ...unknown, rank: 1 }], 'balanced', NO_FAILURES)).toEqual([0, 1]);
});
