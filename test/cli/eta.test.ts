import { describe, expect, it } from 'vitest';
import { etaText } from '../../src/cli/eta.ts';

describe('an ETA in words', () => {
  it.each([
    [{ etaSeconds: 42, etaFrom: 'learned' as const }, '42.0 s (as in earlier runs)'],
    [{ etaSeconds: 3_720, etaFrom: 'declared' as const }, '1 h 2 min (as its author says)'],
    [{ etaSeconds: 0, etaFrom: 'counted' as const }, '0 ms'],
    [{ etaSeconds: 5, etaFrom: 'default' as const }, '5.0 s (a guess: as what is like it)'],
    [
      { etaSeconds: null, etaReason: 'waits for approval of "deploy"', etaAtLeastSeconds: 5 },
      'not known: waits for approval of "deploy"; 5.0 s at least',
    ],
    [
      { etaSeconds: null, etaReason: 'the run is paused\u001b[2J', etaAtLeastSeconds: 0 },
      'not known: the run is paused\ufffd[2J',
    ],
    [{ etaSeconds: null }, undefined],
  ])('of %j', (run, expected) => {
    expect(etaText(run)).toBe(expected);
  });
});
