/** Rows of what may have brought the process down, and what it is at: in memory they outlive the store, as a file does. */
import type { CommitGroup } from '../../store/commit.ts';
import type { SuspectRow, SuspectStore } from '../../store/suspects.ts';
import { nameOf, type MemoryDatabase, type Writing } from './database.ts';

/** What is read and written outside of a group. */
export function suspectsOf(use: () => MemoryDatabase): SuspectStore {
  return {
    suspects: async () => [...use().suspects.values()],
    putSuspects: async (rows) => {
      const { suspects } = use();
      for (const row of rows) suspects.set(suspectKey(row), row);
    },
    dropSuspects: async (key) => {
      const { suspects } = use();
      for (const [name, row] of suspects) if (nameOf(row) === nameOf(key)) suspects.delete(name);
    },
  };
}

/** "This one was decided, and nobody died of it", for a group. */
export function dropSuspects(
  { suspects }: MemoryDatabase,
  writing: Writing,
  gone: NonNullable<CommitGroup['suspectsGone']>,
): void {
  for (const row of gone) writing.delete(suspects, suspectKey(row));
}

function suspectKey(row: Pick<SuspectRow, 'tenant' | 'run' | 'key'>): string {
  return `${nameOf(row)}\0${row.key}`;
}
