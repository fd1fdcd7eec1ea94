/** Tasks that have begun and hold no slot, as their rows say it. */
import { childRunOf } from './parents.ts';
import type { RunGraph } from './run-graph.ts';
import { asksFunction, isWaiting } from './task-status.ts';

/** True for a task that waits: for somebody, for a slot, for its time or event, its items, its rounds, its run. */
export function isParked(graph: RunGraph, name: string): boolean {
  const row = graph.row(name);
  if (isWaiting(row)) return true;
  if (row.status !== 'running' || asksFunction(row)) return false;
  const { call } = graph.spec(name);
  switch (call.kind) {
    case 'wait':
      return true;
    case 'map':
    case 'reduce':
      return graph.growth(name).group !== undefined;
    case 'planExecuteReflect':
      return graph.growth(name).children > 0;
    case 'subworkflow':
      return childRunOf(graph, name) !== undefined;
    default:
      return false;
  }
}
