/**
 * Takes secrets out of what is logged and of what errors say.
 *
 * A secret is known by its value, wherever it stands, or by the name it is kept under, in any case and at any depth:
 * `apiKey`, `X-Api-Key`, `set-cookie`, `OPENAI_API_KEY`.
 */

/** What stands in place of a secret. */
const REDACTED = '[redacted]';

/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 8;
/** What is nested deeper, or contains itself, is left out. */
const MAX_DEPTH = 12;

const SECRET_NAME =
  /(?:(?:api|access|private|secret|signing|encryption)[-_]?key|token|authorization|password|passwd|pwd|passphrase|secret|credential|cookie)s?$/i;
/** `inputTokens: 12` is a count; texts under such a name are secrets. */
const COUNTS = /tokens$/i;
const SECRET_VARIABLE = /(?:KEY|TOKEN|SECRET|PASSWORD)$/i;

/** Takes secrets out of texts and of values. */
export interface Redactor {
  text(text: string): string;
  /** A copy, as JSON would have it, without secrets. */
  value(value: unknown): unknown;
}

/**
 * A redactor that knows these values. Those under 8 characters are not looked for.
 *
 * @example
 * const { text } = redactor([process.env.OPENAI_API_KEY])
 * text('401: sk-… is wrong') // '401: [redacted] is wrong'
 */
export function redactor(secrets: readonly (string | undefined)[] = []): Redactor {
  const known = secrets
    .filter((secret): secret is string => secret !== undefined && secret.length >= SHORTEST_SECRET)
    // As it stands in JSON and in a URL.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]);
  // The longest first, so that no rest of a secret stays where another one is a part of it.
  const ordered = [...new Set(known)].toSorted((a, b) => b.length - a.length);
  const text = (value: string): string =>
    ordered.reduce((clean, secret) => (clean.includes(secret) ? clean.replaceAll(secret, REDACTED) : clean), value);

  const record = (parts: object, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [
        text(name),
        isHidden(name, part) ? REDACTED : walk(part, depth + 1),
      ]),
    );
  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_DEPTH) return '…';
    if (Array.isArray(value)) return value.map((part) => walk(part, depth + 1));
    if (value instanceof Error) return { name: value.name, message: text(value.message), ...record(value, depth) };
    if ('toJSON' in value && typeof value.toJSON === 'function') return walk(value.toJSON(), depth + 1);
    if (value instanceof Map) return walk([...value], depth);
    if (value instanceof Set) return walk([...value], depth);
    return record(value, depth);
  };
  return { text, value: (value) => walk(value, 0) };
}

/** Values of variables whose names say that they are secret: `…KEY`, `…TOKEN`, `…SECRET`, `…PASSWORD`. */
export function secretVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    SECRET_VARIABLE.test(name) && value !== undefined ? [value, value.trim()] : [],
  );
}

function isHidden(name: string, value: unknown): boolean {
  if (value === undefined || value === null || value === '' || !SECRET_NAME.test(name)) return false;
  return !COUNTS.test(name) || typeof value === 'string';
}
