/** Shared values as they stand at a turn: a row says where in the journal the value is. */
import type { RunRows } from '../runtime/rows.ts';
import type { SharedRow } from '../store/shared-values.ts';
import type { Scope } from './reads.ts';

/** Id of the actor that they are written by. No task can have it: names have no slash. */
export const SHARED = '/shared';

/** Where it is in its run. */
export const SHARED_ADDRESS = '/%2Fshared';

/** A value with its revision. */
export function sharedValue({ key, revision, seq }: SharedRow, rows: Pick<RunRows, 'entry'>): SharedValueRead {
  return { key, revision, value: (rows.entry(seq) as { readonly value: unknown }).value };
}

/** One shared value, as it was read. */
export interface SharedValueRead {
  readonly key: string;
  readonly revision: number;
  readonly value: unknown;
}

/** What prompts and expressions see of the shared values that they read: those that somebody has written. */
export function sharedScope(rows: RunRows, keys: readonly string[] | undefined): Pick<Scope, 'shared'> {
  if (keys === undefined || keys.length === 0) return {};
  const found = keys.flatMap((key): [string, unknown][] => {
    const row = rows.get('shared', key);
    return row === undefined ? [] : [[key, sharedValue(row, rows).value]];
  });
  return { shared: Object.fromEntries(found) };
}
