/** Runs that a run began for its sub-workflows, and the one that began it, as lines. */
import type { FermataClient } from '../client/index.ts';
import { printable } from './text.ts';

type Run = Awaited<ReturnType<FermataClient['run']>>;

/** `task "phase" of run 0198…`; undefined where no run began it. */
export function parentLine({ parent }: Pick<Run, 'parent'>): string | undefined {
  return parent === undefined ? undefined : `task "${parent.task}" of run ${parent.runId}`;
}

/** Rows of a table, its head first. */
export function childLines({ children = [] }: Pick<Run, 'children'>): string[][] {
  const rows = children.map(({ task, workflow, version, status, progress, runId }) => [
    printable(task),
    `${printable(workflow)}@${version}`,
    `${status}, ${progress} %`,
    runId,
  ]);
  return [['SUB-WORKFLOW', 'RUNS', 'STATUS', 'RUN'], ...rows];
}
