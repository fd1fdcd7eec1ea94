/**
 * The deletion of a run with its journal.
 *
 * One that never ended has told nobody so. Whom that concerns is told in the commit that deletes it: told before, a
 * refusal would have told it of a run that is still there, and told after, a crash between the two nobody at all.
 */
import { FermataError } from '../errors.ts';
import type { MessageRow } from '../store/messages.ts';
import type { RunKey, RunParent } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Unnumbered } from './draft.ts';

/** What a deletion needs. */
export interface DeletionSurroundings {
  readonly store: Pick<Store, 'run' | 'row' | 'awaitedRuns' | 'budgetsAskedBy' | 'deleteRun'>;
  /** Why the run cannot go on, where it cannot. */
  blocked(run: string): Error | undefined;
  /** Gives messages their numbers, which nobody else gets. */
  numbered(messages: readonly Unnumbered[]): readonly MessageRow[];
}

/**
 * Deletes a run that has ended, or that cannot go on. False where it is gone already.
 *
 * @throws FermataError `runNotEnded`, `runHasForks`, and `wrongState` where another run would wait for it for ever
 */
export async function deleteRun({ store, blocked, numbered }: DeletionSurroundings, key: RunKey): Promise<boolean> {
  const found = await store.run(key);
  if (found === undefined) return false;
  const { status, endedAt, parent } = found;
  if (endedAt !== null) return store.deleteRun(key);
  const assertStuck = (): void => {
    if (blocked(key.run) !== undefined) return;
    const instead = `Run ${key.run} is ${status}; only ended runs can be deleted. Cancel it first.`;
    throw new FermataError('runNotEnded', instead, { data: { runStatus: status } });
  };
  assertStuck();
  await assertNotAwaited(store, key, parent);
  const messages = await lastWords(store, key);
  // Again: somebody may have released it meanwhile, and it would go on without its rows.
  assertStuck();
  return store.deleteRun(key, { unended: true, messagesSent: numbered(messages) });
}

/** To runs that it waits for, which nobody needs any more, and to budgets: what it held may be spent, as nobody can say. */
async function lastWords(
  store: Pick<Store, 'awaitedRuns' | 'budgetsAskedBy'>,
  key: RunKey,
): Promise<readonly Unnumbered[]> {
  const { tenant, run } = key;
  const word = (toRun: string, event: object): Unnumbered => ({
    tenant,
    fromRun: run,
    toRun,
    eventJson: JSON.stringify(event),
    blobs: [],
  });
  const reason = `Run ${run}, which waited for it, was deleted.`;
  return [
    ...(await store.awaitedRuns(key)).map((child) => word(child, { type: 'fermata.cancel', reason })),
    ...(await store.budgetsAskedBy(key)).map((budget) =>
      word(budget, { type: 'fermata.budget.farewell', run, spent: null }),
    ),
  ];
}

/** A run that is gone tells nobody that it has ended. */
async function assertNotAwaited(
  store: Pick<Store, 'run' | 'row'>,
  { tenant, run }: RunKey,
  parent: RunParent | undefined,
): Promise<void> {
  if (parent?.awaited !== true) return;
  const above = { tenant, run: parent.run };
  const waiting = await store.run(above);
  const task = await store.row(above, 'task', parent.task);
  if (waiting === undefined || waiting.endedAt !== null || task?.live !== true || task.attempts !== parent.attempt)
    return;
  throw new FermataError(
    'wrongState',
    `Task "${parent.task}" of run ${parent.run} waits for run ${run}. Cancel that task first, then delete this run.`,
    { data: { runStatus: waiting.status } },
  );
}
