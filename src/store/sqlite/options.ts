/** What may be set of a SQLite store. A file of its own: whoever reads its types needs those of no driver for it. */

/** Settings of a SQLite store. */
export interface SqliteOptions {
  /** Pages of 4 KiB that the file may have, so that a test can fill the disk. Default: as many as SQLite can count. */
  readonly maxPages?: number;
  /** Milliseconds between two comparisons of all pages of the file with their sums; default ten minutes. */
  readonly compareAfterMs?: number;
}
