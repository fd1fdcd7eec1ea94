/** Descriptions of tasks, as facts carry them. */
import { FermataError } from '../../errors.ts';
import { readsOf, renderPrompt } from '../prompt.ts';
import type { Scope } from '../reads.ts';
import { taskScope } from '../render.ts';
import { asNamed } from '../rounds.ts';
import type { RunGraph } from '../run-graph.ts';
import { sharedScope } from '../shared-values.ts';
import { resultsOf } from './results.ts';

/** The description of a task that has no actor to render it; absent where none is written, or where it needs what never came. */
export function described(graph: RunGraph, name: string): { readonly description?: string } {
  const { description, dependsOn, part } = graph.spec(name);
  if (description === undefined) return {};
  const read = new Set(readsOf(description).tasks);
  const known = part?.aliases ?? {};
  const results = dependsOn.filter((dependency) => read.has(known[dependency] ?? dependency));
  const scope = taskScope(graph.rows.input(), asNamed({ part }, resultsOf(graph, results)));
  return describedIn(description, { ...scope, ...sharedScope(graph.rows, readsOf(description).shared) });
}

/** The same with what its texts see already; absent where one needs what never came. */
export function describedIn(description: string | undefined, scope: Scope): { readonly description?: string } {
  if (description === undefined) return {};
  try {
    return { description: renderPrompt(description, scope) };
  } catch (thrown) {
    if (thrown instanceof FermataError && thrown.code === 'promptFailed') return {};
    throw thrown;
  }
}
