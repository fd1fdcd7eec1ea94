import { describe, expect, test } from 'vitest';
import type { Counts } from '../../../src/store/counts.ts';
import { StoreError } from '../../../src/store/store.ts';
import { approvalChange, approvalRow, begin, changes, group, NOON, runKey, state } from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

const [a, b, c] = [runKey('a'), runKey('b'), runKey('c', 'other')];
const waiting = { state: state({ status: 'waiting' }) };
const completed = { state: state({ status: 'completed' }) };

/** Those there are any of. */
function some({ runs, pendingApprovals, oldestPendingAt }: Counts): unknown {
  const counted = [...runs].filter(([, count]) => count !== 0);
  return { ...Object.fromEntries(counted), pendingApprovals, oldestPendingAt };
}

export function countsContract(make: MakeStore): void {
  describe('counts', () => {
    const current = storeOfTest(make);

    test('of an empty store: every status, and none of it', async () => {
      const counts = await current().store.counts();
      expect(Object.fromEntries(counts.runs)).toEqual({
        pending: 0,
        running: 0,
        waiting: 0,
        paused: 0,
        completed: 0,
        failed: 0,
        cancelled: 0,
      });
      expect(some(counts)).toEqual({ pendingApprovals: 0, oldestPendingAt: undefined });
    });

    test('follow what begins, changes, is written as it was, and is deleted, in every tenant', async () => {
      const { store } = current();
      await store.commit(group([begin(a, waiting)]));
      expect(some(await store.counts())).toMatchObject({ waiting: 1 });
      await store.commit(group([changes(a, 1, waiting), begin(b), begin(c, completed)]));
      const running = { waiting: 1, running: 1, completed: 1, pendingApprovals: 0, oldestPendingAt: undefined };
      expect(some(await store.counts())).toEqual(running);
      await store.commit(group([changes(a, 2, completed)]));
      expect(some(await store.counts())).toMatchObject({ running: 1, completed: 2 });
      await store.deleteRun(c);
      expect(some(await store.counts())).toMatchObject({ running: 1, completed: 1 });
    });

    test('approvals: those nobody has decided on, and the first of them', async () => {
      const { store } = current();
      const ask = (task: string, over = {}) => approvalChange(approvalRow(task, over));
      await store.commit(group([begin(a, { rows: [ask('old'), ask('new', { requestedAt: NOON + 1 })] })]));
      expect(some(await store.counts())).toMatchObject({ pendingApprovals: 2, oldestPendingAt: NOON });
      await store.commit(group([changes(a, 1, { ...completed, rows: [ask('old', { status: 'approved' })] })]));
      expect(some(await store.counts())).toMatchObject({ pendingApprovals: 1, oldestPendingAt: NOON + 1 });
      await store.deleteRun(a);
      expect(some(await store.counts())).toEqual({ pendingApprovals: 0, oldestPendingAt: undefined });
    });

    test('a group that fails is not counted (S1)', async () => {
      const { store } = current();
      await store.commit(group([begin(a, waiting)]));
      await store.counts();
      // The second run was written by somebody else.
      const failing = group([changes(a, 1, completed), changes(b, 7, completed)]);
      await expect(store.commit(failing)).rejects.toThrow(StoreError);
      expect(some(await store.counts())).toMatchObject({ waiting: 1 });
    });
  });
}
