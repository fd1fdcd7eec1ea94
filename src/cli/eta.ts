/** When a run will have ended, in words. */
import type { Run } from '../client/index.ts';
import { duration, printable } from './text.ts';

const WORDS: Readonly<Record<string, string>> = {
  declared: 'as its author says',
  learned: 'as in earlier runs',
  default: 'a guess: as what is like it',
  bytes: 'a guess',
};

/**
 * `42.0 s (as in earlier runs)`; `not known: waits for approval of "deploy"; 5.0 s at least`. Undefined of a run that has
 * ended.
 *
 * @example
 * etaText({ etaSeconds: 42, etaFrom: 'learned' }) // '42.0 s (as in earlier runs)'
 */
export function etaText(
  run: Pick<Run, 'etaSeconds' | 'etaFrom' | 'etaReason' | 'etaAtLeastSeconds'>,
): string | undefined {
  const { etaSeconds, etaFrom = 'counted', etaReason, etaAtLeastSeconds = 0 } = run;
  if (etaSeconds !== null) {
    const from = WORDS[etaFrom];
    return `${duration(etaSeconds * 1_000)}${from === undefined ? '' : ` (${from})`}`;
  }
  if (etaReason === undefined) return undefined;
  const least = etaAtLeastSeconds === 0 ? '' : `; ${duration(etaAtLeastSeconds * 1_000)} at least`;
  return `not known: ${printable(etaReason)}${least}`;
}
