/** A value that the tasks of a run share, as its readers see it. */
import { FermataError } from '../errors.ts';
import type { RunKey } from '../store/runs.ts';
import type { SharedRow } from '../store/shared-values.ts';
import type { Store } from '../store/store.ts';
import { decodeStored } from './stored-values.ts';

/** A value that the tasks of a run share. */
export interface SharedValue {
  readonly key: string;
  /** 1 for the first value under the key, and one more with each write. */
  readonly revision: number;
  readonly value: unknown;
  /** The task that wrote it. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a fork that began with it: the run where it was written, and the number of the fact in that. */
  readonly reused?: { readonly runId: string; readonly seq: number };
}

/** What a row of a run stands for: the value is in the journal. Throws `databaseCorrupt` where it is not. */
export async function sharedValue(
  owner: RunKey,
  { key, revision, seq }: SharedRow,
  store: Pick<Store, 'entry' | 'blob'>,
): Promise<SharedValue> {
  const entry = await store.entry(owner, seq);
  if (entry === undefined)
    throw new FermataError(
      'databaseCorrupt',
      `Run ${owner.run} has no journal entry ${seq}, which a shared value names.`,
    );
  const { value, by, reused } = (await decodeStored(store, entry.dataJson)) as Pick<
    SharedValue,
    'value' | 'by' | 'reused'
  >;
  return { key, revision, value, by, at: entry.at, ...(reused === undefined ? {} : { reused }) };
}
