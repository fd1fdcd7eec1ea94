const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * How long a provider asks to wait, in milliseconds; undefined where it does not say. Read in this order, from the
 * most exact to the vaguest: `retry-after-ms`, `Retry-After` (seconds or a date), `x-ratelimit-reset-requests` and
 * `-tokens` (`6m0s`; of the limit that is used up), `x-ratelimit-reset` (seconds or a date as a number).
 *
 * @param now milliseconds since 1970, used where a date came and the response has no `Date` of its own; the provider's
 *   own clock comes first, so that ours may be wrong
 *
 * @example
 * retryAfterMs(new Headers({ 'retry-after': '2' })) // 2000
 */
export function retryAfterMs(headers: Headers, now?: number): number | undefined {
  const serverNow = Date.parse(headers.get('date') ?? '');
  const present = Number.isNaN(serverNow) ? now : serverNow;
  return (
    number(headers.get('retry-after-ms'), 1) ??
    number(headers.get('retry-after'), 1_000) ??
    until(Date.parse(headers.get('retry-after') ?? ''), present) ??
    resetOfLimits(headers) ??
    resetAsNumber(headers.get('x-ratelimit-reset'), present)
  );
}

function number(text: string | null, unitMs: number): number | undefined {
  if (text === null || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Math.ceil(Number(text) * unitMs);
}

function until(time: number, now: number | undefined): number | undefined {
  return Number.isNaN(time) || now === undefined ? undefined : Math.max(0, time - now);
}

function resetOfLimits(headers: Headers): number | undefined {
  const resets = ['requests', 'tokens'].flatMap((limit) => {
    const ms = duration(headers.get(`x-ratelimit-reset-${limit}`));
    return ms === undefined ? [] : [{ ms, usedUp: headers.get(`x-ratelimit-remaining-${limit}`)?.trim() === '0' }];
  });
  if (resets.length === 0) return undefined;
  const usedUp = resets.filter((reset) => reset.usedUp);
  // which one refused is not said: the shortest at least brings the truth soon
  return usedUp.length > 0 ? Math.max(...usedUp.map(({ ms }) => ms)) : Math.min(...resets.map(({ ms }) => ms));
}

/** Go's notation, which OpenAI uses: `1s`, `6m0s`, `20ms`, `1.5s`. */
function duration(text: string | null): number | undefined {
  if (text === null || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return Math.ceil(ms);
}

function resetAsNumber(text: string | null, now: number | undefined): number | undefined {
  const value = number(text, 1);
  if (value === undefined) return duration(text);
  // seconds to wait, seconds since 1970, or milliseconds since 1970: their sizes tell them apart
  if (value < 1e9) return number(text, 1_000);
  return until(value < 1e12 ? value * 1_000 : value, now);
}
