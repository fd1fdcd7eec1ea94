/** How long a failed attempt waits before the next one. Pure: chance comes from a hash (R2). */
import type { RetryPolicy } from '../src/document/definition.ts';

/**
 * The longest wait that is granted to a server's `Retry-After`. Providers renew their longest quotas, those of a day,
 * within it; what asks for more is broken, or hostile: "99999999999999999999" would park a task for good.
 */
export const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * Milliseconds to wait after `attempt` (1 is the first) failed: exponential with full jitter, a value between 0 and
 * min(maxSeconds, initialSeconds · factor^(attempt−1)), and never less than the server asked for. Its wish is not bounded
 * by the task's `maxSeconds` (to come back sooner would waste an attempt), but by `LONGEST_RETRY_AFTER_MS`: 24 hours.
 * Formula: "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter".
 *
 * @example backoffMs({ maxRetries: 3, initialSeconds: 1, factor: 2, maxSeconds: 60 }, 1, 'run/plan') // 0..1000
 */
export function backoffMs(retry: RetryPolicy, attempt: number, seed: string, retryAfterMs = 0): number {
  const ceiling = Math.min(retry.maxSeconds, retry.initialSeconds * retry.factor ** (attempt - 1)) * 1_000;
  const asked = Number.isNaN(retryAfterMs) ? 0 : Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
  return Math.ceil(Math.max(ceiling * fraction(`${seed}/${attempt}`), asked));
}

/** A number in [0, 1) that depends on the text only (FNV-1a, finished with murmur3's mixer). */
export function fraction(text: string): number {
  let mixed = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
