/** Runs that belong to another one: who began it, what its tasks have begun, where it was forked, and what was forked from it. */
import type { ForkRecord } from '../src/document/fork/record.ts';
import type { RunView, Runtime } from '../src/runtime/runtime.ts';

/** One of them. */
export interface RelatedRun {
  readonly runId: string;
  /** Undefined where it is not known any more: it was deleted. */
  readonly status: string | undefined;
  /** The task that it is about. */
  readonly task?: string | undefined;
}

/** Those that stand to a run in the same way. */
export interface RelatedRuns {
  /** What they are to it, as a heading. */
  readonly what: string;
  readonly runs: readonly RelatedRun[];
}

/** More of a kind are not shown. */
const MOST_SHOWN = 20;

/** All that there are, nearest first. */
export async function relatedRuns(
  runtime: Pick<Runtime, 'read' | 'list'>,
  { runId, parent, fork }: RunView,
): Promise<readonly RelatedRuns[]> {
  const origin = (fork as ForkRecord | undefined)?.layers[0]?.run;
  const [children, forks] = await Promise.all([
    runtime.list({ parent: runId, limit: MOST_SHOWN }),
    runtime.list({ forkedFrom: runId, limit: MOST_SHOWN }),
  ]);
  const statusOf = async (id: string): Promise<string | undefined> =>
    (await runtime.list({ among: [id], limit: 1 }))[0]?.status;
  const groups: readonly RelatedRuns[] = [
    {
      what: 'Begun by',
      runs: parent === undefined ? [] : [{ runId: parent.run, task: parent.task, status: await statusOf(parent.run) }],
    },
    {
      what: 'Takes over from',
      runs: origin === undefined ? [] : [{ runId: origin, status: await statusOf(origin) }],
    },
    {
      what: 'Begun by its tasks',
      runs: children.map((child) => ({ runId: child.runId, task: child.parent?.task, status: child.status })),
    },
    { what: 'Take over from it', runs: forks.map(({ runId: id, status }) => ({ runId: id, status })) },
  ];
  return groups.filter(({ runs }) => runs.length > 0);
}
