/** Lists in pages: `limit`, an opaque `cursor`, and `{items, nextCursor}`. */
import { z } from '@hono/zod-openapi';
import { FermataError } from '../errors.ts';

/** Entries of a page: 1..1000, default 100. */
export const limitParameter = z.coerce
  .number<string | number>()
  .int()
  .min(1)
  .max(1_000)
  .default(100)
  .openapi({ type: 'integer', minimum: 1, maximum: 1_000, default: 100 });

/** Where a page begins: the `nextCursor` of the one before. */
const cursorParameter = z.string().min(1).max(2_000).optional();

/** The query of every list. */
export const pageQuery = { limit: limitParameter, cursor: cursorParameter };

/** The body of every list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** Names the last entry of a page; `list` keeps cursors of one list out of another. */
export function toCursor(list: string, last: string | number): string {
  return Buffer.from(`${list} ${last}`).toString('base64url');
}

/**
 * What a cursor names, as a text; `form` is what those of this list look like.
 *
 * @throws FermataError `invalidRequest` where it is not one of this list
 */
export function readCursor(list: string, cursor: string | undefined, form = /./s): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString();
  const last = text.slice(list.length + 1);
  if (text.startsWith(`${list} `) && form.test(last)) return last;
  const message = `expected the nextCursor of an earlier page of this list, came ${JSON.stringify(cursor)}`;
  throw new FermataError('invalidRequest', `The cursor is wrong: ${message}.`, {
    faults: [{ path: 'query.cursor', message }],
  });
}

/** The same for cursors that are numbers. */
export function readNumberCursor(list: string, cursor: string | undefined): number | undefined {
  const text = readCursor(list, cursor, /^\d{1,15}$/);
  return text === undefined ? undefined : Number(text);
}

/** A page from one entry more than was asked for: the one more tells whether there is another page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursor: (last: Row) => string,
  view: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(view), nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null };
}
