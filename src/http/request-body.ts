/** Bodies before any route reads them: their size, their texts, and documents in JSON or YAML. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { isRecord, jsonFaults } from '../document/json.ts';
import { readJsonText, readText } from '../document/parse.ts';
import { FermataError } from '../errors.ts';
import { problem, wrongContentType } from './problem.ts';
import type { HttpEnvironment } from './router.ts';

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/i;
const YAML_TYPE = /^(?:application|text)\/yaml$/i;
/** A NUL character as JSON escapes it, not preceded by an escaped backslash. */
const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/;

/** Refuses bodies over `maxBytes`, with a length and without (chunked). */
export function limitBody(maxBytes: number): MiddlewareHandler<HttpEnvironment> {
  return bodyLimit({
    maxSize: maxBytes,
    onError: (c) =>
      problem(
        c,
        new FermataError(
          'bodyTooLarge',
          `The body is over ${maxBytes} bytes. Send less, or raise the limit of the server.`,
          { data: { maxBytes } },
        ),
      ),
  });
}

/** Refuses NUL characters anywhere, and lets an empty body with a content type stand for `{}`. */
export const checkTexts: MiddlewareHandler<HttpEnvironment> = async (c, next) => {
  if (/%00/.test(c.req.url)) throw new FermataError('nulCharacter', 'The URL holds a NUL character (%00). Remove it.');
  if (c.req.method === 'POST' || c.req.method === 'PUT') {
    const text = await c.req.text();
    if (ESCAPED_NUL.test(text)) refuseNul(text);
    if (text.trim() === '' && mediaType(c) !== '') Object.assign(c.req.bodyCache, { text: Promise.resolve('{}') });
  }
  await next();
};

function refuseNul(text: string): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: whoever reads it says so, with the place.
    return;
  }
  const { nul } = jsonFaults(value);
  if (nul.length > 0)
    throw new FermataError(
      'nulCharacter',
      `The body holds a NUL character (U+0000) at ${nul.map(({ path }) => path || 'its root').join(', ')}. Remove it.`,
      { faults: nul },
    );
}

/**
 * A workflow document as written, from JSON or YAML.
 *
 * @throws FermataError `unsupportedMediaType`, `malformedJson`, `invalidDocument` (YAML, with line and column)
 */
export async function readDocument(c: Context): Promise<unknown> {
  const type = mediaType(c);
  const text = await c.req.text();
  if (YAML_TYPE.test(type)) return readText(text);
  if (!JSON_TYPE.test(type)) throw wrongContentType(c, 'application/json, application/yaml or text/yaml');
  return readJsonText(text);
}

/**
 * Refuses a field `__proto__` of an object in a body, which the schemas pass over without a word: whoever sent it would
 * believe that it was taken.
 *
 * @param field of the body; left out: the body itself
 * @throws FermataError `invalidRequest`
 */
export async function refusePrototype(c: Context, field?: string): Promise<void> {
  const body = await c.req.json<unknown>();
  const holder = field === undefined || !isRecord(body) ? body : body[field];
  if (!isRecord(holder) || !Object.hasOwn(holder, '__proto__')) return;
  const path = [...(field === undefined ? [] : [field]), '__proto__'].join('.');
  const message = 'nothing is kept under this name';
  throw new FermataError('invalidRequest', `The request has a fault: ${path}: ${message}.`, {
    faults: [{ path, message }],
  });
}

function mediaType(c: Context): string {
  return c.req.header('content-type')?.split(';')[0]?.trim() ?? '';
}
