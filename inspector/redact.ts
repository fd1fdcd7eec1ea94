/**
 * Takes secrets out of what leaves for an inspector that somebody else hosts.
 *
 * A secret is known by the name it is kept under (`apiKey`, `access_token`, `Authorization`, …), by its value where the
 * caller knows it, or by its form (`Bearer …`, `sk-…`, `"password": "…"` and `token=…` inside a text). It is better to
 * hide a word too many than to show one too few: what was sent cannot be taken back.
 */

/** What stands in place of a secret. */
const REDACTED = '[redacted]';

/** Longer texts are cut: an inspector shows what happened, the journal keeps it whole. */
const MAX_TEXT = 10_000;
const MAX_DEPTH = 50;
/** Shorter values would hide ordinary words. */
const MIN_SECRET = 6;

const NAMES =
  '(?:api|access|private|secret|signing|encryption)[-_]?key|token|authorization|password|passwd|pwd|passphrase|secret|credential|cookie';
const SECRET_NAME = new RegExp(`(?:${NAMES})s?$`, 'i');
/** `inputTokens: 12` is a count; texts under such a name are secrets. */
const COUNTS = /tokens$/i;
/** Names are bounded, so that a long text takes no more than a multiple of its length. */
const NAME = `[\\w-]{0,64}(?:${NAMES})s?`;
const SECRET_FORMS: readonly (readonly [form: RegExp, replacement: string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\bsk-[\w-]{8,}/g, REDACTED],
  [new RegExp(`("${NAME}"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`(\\\\"${NAME}\\\\"\\s*:\\s*\\\\")(?:(?!\\\\").)*`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`\\b(${NAME}(?:=|:\\s*))[^\\s&"'{[]+`, 'gi'), `$1${REDACTED}`],
  [/(\b[a-z][\w+.-]{0,30}:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/gi, `$1${REDACTED}`],
];

/** Makes a value fit to be seen: plain JSON without secrets. The value itself is not changed. */
export type Redact = (value: unknown) => unknown;

/**
 * A function that takes secrets out of any value.
 *
 * @param secrets values known to be secret; those under 6 characters are not looked for
 * @example
 * const redact = redactor([process.env.OPENAI_API_KEY])
 * redact({ apiKey: 'x', note: 'Bearer abcdefgh' }) // { apiKey: '[redacted]', note: 'Bearer [redacted]' }
 */
export function redactor(secrets: readonly (string | undefined)[] = []): Redact {
  // The longest first, so that no rest of a secret stays where another is a part of it.
  const known = secrets
    .filter((secret): secret is string => secret !== undefined && secret.length >= MIN_SECRET)
    .toSorted((a, b) => b.length - a.length);

  const text = (value: string): string => {
    let clean = value;
    for (const secret of known) clean = clean.replaceAll(secret, REDACTED);
    const more = clean.length - MAX_TEXT;
    if (more > 0) clean = clean.slice(0, MAX_TEXT);
    for (const [form, replacement] of SECRET_FORMS) clean = clean.replace(form, replacement);
    return more > 0 ? `${clean}… (${more} more characters)` : clean;
  };

  const record = (entries: Iterable<readonly [unknown, unknown]>, depth: number): object => {
    const clean: [string, unknown][] = [];
    for (const [name, part] of entries) {
      if (part === undefined) continue;
      const key = String(name);
      clean.push([text(key), SECRET_NAME.test(key) ? hidden(key, part) : walk(part, depth + 1)]);
    }
    return Object.fromEntries(clean);
  };

  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'function') return { type: value.name };
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_DEPTH) return '…';
    if (Array.isArray(value)) return value.map((part) => walk(part, depth + 1));
    if (value instanceof Map) return record(value, depth);
    if (value instanceof Set) return [...value].map((part) => walk(part, depth + 1));
    if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
    if (value instanceof Error)
      return { name: value.name, message: text(value.message), ...record(Object.entries(value), depth) };
    if ('toJSON' in value && typeof value.toJSON === 'function') return walk(value.toJSON(), depth + 1);
    return record(Object.entries(value), depth);
  };

  return (value) => walk(value, 0);
}

/** What stands in place of `value`, which is kept under the name of a secret. */
function hidden(name: string, value: unknown): unknown {
  if (value === null || value === '') return value;
  if (!COUNTS.test(name)) return REDACTED;
  if (typeof value !== 'object') return typeof value === 'string' ? REDACTED : value;
  if (Array.isArray(value)) return value.map((part) => hidden(name, part));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, hidden(name, part)]));
}
