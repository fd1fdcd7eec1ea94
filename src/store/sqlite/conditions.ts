/** Conditions that read otherwise than one would write them, each for its reason. */
import { sql } from 'drizzle-orm';
import type { SQL, SQLWrapper } from 'drizzle-orm';
import { blob, blobUse, message, run } from './schema.ts';

/**
 * Whether a text has `part` in it; case of ASCII letters does not matter. `instr` and not `LIKE`: `%` and `_` in what
 * a person types are only characters, and a long text is no error.
 */
export function contains(text: SQLWrapper, part: string): SQL {
  return sql`instr(lower(${text}), lower(${part})) > 0`;
}

/**
 * The tenant's rows, among those that the other conditions find. The `+` keeps SQLite from beginning with all runs of
 * the tenant: it would read and sort the whole journal for one page of the feed.
 */
export function isCheckedLast(tenant: string | SQLWrapper): SQL {
  return sql`+${run.tenant} = ${tenant}`;
}

/**
 * The big value of this hash, where nobody refers to it. A message under way may be all that does: its receiver claims
 * the value when it takes the message.
 */
export function isUnused(hash: SQLWrapper | string): SQL {
  const byRun = sql`select 1 from ${blobUse} where ${blobUse.hash} = ${blob.hash}`;
  const byMessage = sql`select 1 from ${message} where instr(${message.blobs}, ${blob.hash}) > 0`;
  return sql`${blob.hash} = ${hash} and not exists (${byRun}) and not exists (${byMessage})`;
}
