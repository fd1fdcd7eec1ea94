/** Tasks of a resident run by their place in its document: which have a row, and which want a slot. */

/** A task and its place. */
export interface Place {
  readonly name: string;
  readonly position: number;
}

/** A set of small numbers: one bit each, so that a run of 100,000 tasks takes 12 KB. */
export class Places {
  #bits = new Uint8Array(64);

  add(place: number): void {
    const byte = place >> 3;
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (place & 7));
  }

  has(place: number): boolean {
    return ((this.#bits[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }
}

/** Names in document order: a binary heap; what was removed is passed over when it comes up. */
export class ReadyQueue {
  readonly #heap: Place[] = [];
  readonly #present = new Set<string>();

  constructor(places: readonly Place[]) {
    for (const place of places) this.add(place);
  }

  add(place: Place): void {
    if (this.#present.has(place.name)) return;
    this.#present.add(place.name);
    this.#push(place);
  }

  remove(name: string): void {
    this.#present.delete(name);
  }

  first(limit: number): readonly Place[] {
    const found: Place[] = [];
    while (found.length < limit) {
      const place = this.#pop();
      if (place === undefined) break;
      if (this.#present.has(place.name) && !found.some(({ name }) => name === place.name)) found.push(place);
    }
    for (const place of found) this.#push(place);
    return found;
  }

  #push(place: Place): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(place);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || parent.position <= place.position) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = place;
  }

  #pop(): Place | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = at * 2 + 1;
      const left = heap[down];
      if (left === undefined) break;
      const right = heap[down + 1];
      const child = right !== undefined && right.position < left.position ? right : left;
      if (child === right) down++;
      if (child.position >= last.position) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return top;
  }
}
