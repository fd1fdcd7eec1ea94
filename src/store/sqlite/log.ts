/**
 * SQLite's write-ahead log, read from outside: which pages it holds, and whether it is as it was written.
 *
 * SQLite takes the first frame with a wrong checksum for the end of the log. After a power cut it is; where a bit has
 * flipped in the middle, everything behind it would be gone without a word, acknowledged commits too.
 *
 * The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';

const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x37_7f_06_82;
const BIG_ENDIAN = 1;
/** Frames read at a time: a log may be longer than a buffer can be. */
const FRAMES = 256;
/** Kept: a new one for every checkpoint would be work for the garbage collector. */
let chunk = Buffer.alloc(0);

/** What a log holds. */
export interface LogContent {
  /** How often it was begun anew; undefined where there is none. */
  readonly round: number | undefined;
  /** Numbers of the pages in it that a checkpoint may write; perhaps too many, never too few. */
  readonly pages: ReadonlySet<number>;
}

/** Looks into a log. */
export function contentOfLog(path: string): LogContent {
  const pages = new Set<number>();
  let size = 0;
  const round = withLog(path, (header, frames) => {
    for (const at of frames) {
      const page = chunk.readUInt32BE(at);
      // A power cut may leave the second half of a frame's header without its first: there is no page 0.
      if (page === 0 || !isCurrent(header, at)) break;
      pages.add(page);
      size = Math.max(size, chunk.readUInt32BE(at + 4));
    }
    return header.readUInt32BE(12);
  });
  // No commit made the database longer: the number is not as it was written, and SQLite ends the log before it.
  for (const page of pages) if (page > size) pages.delete(page);
  return { round, pages };
}

/**
 * What is wrong with the log beyond what a power cut explains; undefined where nothing is.
 *
 * Each commit is synced before the next begins, so a cut leaves at most one that is not whole. A wrong frame with two
 * commits at or behind it was synced, and has changed since.
 */
export function damageOfLog(path: string): string | undefined {
  return withLog(path, (header, frames) => {
    const sum = new Checksum((header.readUInt32BE(0) & BIG_ENDIAN) === BIG_ENDIAN);
    const magic = (header.readUInt32BE(0) & ~BIG_ENDIAN) >>> 0;
    sum.add(header, 0, 24);
    if (magic !== MAGIC || !sum.is(header, 24)) return 'its header is not as it was written';
    const pageSize = header.readUInt32BE(8);
    let wrong: number | undefined;
    let number = 0;
    let commits = 0;
    for (const at of frames) {
      number++;
      const current = isCurrent(header, at);
      if (wrong === undefined) {
        // The log was begun anew, and its new header did not reach the disk.
        if (!current && chunk.readUInt32BE(at + 8) === (header.readUInt32BE(16) + 1) >>> 0) return undefined;
        if (current) {
          sum.add(chunk, at, 8);
          sum.add(chunk, at + FRAME_HEADER, pageSize);
          if (sum.is(chunk, at + 16)) continue;
        }
        wrong = number;
      }
      const isCommit = chunk.readUInt32BE(at + 4) !== 0;
      // What an earlier round of the log left there differs in both halves of its salt: a bit that flipped, in one.
      if (isCommit && (current || (number === wrong && isNearlyCurrent(header, at)))) commits++;
    }
    return wrong !== undefined && commits > 1 ? `its frame ${wrong} is not as it was written` : undefined;
  });
}

/** Looks at the header and, in `chunk`, at each frame; undefined where there is no log yet. */
function withLog<T>(path: string, look: (header: Buffer, frames: Generator<number>) => T): T | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER);
    // Before the header of a new log is written, the file is empty or zeros.
    if (readSync(fd, header, 0, HEADER, 0) < HEADER || header.every((byte) => byte === 0)) return undefined;
    return look(header, framesOf(fd, header));
  } finally {
    closeSync(fd);
  }
}

/** Where in `chunk` the next frame is. */
function* framesOf(fd: number, header: Buffer): Generator<number> {
  const pageSize = header.readUInt32BE(8);
  // Of a header that is not as it was written.
  if (pageSize < 512 || pageSize > 65_536) return;
  const frame = FRAME_HEADER + pageSize;
  if (chunk.length !== FRAMES * frame) chunk = Buffer.alloc(FRAMES * frame);
  for (let from = HEADER; ; from += chunk.length) {
    const got = readSync(fd, chunk, 0, chunk.length, from);
    for (let at = 0; at + frame <= got; at += frame) yield at;
    if (got < chunk.length) return;
  }
}

function isCurrent(header: Buffer, at: number): boolean {
  return chunk.compare(header, 16, 24, at + 8, at + 16) === 0;
}

function isNearlyCurrent(header: Buffer, at: number): boolean {
  return chunk.compare(header, 16, 20, at + 8, at + 12) === 0 || chunk.compare(header, 20, 24, at + 12, at + 16) === 0;
}

/** The checksum of the log: over pairs of 32-bit words, from the header on. */
class Checksum {
  readonly #bigEndian: boolean;
  #one = 0;
  #other = 0;

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  add(bytes: Buffer, from: number, length: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, length);
    const little = !this.#bigEndian;
    for (let at = 0; at < length; at += 8) {
      this.#one = (this.#one + view.getUint32(at, little) + this.#other) >>> 0;
      this.#other = (this.#other + view.getUint32(at + 4, little) + this.#one) >>> 0;
    }
  }

  is(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#one && bytes.readUInt32BE(at + 4) === this.#other;
  }
}
