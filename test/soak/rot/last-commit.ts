/** Where the last transaction of a log begins. */

const HEADER = 32;
const FRAME_HEADER = 24;

/**
 * The offset of the first byte of the last transaction in SQLite's write-ahead log. A bit that flips behind it cannot be
 * told from a write that a power cut tore.
 *
 * The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
export function lastTransactionIn(log: Buffer): number {
  const frame = FRAME_HEADER + log.readUInt32BE(8);
  const salts = log.subarray(16, 24);
  const ends = [HEADER];
  for (let at = HEADER; at + frame <= log.length; at += frame) {
    // Behind the end there may be frames of an earlier round, with other salts.
    if (!log.subarray(at + 8, at + 16).equals(salts)) break;
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (isCommit) ends.push(at + frame);
  }
  return ends.at(-2) ?? HEADER;
}
