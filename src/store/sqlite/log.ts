/**
 * SQLite's write-ahead log, read from outside: which pages it holds, and whether it is as it was written.
 *
 * SQLite takes the first frame with a wrong checksum for the end of the log. After a power cut it is; where a bit has
 * flipped in the middle, everything behind it would be gone without a word, acknowledged commits too.
 *
 * The format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const HEADER = 32;
const FRAME_HEADER = 24;
const MAGIC = 0x37_7f_06_82;
const BIG_ENDIAN = 1;

interface Log {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly pageSize: number;
}

function read(path: string): Log | undefined {
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size);
    for (let at = 0; at < bytes.length;) {
      const got = readSync(fd, bytes, at, bytes.length - at, at);
      if (got === 0) break;
      at += got;
    }
    // Before the header of a new log is written, the file is empty or zeros.
    if (bytes.length < HEADER || bytes.subarray(0, HEADER).every((byte) => byte === 0)) return undefined;
    return { bytes, pageSize: bytes.readUInt32BE(8) };
  } finally {
    closeSync(fd);
  }
}

function* frames({ bytes, pageSize }: Log): Generator<number> {
  for (let at = HEADER; at + FRAME_HEADER + pageSize <= bytes.length; at += FRAME_HEADER + pageSize) yield at;
}

function isCurrent({ bytes }: Log, frame: number): boolean {
  return bytes.compare(bytes, 16, 24, frame + 8, frame + 16) === 0;
}

/** Frames read at a time. The buffer is kept: a new one for every checkpoint would be work for the garbage collector. */
const FRAMES = 256;
let chunk = Buffer.alloc(0);

/** Numbers of the pages that the log holds; perhaps too many, never too few. */
export function pagesInLog(path: string): ReadonlySet<number> {
  const pages = new Set<number>();
  if (!existsSync(path)) return pages;
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER);
    if (readSync(fd, header, 0, HEADER, 0) < HEADER || header.readUInt32BE(8) < 512) return pages;
    const frame = FRAME_HEADER + header.readUInt32BE(8);
    if (chunk.length !== FRAMES * frame) chunk = Buffer.alloc(FRAMES * frame);
    for (let from = HEADER; ; from += chunk.length) {
      const got = readSync(fd, chunk, 0, chunk.length, from);
      for (let at = 0; at + frame <= got; at += frame) {
        if (chunk.compare(header, 16, 24, at + 8, at + 16) !== 0) return pages;
        pages.add(chunk.readUInt32BE(at));
      }
      if (got < chunk.length) return pages;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * What is wrong with the log beyond what a power cut explains; undefined where nothing is.
 *
 * Each commit is synced before the next begins, so a cut leaves at most one that is not whole. A wrong frame with two
 * commits at or behind it was synced, and has changed since.
 */
export function damageOfLog(path: string): string | undefined {
  const log = read(path);
  if (log === undefined) return undefined;
  const { bytes, pageSize } = log;
  const sum = new Checksum((bytes.readUInt32BE(0) & BIG_ENDIAN) === BIG_ENDIAN);
  const magic = (bytes.readUInt32BE(0) & ~BIG_ENDIAN) >>> 0;
  sum.add(bytes, 0, 24);
  if (magic !== MAGIC || !sum.is(bytes, 24)) return 'its header is not as it was written';
  let wrong: number | undefined;
  let number = 0;
  let commits = 0;
  for (const at of frames(log)) {
    number++;
    if (wrong === undefined) {
      if (isCurrent(log, at)) {
        sum.add(bytes, at, 8);
        sum.add(bytes, at + FRAME_HEADER, pageSize);
      } else if (bytes.readUInt32BE(at + 8) === (bytes.readUInt32BE(16) + 1) >>> 0) {
        // The log was begun anew, and its new header did not reach the disk.
        return undefined;
      }
      if (isCurrent(log, at) && sum.is(bytes, at + 16)) continue;
      wrong = number;
    }
    const isCommit = bytes.readUInt32BE(at + 4) !== 0;
    if (isCommit && (isCurrent(log, at) || number === wrong)) commits++;
  }
  return wrong !== undefined && commits > 1 ? `its frame ${wrong} is not as it was written` : undefined;
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
