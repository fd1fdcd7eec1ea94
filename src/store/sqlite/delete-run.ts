/** Deletes a run with all it owns, and the big values that nobody else refers to. */
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { FermataError } from '../../errors.ts';
import type { RunKey, RunStatus } from '../store.ts';
import { isUnused } from './conditions.ts';
import { raiseHighWater } from './high-water.ts';
import type { JournalReads } from './journal.ts';
import type { RunKeys } from './run-keys.ts';
import { blob, blobUse, journal, run, runState, suspect } from './schema.ts';
import type { Writer } from './writer.ts';

const ENDED: readonly RunStatus[] = ['completed', 'failed', 'cancelled'];

/**
 * Prepares the deletion of ended runs. It returns false where the run does not exist.
 *
 * @throws FermataError `runNotEnded` where the run could still write its rows
 */
export function prepareDeleteRun(
  db: BetterSQLite3Database,
  keys: RunKeys,
  journalReads: Pick<JournalReads, 'forget'>,
  writer: Writer,
): (owner: RunKey, options?: { readonly unended?: boolean }) => boolean {
  const usePosition = raiseHighWater(db, 'position');

  function dropRows(key: number): void {
    const last = db
      .select({ position: sql<number | null>`max(${journal.position})` })
      .from(journal)
      .where(eq(journal.run, key));
    usePosition(last.get()?.position ?? 0);
    const used = db.selectDistinct({ hash: blobUse.hash }).from(blobUse).where(eq(blobUse.run, key)).all();
    db.delete(run).where(eq(run.key, key)).run();
    for (const { hash } of used) db.delete(blob).where(isUnused(hash)).run();
  }

  return (owner, { unended = false } = {}) => {
    const status = writer.writeOutsideTurns(() => {
      const key = keys.of(owner);
      if (key === undefined) return undefined;
      const state = db.select({ status: runState.status }).from(runState);
      const found = state.where(and(eq(runState.run, key), inArray(runState.status, [...ENDED]))).get();
      if (found === undefined && !unended) return 'notEnded';
      dropRows(key);
      db.delete(suspect)
        .where(and(eq(suspect.tenant, owner.tenant), eq(suspect.run, owner.run)))
        .run();
      return 'deleted';
    });
    if (status === 'notEnded') {
      throw new FermataError(
        'runNotEnded',
        `Run "${owner.run}" has not ended, and only ended runs can be deleted. Cancel it first.`,
      );
    }
    if (status === 'deleted') {
      keys.forget(owner);
      journalReads.forget();
    }
    return status === 'deleted';
  };
}
