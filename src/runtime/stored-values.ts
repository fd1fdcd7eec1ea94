/** Stored values, for whoever reads them outside of turns: what has to be loaded is waited for. */
import { FermataError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { decode, type RefCodec } from './codec.ts';
import { Reader, settle } from './suspend.ts';

/** Finds the texts of big values, inside `settle`. Throws `databaseCorrupt` where one is gone. */
export function bigValues(store: Pick<Store, 'blob'>): (hash: string) => string {
  const reader = new Reader();
  return (hash) => {
    const text = reader.read(hash, () => store.blob(hash));
    if (text !== undefined) return text;
    throw new FermataError(
      'databaseCorrupt',
      `The big value ${hash} is gone from the database. Restore it from a backup.`,
    );
  };
}

/** Decodes a stored text. */
export async function decodeStored(store: Pick<Store, 'blob'>, text: string, refs?: RefCodec): Promise<unknown> {
  const blob = bigValues(store);
  return settle(() => decode(text, blob, refs));
}
