/** Orders and cycles of a graph of numbered nodes. Linear in time, without recursion: a chain may be 100,000 long. */

/** In a graph of nothing but cycles, the next ones show when the first are corrected. */
const MOST_CYCLES = 100;

/** What a walk through a graph finds. */
export interface Walk {
  /** Every node after all that it depends on, and otherwise by number. */
  readonly order: readonly number[];
  /** Cycles that share no node: each node depends on the next, the last on the first. */
  readonly cycles: readonly (readonly number[])[];
}

/**
 * Walks a graph depth first.
 *
 * @param dependencies for each node the nodes that it depends on
 * @example
 * walkGraph([[1], [], [0]]) // { order: [1, 0, 2], cycles: [] }
 */
export function walkGraph(dependencies: readonly (readonly number[])[]): Walk {
  const order: number[] = [];
  const cycles: number[][] = [];
  const inCycle = new Set<number>();
  const state = new Uint8Array(dependencies.length); // 0: not seen, 1: on the stack, 2: done
  const next = new Uint32Array(dependencies.length);

  for (const start of dependencies.keys()) {
    if (state[start] !== 0) continue;
    const stack = [start];
    state[start] = 1;
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const place = next[node] ?? 0;
      const dependency = dependencies[node]?.[place];
      if (dependency === undefined) {
        state[node] = 2;
        order.push(node);
        stack.pop();
        continue;
      }
      next[node] = place + 1;
      if (state[dependency] === 0) {
        state[dependency] = 1;
        stack.push(dependency);
      } else if (state[dependency] === 1 && cycles.length < MOST_CYCLES && !inCycle.has(dependency)) {
        const cycle = stack.slice(stack.lastIndexOf(dependency));
        if (cycle.some((member) => inCycle.has(member))) continue;
        for (const member of cycle) inCycle.add(member);
        cycles.push(fromLowest(cycle));
      }
    }
  }
  return { order, cycles };
}

/** The same cycle, told from the node that stands first in the document. */
function fromLowest(cycle: readonly number[]): number[] {
  const lowest = cycle.reduce((least, node, index) => (node < (cycle[least] ?? node) ? index : least), 0);
  return [...cycle.slice(lowest), ...cycle.slice(0, lowest)];
}
