/** Conditions that read otherwise than one would write them, each for its reason. */
import { sql } from 'drizzle-orm';
import type { SQL, SQLWrapper } from 'drizzle-orm';
import { run } from './schema.ts';

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
export function isCheckedLast(tenant: string): SQL {
  return sql`+${run.tenant} = ${tenant}`;
}
