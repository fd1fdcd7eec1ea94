/**
 * A durable machine does what the same machine does in plain XState (R8): after each step the same states, context, history,
 * children, output, error, tags and meta; over all actors the same events taken and emitted, in the same order; the same
 * custom actions. Also when the process ends in the middle of a cascade, after every single turn (R4).
 */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { asynchronous } from './stores.ts';
import { runDurably, type Way } from './conformance/durable-run.ts';
import { subjects } from './conformance/index.ts';
import { runPlain } from './conformance/plain-run.ts';
import { checkRandom } from './conformance/random-check.ts';
import type { Seen } from './conformance/scenario.ts';

const ways: readonly Way[] = [
  { name: 'in one process' },
  { name: 'restarted after every step, on a store that answers nothing at once', restarts: true, wrap: asynchronous },
  { name: 'killed between every two turns', killed: true },
];

describe.each(Object.entries(subjects))('R8: as plain XState, %s', (_, scenarios) => {
  let plain: readonly Seen[];
  beforeAll(async () => {
    // It warns of events to stopped actors, which some scenarios send on purpose.
    const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {});
    plain = await Promise.all(scenarios.map(runPlain));
    warnings.mockRestore();
  });

  describe.each(ways)('$name', (way) => {
    let durable: readonly Seen[];
    beforeAll(async () => {
      durable = await runDurably(scenarios, way);
    });

    it.each(scenarios.map(({ name }, index) => [name, index] as const))('%s', (_name, index) => {
      const [expected, seen] = [plain[index], durable[index]];
      expect(seen?.steps).toEqual(expected?.steps);
      // A process that is killed takes with it what it would have done next (R7).
      if (way.killed === true) expect(expected?.did).toEqual(expect.arrayContaining([...(seen?.did ?? [])]));
      else expect(seen?.did).toEqual(expected?.did);
    });
  });
});

describe('R8: as plain XState, random machines', () => {
  // `npm run soak -- --only conformance` tries others.
  it.each([
    { seed: 15, machines: 25, way: { name: 'in one process' } },
    { seed: 11, machines: 2, way: { name: 'killed between every two turns', killed: true } },
  ])('$machines of seed $seed $way.name', async ({ seed, machines, way }) => {
    const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { turns } = await checkRandom(seed, machines, [way]);
    warnings.mockRestore();
    expect(turns).toBeGreaterThan(10 * machines);
  });
});
