/**
 * What every store must do: the invariants S1 to S4 of `src/store/store.ts`, and each of its methods.
 *
 * @example storeContract('SQLite in memory', async () => ({ store, cleanup }));
 */
import { describe } from 'vitest';
import { commitContract } from './contract/commit.ts';
import { countsContract } from './contract/counts.ts';
import { deletionContract } from './contract/deletion.ts';
import { answersContract } from './contract/answers.ts';
import { ledgerContract } from './contract/ledger.ts';
import { listsContract } from './contract/lists.ts';
import { readsContract, reopeningContract } from './contract/reads.ts';
import { suspectsContract, lastStopContract } from './contract/suspects.ts';
import type { LastingStoreUnderTest, MakeStore } from './contract/under-test.ts';
import { vectorsContract } from './contract/vectors.ts';
import { workflowsContract } from './contract/workflows.ts';

/** Runs the suite on stores that `make` makes whose rows outlive them. */
export function lastingStoreContract(name: string, make: MakeStore<LastingStoreUnderTest>): void {
  storeContract(name, make);
  describe(`store contract: ${name}`, () => {
    reopeningContract(make);
    lastStopContract(make);
  });
}

/** Runs the suite on stores that `make` makes: a new, open, empty one for every test. */
export function storeContract(name: string, make: MakeStore): void {
  describe(`store contract: ${name}`, () => {
    commitContract(make);
    readsContract(make);
    listsContract(make);
    countsContract(make);
    workflowsContract(make);
    deletionContract(make);
    suspectsContract(make);
    ledgerContract(make);
    answersContract(make);
    vectorsContract(make);
  });
}
