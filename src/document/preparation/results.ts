/** What tasks gave, and what a run gives. */
import type { TaskResult } from '../reads.ts';
import type { RunGraph } from '../run-graph.ts';
import { pause } from '../steps.ts';

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

/**
 * The results of many tasks. A last turn may need 100,000 of them, more than a second of reading: between slices it
 * waits, as for a load, so that the process serves others meanwhile.
 */
export function resultsOf(graph: RunGraph, names: readonly string[]): [string, TaskResult][] {
  const read = (slice: readonly string[]): [string, TaskResult][] => slice.map((name) => [name, resultOf(graph, name)]);
  if (names.length <= RESULTS_AT_ONCE) return read(names);
  const results: [string, TaskResult][] = [];
  for (let from = 0; from < names.length; from += RESULTS_AT_ONCE) {
    const slice = names.slice(from, from + RESULTS_AT_ONCE);
    for (const result of graph.rows.read(`results/${from}`, () => later(read(slice)))) results.push(result);
  }
  return results;
}

/** A value, once others had their turn: for the slices of a long reading. */
export async function later<Value>(value: Value): Promise<Value> {
  await pause();
  return value;
}

function resultOf(graph: RunGraph, name: string): TaskResult {
  const { status, resultSeq } = graph.row(name);
  return resultSeq === null
    ? { status }
    : { status, output: (graph.rows.entry(resultSeq) as { result?: unknown }).result };
}
