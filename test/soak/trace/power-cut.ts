/**
 * Files as a power cut leaves them, rebuilt from the trace of what a process wrote and synced.
 *
 * What was synced is always there. What was not may be there or not, write by write and, within a write, sector by
 * sector; the rest of the disk keeps what it had.
 */
import assert from 'node:assert/strict';
import type { Chance } from '../../crash/chance.ts';
import { bytesOf, type TracedCall } from './strace.ts';

/** What a disk writes at once. */
const SECTOR = 512;

/** One change of a file that is not on the disk for certain. */
type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly length: number };

/** A disk, fed with a trace. */
export class Disk {
  readonly #files: ReadonlyMap<string, { readonly synced: Bytes; unsynced: Change[] }>;

  /** @param files what is on it at the begin, by path */
  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = new Map(
      [...files].map(([path, bytes]) => [path, { synced: new Bytes(bytes), unsynced: [] }] as const),
    );
  }

  /** Takes the next call of the trace. */
  take({ name, path, rest }: TracedCall): void {
    const file = this.#files.get(path);
    assert.ok(file, `expected only calls to the files of the database, came ${name} of ${path}`);
    if (name === 'ftruncate') file.unsynced.push({ kind: 'truncate', length: Number.parseInt(rest, 10) });
    else if (name === 'pwrite64') file.unsynced.push(toWrite(rest));
    else {
      for (const change of file.unsynced) file.synced.apply(change);
      file.unsynced = [];
    }
  }

  /** The files after a cut at this moment, by path. The same choices give the same files. */
  cut(chance: Chance): ReadonlyMap<string, Buffer> {
    return new Map(
      [...this.#files].map(([path, { synced, unsynced }]) => {
        const left = new Bytes(synced.content);
        for (const change of unsynced.flatMap((one) => torn(one, chance))) left.apply(change);
        return [path, left.content];
      }),
    );
  }
}

/** A file's content, growing in steps: a copy for each write would take minutes. */
class Bytes {
  #buffer: Buffer;
  #length: number;

  constructor(content: Buffer) {
    this.#buffer = Buffer.from(content);
    this.#length = content.length;
  }

  get content(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  apply(change: Change): void {
    if (change.kind === 'truncate') {
      this.#grow(change.length);
      this.#buffer.fill(0, change.length);
      this.#length = change.length;
      return;
    }
    const end = change.at + change.bytes.length;
    this.#grow(end);
    change.bytes.copy(this.#buffer, change.at);
    this.#length = Math.max(this.#length, end);
  }

  #grow(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(length * 2);
    this.content.copy(larger);
    this.#buffer = larger;
  }
}

/** What of a change reached the disk: all of it, nothing, or some sectors. */
function torn(change: Change, chance: Chance): readonly Change[] {
  const fate = chance(3);
  if (fate === 0) return [];
  if (fate === 1 || change.kind !== 'write') return [change];
  const sectors: Change[] = [];
  for (let from = 0; from < change.bytes.length;) {
    const to = from + SECTOR - ((change.at + from) % SECTOR);
    if (chance(2) === 0) sectors.push({ kind: 'write', at: change.at + from, bytes: change.bytes.subarray(from, to) });
    from = to;
  }
  return sectors;
}

/** A write without its file: `"\x12…", 4096, 8192) = 4096`. */
function toWrite(rest: string): Change {
  const [, text = '', length, at] = /^"([^"]*)", (\d+), (\d+)\)/.exec(rest) ?? [];
  const bytes = bytesOf(text);
  assert.equal(bytes?.length, Number(length), 'the trace has every byte of a write');
  return { kind: 'write', at: Number(at), bytes };
}
