/** Deletes a run with all it owns, and the big values that nobody else refers to. */
import { and, eq, inArray, notInArray, sql } from 'drizzle-orm';
import { FermataError } from '../../errors.ts';
import type { RunKey, RunStatus, RunStore } from '../runs.ts';
import { isUnused } from './conditions.ts';
import type { Connection } from './connection.ts';
import { raiseHighWater } from './high-water.ts';
import type { JournalReads } from './journal.ts';
import type { RunKeys } from './run-keys.ts';
import { insertStatement, together } from './prepared.ts';
import { blob, blobUse, forkedFrom, journal, message, run, runState, suspect } from './schema.ts';
import type { Writer } from './writer.ts';

const ENDED: readonly RunStatus[] = ['completed', 'failed', 'cancelled'];

/** Forks that a refusal names. */
const MOST_NAMED = 10;

const prepareWrites = together({
  usePosition: raiseHighWater('position'),
  useMessage: raiseHighWater('message'),
  useKey: raiseHighWater('run'),
  writeMessage: insertStatement(message),
});

/** What whoever deletes a run is told that others read from. */
function hasForks(run: string, forks: readonly string[]): FermataError {
  return new FermataError(
    'runHasForks',
    `Run "${run}" cannot be deleted yet: ${forks.join(', ')} ${forks.length === 1 ? 'is a fork of it that has' : 'are forks of it that have'} not ended and ${forks.length === 1 ? 'takes' : 'take'} over what it found. Cancel them first, or wait for their end.`,
    { data: { forks } },
  );
}

/**
 * Prepares the deletion of ended runs. It returns false where the run does not exist.
 *
 * @throws FermataError `runNotEnded` where the run could still write its rows, `runHasForks` where a fork reads them
 */
export function prepareDeleteRun(
  connection: Connection,
  keys: RunKeys,
  journalReads: Pick<JournalReads, 'forget'>,
  writer: Writer,
): (...asked: Parameters<RunStore['deleteRun']>) => boolean {
  const { db } = connection;
  const { usePosition, useMessage, useKey, writeMessage } = prepareWrites(connection);

  function dropRows(key: number): void {
    const last = db
      .select({ position: sql<number | null>`max(${journal.position})` })
      .from(journal)
      .where(eq(journal.run, key));
    usePosition(last.get()?.position ?? 0);
    useKey(key);
    const used = db.selectDistinct({ hash: blobUse.hash }).from(blobUse).where(eq(blobUse.run, key)).all();
    db.delete(run).where(eq(run.key, key)).run();
    for (const { hash } of used) db.delete(blob).where(isUnused(hash)).run();
  }

  /** Not an own index for those that have not ended: a run has few forks. */
  function openForksOf({ tenant, run: id }: RunKey): readonly string[] {
    return db
      .select({ id: run.run })
      .from(forkedFrom)
      .innerJoin(run, eq(run.key, forkedFrom.run))
      .innerJoin(runState, eq(runState.run, forkedFrom.run))
      .where(and(eq(forkedFrom.origin, id), eq(run.tenant, tenant), notInArray(runState.status, [...ENDED])))
      .limit(MOST_NAMED)
      .all()
      .map((fork) => fork.id);
  }

  return (owner, { unended = false, messagesSent = [] } = {}) => {
    const status = writer.writeOutsideTurns(() => {
      const key = keys.of(owner);
      if (key === undefined) return undefined;
      const state = db.select({ status: runState.status }).from(runState);
      const found = state.where(and(eq(runState.run, key), inArray(runState.status, [...ENDED]))).get();
      if (found === undefined && !unended) return 'notEnded';
      const forks = openForksOf(owner);
      if (forks.length > 0) return { forks };
      dropRows(key);
      db.delete(suspect)
        .where(and(eq(suspect.tenant, owner.tenant), eq(suspect.run, owner.run)))
        .run();
      for (const row of messagesSent) {
        writeMessage(row);
        useMessage(row.id);
      }
      return 'deleted';
    });
    if (status === 'notEnded') {
      throw new FermataError(
        'runNotEnded',
        `Run "${owner.run}" has not ended, and only ended runs can be deleted. Cancel it first.`,
      );
    }
    if (typeof status === 'object') throw hasForks(owner.run, status.forks);
    if (status === 'deleted') {
      keys.forget(owner);
      journalReads.forget();
    }
    return status === 'deleted';
  };
}
