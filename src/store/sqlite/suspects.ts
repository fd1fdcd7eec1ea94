/** Rows of what may have brought the process down. Few, and written only where a process died. */
import { and, eq, sql } from 'drizzle-orm';
import type { SuspectRow, SuspectStore } from '../suspects.ts';
import type { Connection } from './connection.ts';
import { builder, type Prepare, upsertStatement, writeStatement } from './prepared.ts';
import { suspect } from './schema.ts';
import type { Writer } from './writer.ts';

const preparePut = upsertStatement(suspect, [suspect.tenant, suspect.run, suspect.key]);

/** Prepares what is read and written outside of a group. */
export function suspectStore(connection: Connection, writer: Writer): SuspectStore {
  const { db } = connection;
  const put = preparePut(connection);
  return {
    suspects: async () => db.select().from(suspect).all(),
    putSuspects: async (rows) =>
      writer.writeOutsideTurns(() => {
        for (const row of rows) put(columnsOf(row));
      }),
    dropSuspects: async ({ tenant, run }) =>
      writer.writeOutsideTurns(() => {
        db.delete(suspect)
          .where(and(eq(suspect.tenant, tenant), eq(suspect.run, run)))
          .run();
      }),
  };
}

/** Prepares "this one was decided, and nobody died of it", for a group. */
export const prepareDropSuspect: Prepare<(row: Pick<SuspectRow, 'tenant' | 'run' | 'key'>) => void> = writeStatement(
  () =>
    builder
      .delete(suspect)
      .where(
        and(
          eq(suspect.tenant, sql.placeholder('tenant')),
          eq(suspect.run, sql.placeholder('run')),
          eq(suspect.key, sql.placeholder('key')),
        ),
      ),
);

function columnsOf({ tenant, run, key, what, count, at, aloneSince, quarantinedAt }: SuspectRow): SuspectRow {
  return { tenant, run, key, what, count, at, aloneSince, quarantinedAt };
}
