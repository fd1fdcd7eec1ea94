/** What tasks gave, and what a run gives. */
import type { TaskResult } from '../reads.ts';
import type { RunGraph } from '../run-graph.ts';
import { letOthersGo } from '../steps.ts';

/** The output of the last task; an object by name where there are several. `complete`: at least one of them completed. */
export function runOutput(graph: RunGraph): { readonly value: unknown; readonly complete: boolean } {
  const results = resultsOf(graph, graph.last());
  const completed = results.filter(([, { status }]) => status === 'completed');
  const complete = completed.length > 0;
  const [only] = results;
  if (results.length === 1 && only !== undefined) return { value: only[1].output, complete };
  return { value: Object.fromEntries(completed.map(([name, { output }]) => [name, output])), complete };
}

/** Results read without a break: about ten milliseconds. */
const RESULTS_AT_ONCE = 500;

/** Names in their order: a list of them, or what makes each when it is asked for. */
export interface NamesInOrder {
  readonly length: number;
  at(index: number): string | undefined;
}

/**
 * The results of many tasks. A last turn may need 100,000 of them, more than a second of reading: between slices it
 * waits, as for a load, so that the process serves others meanwhile.
 */
export function resultsOf(graph: RunGraph, names: NamesInOrder): [string, TaskResult][] {
  // Each slice begins the turn anew: names of 100,000 items, made for each of 200 slices, took longer than the reading.
  const read = (from: number, end: number): [string, TaskResult][] => {
    const slice = Array.from({ length: end - from }, (_, index) => names.at(from + index) ?? '');
    graph.rows.expectTasks(slice);
    return slice.map((name) => [name, resultOf(graph, name)]);
  };
  if (names.length <= RESULTS_AT_ONCE) return read(0, names.length);
  const results: [string, TaskResult][] = [];
  for (let from = 0; from < names.length; from += RESULTS_AT_ONCE) {
    const end = Math.min(from + RESULTS_AT_ONCE, names.length);
    for (const result of graph.rows.read(`results/${from}`, () => later(read(from, end)))) results.push(result);
  }
  return results;
}

/** A value, once others had their turn: for the slices of a long reading. */
export async function later<Value>(value: Value): Promise<Value> {
  await letOthersGo();
  return value;
}

function resultOf(graph: RunGraph, name: string): TaskResult {
  const { status, resultSeq } = graph.row(name);
  return resultSeq === null
    ? { status }
    : { status, output: (graph.rows.entry(resultSeq) as { result?: unknown }).result };
}
