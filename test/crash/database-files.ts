/** The files that make up a database: itself, its log, and the checksums of its pages. */
import { copyFileSync, existsSync } from 'node:fs';

/** What follows the database's own path. What SQLite keeps in shared memory (`-shm`) is made anew at every start. */
const SUFFIXES = ['', '-wal', '.sums'];

/** Paths of all files of a database, whether they are there or not. */
export function filesOf(database: string): readonly string[] {
  return SUFFIXES.map((suffix) => database + suffix);
}

/** Copies a database as it stands on the disk, whatever its process is doing. */
export function copyDatabase(from: string, to: string): void {
  for (const suffix of SUFFIXES) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
}
