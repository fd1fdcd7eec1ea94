/** Waiting for something to become true, with a deadline: a test that hangs says what it waited for. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 20_000;
/** Each time is a request, which a server on a machine of two cores answers instead of what is waited for. */
const POLL_MS = 20;

/**
 * Asks until the answer is neither undefined nor false, and gives it back.
 *
 * @param what finishes the sentence "waited for …"
 * @example const run = await until('the run to end', async () => ((await read()).endedAt !== null ? true : undefined))
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) assert.fail(`waited ${DEADLINE_MS / 1_000} s for ${what}`);
    await pause(POLL_MS);
  }
}
