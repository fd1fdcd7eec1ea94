/**
 * The sketches of one space in memory, and the search among them: those that differ in the fewest bits.
 *
 * In steps, since most are nowhere near: by the first bits of all, and of the best of those by all bits. Those that differ in
 * more bits than any that is asked for would are left out at each step, so that where nothing is near, nothing is left. Keys
 * ascend, as they are added in the order in which they were given out; what is removed leaves a hole until many are.
 */
import { mostDiffering } from './sketch.ts';

/** Words that the first step looks at: as many bits as tell a near one from one in a hundred. */
const HEAD = 16;
/** Words after which most are left out that are nowhere near. */
const BROW = 8;
/** Distance of those that were left out. */
const FAR = 0xffff;
/** Sketches that are gone through before others may go first: about a millisecond. */
const SLICE = 20_000;
/** Of so many more than are asked for all bits are compared. */
const WIDER = 16;
const GONE = 0;

/** A sketch that is near one. */
export interface NearSketch {
  readonly key: number;
  /** Bits in which they differ. */
  readonly distance: number;
}

/** The sketches of a space. */
export class Sketches {
  readonly #words: number;
  readonly #headWords: number;
  #keys = new Float64Array(64);
  #heads: Uint32Array;
  #tails: Uint32Array;
  #length = 0;
  #gone = 0;
  #newest = 0;

  constructor(words: number) {
    this.#words = words;
    this.#headWords = Math.min(HEAD, words);
    this.#heads = new Uint32Array(64 * this.#headWords);
    this.#tails = new Uint32Array(64 * (words - this.#headWords));
  }

  /** Bytes that it holds in memory. */
  get bytes(): number {
    return this.#keys.byteLength + this.#heads.byteLength + this.#tails.byteLength;
  }

  /** The greatest key that was ever added; 0: none. */
  get newest(): number {
    return this.#newest;
  }

  get size(): number {
    return this.#length - this.#gone;
  }

  /** Adds a sketch under a key that is greater than all before it. */
  add(key: number, sketch: Uint32Array): void {
    if (this.#length === this.#keys.length) this.#resize(2 * this.#length);
    const at = this.#length++;
    this.#keys[at] = key;
    this.#newest = key;
    const head = this.#headWords;
    this.#heads.set(sketch.subarray(0, head), at * head);
    this.#tails.set(sketch.subarray(head, this.#words), at * (this.#words - head));
  }

  /** Removes keys; those that are not there are none of its own. */
  remove(keys: readonly number[]): void {
    for (const key of keys) {
      const at = this.#placeOf(key);
      if (at === undefined) continue;
      // Its place in the order stays: the sign says that it is gone.
      this.#keys[at] = -key;
      this.#gone++;
    }
    if (this.#gone > this.#length / 4) this.#close();
  }

  /**
   * The `count` sketches that differ least from one, the nearest first.
   *
   * @param asked.atLeast the cosine from which on something is near; what is surely below it is left out
   */
  async nearest(
    sketch: Uint32Array,
    { count, atLeast }: { readonly count: number; readonly atLeast: number },
    pause: () => Promise<void>,
  ): Promise<readonly NearSketch[]> {
    const head = this.#headWords;
    const length = this.#length;
    // Whoever adds or closes holes meanwhile works on other arrays, or behind what is gone through here.
    const [keys, heads, tails] = [this.#keys, this.#heads, this.#tails];
    const distances = new Uint16Array(length);
    const histogram = new Uint32Array(head * 32 + 1);
    const bounds = { brow: mostDiffering(32 * Math.min(BROW, head), atLeast), head: mostDiffering(32 * head, atLeast) };
    for (let begin = 0; begin < length; begin += SLICE) {
      if (begin > 0) await pause();
      const end = Math.min(length, begin + SLICE);
      compare(heads, sketch, { begin, end, words: head, distances, histogram, bounds });
    }
    const near = within(distances, length, bound(histogram, WIDER * count));
    const rest = this.#words - head;
    const most = mostDiffering(32 * this.#words, atLeast);
    const found: NearSketch[] = [];
    for (const at of near) {
      const key = keys[at] ?? GONE;
      if (key <= GONE) continue;
      const distance = (distances[at] ?? 0) + differing(tails, at * rest, sketch, head, rest);
      if (distance <= most) found.push({ key, distance });
    }
    return found.sort((one, other) => one.distance - other.distance).slice(0, count);
  }

  #placeOf(key: number): number | undefined {
    let [low, high] = [0, this.#length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const there = Math.abs(this.#keys[middle] ?? 0);
      if (there === key) return (this.#keys[middle] ?? 0) > GONE ? middle : undefined;
      if (there < key) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  #resize(places: number): void {
    const [head, rest] = [this.#headWords, this.#words - this.#headWords];
    this.#keys = grown(this.#keys, new Float64Array(places));
    this.#heads = grown(this.#heads, new Uint32Array(places * head));
    this.#tails = grown(this.#tails, new Uint32Array(places * rest));
  }

  /** Closes the holes, in arrays of its own: a search may be going through the others. */
  #close(): void {
    const [keys, heads, tails, length] = [this.#keys, this.#heads, this.#tails, this.#length];
    const [head, rest] = [this.#headWords, this.#words - this.#headWords];
    const places = Math.max(64, 2 * this.size);
    this.#keys = new Float64Array(places);
    this.#heads = new Uint32Array(places * head);
    this.#tails = new Uint32Array(places * rest);
    let to = 0;
    for (let at = 0; at < length; at++) {
      const key = keys[at] ?? GONE;
      if (key <= GONE) continue;
      this.#keys[to] = key;
      this.#heads.set(heads.subarray(at * head, (at + 1) * head), to * head);
      this.#tails.set(tails.subarray(at * rest, (at + 1) * rest), to * rest);
      to++;
    }
    this.#length = to;
    this.#gone = 0;
  }
}

function grown<Values extends Float64Array | Uint32Array>(from: Values, to: Values): Values {
  to.set(from as never);
  return to;
}

/** Counts the bits in which sketches differ from one, and how many differ in so many; of those that are near at all. */
function compare(
  heads: Uint32Array,
  sketch: Uint32Array,
  part: {
    readonly begin: number;
    readonly end: number;
    readonly words: number;
    readonly distances: Uint16Array;
    readonly histogram: Uint32Array;
    /** The most bits in which one that is near differs. */
    readonly bounds: { readonly brow: number; readonly head: number };
  },
): void {
  const { begin, end, words, distances, histogram, bounds } = part;
  const brow = Math.min(BROW, words);
  for (let at = begin; at < end; at++) {
    distances[at] = FAR;
    let distance = differing(heads, at * words, sketch, 0, brow);
    if (distance > bounds.brow) continue;
    distance += differing(heads, at * words + brow, sketch, brow, words - brow);
    if (distance > bounds.head) continue;
    distances[at] = distance;
    histogram[distance] = (histogram[distance] ?? 0) + 1;
  }
}

/** The bits in which `count` words differ. */
function differing(all: Uint32Array, from: number, sketch: Uint32Array, begin: number, count: number): number {
  let bits = 0;
  for (let word = 0; word < count; word++) {
    let left = (all[from + word] as number) ^ (sketch[begin + word] as number);
    left -= (left >>> 1) & 0x55555555;
    left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
    bits += Math.imul((left + (left >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return bits;
}

/** The least distance that at least `count` do not exceed. */
function bound(histogram: Uint32Array, count: number): number {
  let many = 0;
  for (let distance = 0; distance < histogram.length; distance++) {
    many += histogram[distance] ?? 0;
    if (many >= count) return distance;
  }
  return histogram.length;
}

function within(distances: Uint16Array, length: number, most: number): readonly number[] {
  const places: number[] = [];
  for (let at = 0; at < length; at++) if ((distances[at] as number) <= most) places.push(at);
  return places;
}
