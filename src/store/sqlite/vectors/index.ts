/**
 * The vectors of questions in SQLite, searched by this process: no extension is needed, and none has to be installed.
 *
 * V1. The tables are the truth. What is in memory are sketches of the spaces that were looked through last; before each
 *     search they are brought up to what is committed, and a key whose row is gone is forgotten when it is met.
 * V2. What is said of two vectors is computed from both as they are kept: sketches only choose which ones to read.
 * V3. Others go first every millisecond or so, however much there is to go through.
 */
import type { SimilarQuestion, VectorIndex } from '../../vectors.ts';
import { answerSizes, type AnswerSizes } from '../answer-sizes.ts';
import type { Connection } from '../connection.ts';
import { onFirstUse } from '../prepared.ts';
import type { Writer } from '../writer.ts';
import { prepareVectors, type VectorStatements } from './statements.ts';
import { mostDiffering, sketchOf, wordsOf } from './sketch.ts';
import { Sketches } from './sketches.ts';

/** Bytes of sketches in memory, unless it is said otherwise: half a million questions of 1,536 dimensions. */
const MOST_BYTES = 128 * 1024 * 1024;
/** Vectors that are read for a search at most, however few are asked for: the nearest one is among them. */
const READ = 96;
/** Of a word of a sketch. */
const BITS = 32;
/** Rows of sketches that are read before others may go first. */
const PAGE = 500;
const VALUES_AT_ONCE = 48;
/** Times that a search begins anew, because most of what it met was gone. */
const TRIES = 4;

/** What it depends on. */
export interface VectorOptions {
  readonly writer: Pick<Writer, 'writeOutsideTurns'>;
  /** Lets others go first. */
  readonly pause: () => Promise<void>;
  /** Bound of what is in memory; the space that is looked through is there whatever it takes. */
  readonly mostBytes?: number;
}

/** A vector that was deleted with its question. */
export interface GoneVector {
  readonly key: number;
  readonly tenant: string;
  readonly space: string;
}

/**
 * The index of a connection.
 *
 * @example
 * const vectors = new SqliteVectors(connection, { writer, pause: () => pause(systemLoop) });
 * await vectors.nearest('default', { space, values, atLeast: 0.85, limit: 1 })
 */
export class SqliteVectors implements VectorIndex {
  readonly #statements: () => VectorStatements;
  readonly #sizes: AnswerSizes;
  readonly #options: VectorOptions;
  /** By tenant and space; the one that was looked through last is the last one. */
  readonly #loaded = new Map<string, Sketches>();

  constructor(connection: Connection, options: VectorOptions) {
    this.#statements = onFirstUse(() => prepareVectors(connection));
    this.#sizes = answerSizes(connection);
    this.#options = options;
  }

  async addVector(tenant: string, { hash, space, values }: Parameters<VectorIndex['addVector']>[1]): Promise<boolean> {
    const { answerOf, drop, insert, insertValues } = this.#statements();
    return this.#options.writer.writeOutsideTurns(() => {
      const answer = answerOf.get(tenant, hash);
      if (answer === undefined) return false;
      drop.run(answer);
      const { lastInsertRowid } = insert.run(answer, tenant, space, bytesOf(sketchOf(values)));
      insertValues.run(lastInsertRowid, bytesOf(values));
      this.#sizes.weigh(tenant, hash);
      return true;
    });
  }

  async vectorOf(
    tenant: string,
    hash: string,
  ): Promise<{ readonly space: string; readonly values: Float32Array } | undefined> {
    const { answerOf, ofAnswer } = this.#statements();
    const found = ofAnswer.get(answerOf.get(tenant, hash) ?? null);
    return found && { space: found.space, values: floatsIn(found.values) };
  }

  async removeVectors(tenant: string, hashes: readonly string[]): Promise<void> {
    const { answerOf, drop } = this.#statements();
    this.#options.writer.writeOutsideTurns(() => {
      for (const hash of hashes) {
        drop.run(answerOf.get(tenant, hash) ?? null);
        this.#sizes.weigh(tenant, hash);
      }
    });
  }

  async nearest(tenant: string, query: Parameters<VectorIndex['nearest']>[1]): Promise<readonly SimilarQuestion[]> {
    for (let tries = 1; ; tries++) {
      const { found, met, gone } = await this.#search(tenant, query);
      // Those that are gone stood in the way of others.
      if (gone <= met / 2 || found.length === query.limit || tries === TRIES) return found;
    }
  }

  /** They were deleted, and that is committed. */
  forget(vectors: readonly GoneVector[]): void {
    for (const { key, tenant, space } of vectors) this.#loaded.get(nameOf(tenant, space))?.remove([key]);
  }

  async #search(
    tenant: string,
    { space, values, atLeast, limit }: Parameters<VectorIndex['nearest']>[1],
  ): Promise<{ readonly found: readonly SimilarQuestion[]; readonly met: number; readonly gone: number }> {
    const { valuesOf, hashOf } = this.#statements();
    const { pause } = this.#options;
    const sketches = await this.#upToDate(tenant, space, wordsOf(values.length));
    const near = await sketches.nearest(sketchOf(values), { count: Math.max(READ, limit), atLeast }, pause);
    const similar: { readonly key: number; readonly similarity: number }[] = [];
    const gone: number[] = [];
    const bits = BITS * wordsOf(values.length);
    let most = bits;
    let met = 0;
    for (const { key, distance } of near) {
      // The rest differs in more bits than one that would be among the nearest.
      if (distance > most) break;
      if (met > 0 && met % VALUES_AT_ONCE === 0) await pause();
      met++;
      const kept = valuesOf.get(key);
      if (kept === undefined) {
        gone.push(key);
        continue;
      }
      const similarity = cosine(floatsIn(kept), values);
      if (!(similarity >= atLeast)) continue;
      const at = similar.findLastIndex((other) => other.similarity >= similarity) + 1;
      similar.splice(at, 0, { key, similarity });
      const last = similar[limit - 1];
      if (last !== undefined) most = mostDiffering(bits, last.similarity);
    }
    sketches.remove(gone);
    const found: SimilarQuestion[] = [];
    for (const { key, similarity } of similar) {
      if (found.length === limit) break;
      const hash = hashOf.get(key);
      if (hash !== undefined) found.push({ hash, similarity });
    }
    return { found, met, gone: gone.length };
  }

  /** The sketches of a space. A page is read and added in one go, so that two who read at once add each row once. */
  async #upToDate(tenant: string, space: string, words: number): Promise<Sketches> {
    const name = nameOf(tenant, space);
    const sketches = this.#loaded.get(name) ?? new Sketches(words);
    this.#loaded.delete(name);
    this.#loaded.set(name, sketches);
    for (;;) {
      const rows = this.#statements().newer.all(tenant, space, sketches.newest, PAGE);
      for (const { key, sketch } of rows) sketches.add(key, wordsIn(sketch, words));
      if (rows.length < PAGE) break;
      await this.#options.pause();
    }
    this.#letGo();
    return sketches;
  }

  /** Whoever is going through one that is let go keeps it until then. */
  #letGo(): void {
    const { mostBytes = MOST_BYTES } = this.#options;
    let bytes = 0;
    for (const sketches of this.#loaded.values()) bytes += sketches.bytes;
    for (const [name, sketches] of this.#loaded) {
      if (bytes <= mostBytes || this.#loaded.size === 1) return;
      this.#loaded.delete(name);
      bytes -= sketches.bytes;
    }
  }
}

function nameOf(tenant: string, space: string): string {
  return `${tenant}\0${space}`;
}

/** Both are of length 1. NaN, and so below every bound, where they are not of one dimension or a row is damaged. */
function cosine(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return Number.NaN;
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += (one[at] as number) * (other[at] as number);
  return Math.min(1, sum);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function floatsIn(bytes: Buffer): Float32Array {
  const length = bytes.length >>> 2;
  // A view where the bytes lie as floats must: to copy each would take as long as to compare it.
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, length);
  return new Float32Array(new Uint8Array(bytes).buffer, 0, length);
}

function wordsIn(bytes: Buffer, words: number): Uint32Array {
  const sketch = new Uint32Array(words);
  new Uint8Array(sketch.buffer).set(bytes.subarray(0, 4 * words));
  return sketch;
}
