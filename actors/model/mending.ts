import { boundedOutput, type Allowed } from '../../src/cost/reservation.ts';
import { billOf, mostOf } from '../../src/cost/unit-prices.ts';
import { PER_MESSAGE } from './input-tokens.ts';
import type { ModelUsage } from './usage.ts';

/** The answer that has to be mended. */
interface Broken {
  readonly maxOutputTokens: number | undefined;
  readonly allowed: Allowed;
  /** Of the first request. */
  readonly usage: ModelUsage | null;
  readonly answer: string;
  /** What it is told besides its answer. */
  readonly complaint: string;
}

/**
 * How long the mended answer may be, with what the first request has left of what was reserved for both; undefined where
 * that is too little.
 */
export function mendingTokens({ maxOutputTokens = 0, allowed, usage, answer, complaint }: Broken): number | undefined {
  const { nanos, inputTokens, minOutputTokens, prices } = allowed;
  const spent = usage === null ? mostOf({ inputTokens, outputTokens: maxOutputTokens }, prices) : billOf(usage, prices);
  // What the model has said it counts as it counted then; what it is told, each byte may be a token.
  const said = usage?.outputTokens ?? bytesOf(answer);
  const asked = inputTokens + said + bytesOf(complaint) + 2 * PER_MESSAGE;
  return boundedOutput(nanos - spent, { inputTokens: asked, maxOutputTokens, minOutputTokens }, prices);
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
