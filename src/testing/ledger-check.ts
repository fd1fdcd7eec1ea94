/** That the ledger which is kept is what the journals say: any process may find it so after any crash. */
import { isDeepStrictEqual } from 'node:util';
import { BILLING_FACTS, ledgerRows } from '../document/ledger.ts';
import { decode } from '../runtime/codec.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import { check } from './reference-run.ts';
import type { MemoryDatabase, RunRecord } from './store/database.ts';

/**
 * The ledger as it is kept is the one that is made anew of the journals, row for row.
 *
 * Throws FermataError `simulationFailed`.
 */
export function checkLedger(database: MemoryDatabase): void {
  const kept = Map.groupBy(database.ledger.values(), ({ run }) => run);
  for (const record of database.runs.values()) {
    const { run } = record.origin;
    const rows = (kept.get(run) ?? []).map(({ key: _, tenant: __, run: ___, ...row }: LedgerEntry) => row);
    const made = record.origin.workflowId === undefined ? [] : fold(record, database);
    check(isDeepStrictEqual(rows, made), `P14 the ledger of run ${run} is not what its journal says`);
    const { modelCalls = 0, cacheHits = 0 } = record.state.counts;
    check(
      modelCalls + cacheHits === made.length,
      `P14 run ${run} counts ${modelCalls} requests and ${cacheHits} that were saved, and ${made.length} are on its bills`,
    );
  }
}

function fold({ entries }: RunRecord, { blobs }: MemoryDatabase) {
  return [...entries.values()]
    .filter(({ kind, type }) => kind === 'fact' && BILLING_FACTS.includes(type))
    .flatMap(({ seq, at, type, dataJson }) => {
      const data = decode(dataJson, (hash) => blobs.get(hash) ?? '') as Readonly<Record<string, unknown>>;
      return ledgerRows({ entry: seq, at, type, data });
    });
}
