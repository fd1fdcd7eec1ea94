/**
 * A checksum of each page of the database file, in a file beside it (`PATH.sums`). SQLite has checksums in its log, but
 * none in the file itself: a bit that flips on the disk in a page of rows would be read as if it had been written.
 *
 * P1. The file changes at checkpoints only. Before one, the pages that it will write are marked as unknown, and that is
 *     synced; after it, their sums are written. Whenever the process ends, a sum that is there is that of its page.
 * P2. Every page with a sum is compared: in the first 64 MB before anything is read, in the rest while the process works.
 *     One that differs: the database is refused, or the process stops and the next one refuses it.
 * P3. Without the file there is nothing to compare; it is made anew from the pages as they are.
 * P4. The sums know whether a log was under way, and in which of its rounds. Where somebody else has moved it since (a
 *     database browser that looked in after a crash, a backup program), nothing is known of any page.
 */
import { closeSync, existsSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const MAGIC = 'FermSum2';
const HEADER = 32;
const UNKNOWN = 0;
/** Where the header says whether all pages are to be compared before anything else. */
const SUSPECT = 12;
/** Where it says whether a log is under way, and in which round it is. */
const ROUND = 16;
/** Bytes compared at a time: a few milliseconds. */
const PART = 4 * 1024 * 1024;
/** Sums between two changed ones that are written along, to spare a write of their own. */
const GAP = 1_024;

/** The sums of one database file. */
export class PageSums {
  readonly #fd: number;
  readonly #pageSize: number;
  /** Entry 0 is page 1. */
  #sums: Uint32Array<ArrayBuffer>;

  private constructor(fd: number, pageSize: number, sums: Uint32Array<ArrayBuffer>) {
    this.#fd = fd;
    this.#pageSize = pageSize;
    this.#sums = sums;
  }

  /** Opens the sums of a database file, or begins with none where there is no such file, or it belongs to another page size. */
  static open(path: string, pageSize: number): PageSums {
    const fd = openSync(path, existsSync(path) ? 'r+' : 'w+');
    const bytes = readAll(fd);
    const header = headerOf(pageSize);
    if (bytes.length >= HEADER && bytes.subarray(0, SUSPECT).equals(header.subarray(0, SUSPECT))) {
      const count = Math.floor((bytes.length - HEADER) / 4);
      return new PageSums(fd, pageSize, new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER, count).slice());
    }
    writeWhole(fd, header, 0);
    return new PageSums(fd, pageSize, new Uint32Array(0));
  }

  /** Their sums are not known from now on, also after a power cut. */
  forget(pages: Iterable<number>): void {
    const changed = [...pages];
    if (changed.length === 0) return;
    for (const page of changed) this.#set(page, UNKNOWN);
    this.#write(changed);
    fdatasyncSync(this.#fd);
  }

  /** Learns the sums of pages that are in the database file now. */
  learn(database: number, pages: Iterable<number>): void {
    const buffer = Buffer.alloc(this.#pageSize);
    const learned: number[] = [];
    for (const page of pages) {
      if (readSync(database, buffer, 0, this.#pageSize, (page - 1) * this.#pageSize) !== this.#pageSize) continue;
      this.#set(page, sumOf(buffer));
      learned.push(page);
    }
    this.#write(learned);
  }

  /**
   * Compares the pages of the database file, a few megabytes at a time, and learns those that were unknown. Yields the
   * numbers of those that differ, of each part.
   */
  *compare(database: number): Generator<readonly number[], void> {
    // A small file is one part, and needs no more room than it has.
    const perPart = Math.floor(Math.min(PART, fstatSync(database).size + this.#pageSize) / this.#pageSize);
    const buffer = Buffer.alloc(perPart * this.#pageSize);
    for (let first = 0; ; first += perPart) {
      const got = readSync(database, buffer, 0, buffer.length, first * this.#pageSize);
      if (got < this.#pageSize) return;
      const differ: number[] = [];
      const learned: number[] = [];
      for (let at = 0; at + this.#pageSize <= got; at += this.#pageSize) {
        const page = first + at / this.#pageSize + 1;
        const sum = sumOf(buffer.subarray(at, at + this.#pageSize));
        const known = this.#sums[page - 1] ?? UNKNOWN;
        if (known === UNKNOWN) {
          this.#set(page, sum);
          learned.push(page);
        } else if (known !== sum) differ.push(page);
      }
      this.#write(learned);
      yield differ;
    }
  }

  /** True where a process before has found a page that differs: all are compared first, until they are as they were. */
  get isSuspect(): boolean {
    const flag = Buffer.alloc(1);
    readSync(this.#fd, flag, 0, 1, SUSPECT);
    return flag[0] === 1;
  }

  set isSuspect(suspect: boolean) {
    if (suspect === this.isSuspect) return;
    writeWhole(this.#fd, Buffer.of(suspect ? 1 : 0), SUSPECT);
    fdatasyncSync(this.#fd);
  }

  /** The round of the log that is under way; undefined where none was. Its first is 0, and -1 is one that has not begun. */
  get round(): number | undefined {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, ROUND);
    return bytes.readInt32LE(0) === 1 ? bytes.readInt32LE(4) : undefined;
  }

  set round(round: number | undefined) {
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(round === undefined ? 0 : 1, 0);
    bytes.writeInt32LE(round ?? 0, 4);
    writeWhole(this.#fd, bytes, ROUND);
    fdatasyncSync(this.#fd);
  }

  /** Nothing is known of any page. */
  forgetAll(): void {
    this.#sums = new Uint32Array(0);
    ftruncateSync(this.#fd, HEADER);
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #set(page: number, sum: number): void {
    if (page > this.#sums.length) {
      const grown = new Uint32Array(Math.max(page, this.#sums.length * 2));
      grown.set(this.#sums);
      this.#sums = grown;
    }
    this.#sums[page - 1] = sum;
  }

  #write(pages: readonly number[]): void {
    const sorted = pages.toSorted((a, b) => a - b);
    for (let at = 0; at < sorted.length;) {
      const first = sorted[at] ?? 1;
      let last = first;
      while (at < sorted.length && (sorted[at] ?? 0) - last <= GAP) last = sorted[at++] ?? last;
      const bytes = new Uint8Array(this.#sums.buffer, (first - 1) * 4, (last - first + 1) * 4);
      writeWhole(this.#fd, bytes, HEADER + (first - 1) * 4);
    }
  }
}

/** Never that of an unknown page. */
function sumOf(page: Buffer): number {
  return crc32(page) || 1;
}

function headerOf(pageSize: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(pageSize, 8);
  return header;
}

/** A disk that fills up takes a part, and says why only when it is given the rest. */
function writeWhole(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

function readAll(fd: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  let at = 0;
  for (;;) {
    const got = readSync(fd, bytes, at, bytes.length - at, at);
    if (got === 0) return bytes.subarray(0, at);
    at += got;
  }
}
