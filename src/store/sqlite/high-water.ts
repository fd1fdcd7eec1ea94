/** The greatest journal position, message id and key of a run ever used, also where the rows that had them are gone. */
import { sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { Connection } from './connection.ts';
import { builder, onFirstUse, type Prepare, writeStatement } from './prepared.ts';
import { highWater, journal, message } from './schema.ts';

/** Prepares "this number was used": the mark rises to it and never falls. */
export function raiseHighWater(name: 'position' | 'message' | 'run'): Prepare<(value: number) => void> {
  const prepare = writeStatement(() =>
    builder
      .insert(highWater)
      .values({ name, value: sql.placeholder('value') })
      .onConflictDoUpdate({ target: highWater.name, set: { value: sql`max(value, excluded.value)` } }),
  );
  return (connection) => {
    const raise = prepare(connection);
    return (value) => {
      raise({ value });
    };
  };
}

/** Where numbering goes on after a start. */
export function readHighWater(db: BetterSQLite3Database): { readonly position: number; readonly messageId: number } {
  const marks = new Map(
    db
      .select()
      .from(highWater)
      .all()
      .map(({ name, value }) => [name, value]),
  );
  const last =
    db
      .select({ id: sql<number | null>`max(${journal.position})` })
      .from(journal)
      .get()?.id ?? 0;
  const lastMessage =
    db
      .select({ id: sql<number | null>`max(${message.id})` })
      .from(message)
      .get()?.id ?? 0;
  return {
    position: Math.max(last, marks.get('position') ?? 0),
    messageId: Math.max(lastMessage, marks.get('message') ?? 0),
  };
}

/**
 * The key of the next run. SQLite would give that of a deleted one again, and what is still kept under it, a question that
 * nobody asks any more, would be taken for one of another run.
 */
export function prepareNextRun({ driver }: Connection): () => number {
  const next = onFirstUse(() =>
    driver
      .prepare<unknown[], number>(
        `select max(coalesce((select max(key) from run), 0),
           coalesce((select value from high_water where name = 'run'), 0)) + 1`,
      )
      .pluck(),
  );
  return () => next().get() ?? 1;
}

const probeStatement = writeStatement(() =>
  builder
    .insert(highWater)
    .values({ name: 'probe', value: 1 })
    .onConflictDoUpdate({ target: highWater.name, set: { value: sql`value + 1` } }),
);

/** Prepares a small write that changes something each time: SQLite leaves a page alone that would stay as it is. */
export function prepareProbe(connection: Connection): () => void {
  const probe = probeStatement(connection);
  return () => {
    probe({});
  };
}
