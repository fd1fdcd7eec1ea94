/** What the expressions of a task see that has begun: as it stands now, and not as it was made ready. */
import { readsOfExpression } from './expression.ts';
import { itemScope } from './preparation/items.ts';
import { resultsOf } from './preparation/results.ts';
import type { Scope } from './reads.ts';
import { taskScope } from './render.ts';
import { asNamed } from './rounds.ts';
import type { RunGraph } from './run-graph.ts';
import { sharedKeysIn } from './shared-keys.ts';
import { sharedScope } from './shared-values.ts';

/** What expressions of a live task see, as far as these texts read it. */
export function liveScope(graph: RunGraph, task: string, texts: readonly string[]): Scope {
  const spec = graph.spec(task);
  const read = new Set(texts.flatMap((text) => readsOfExpression(text).tasks));
  const known = spec.part?.aliases ?? {};
  const needed = spec.dependsOn.filter((dependency) => read.has(known[dependency] ?? dependency));
  const results = asNamed(spec, resultsOf(graph, needed));
  const seen = taskScope(graph.rows.input(), results);
  return { ...seen, ...itemScope(graph, task, seen.tasks), ...sharedScope(graph.rows, sharedKeysIn(texts)) };
}
