import { describe, expect, test } from 'vitest';
import type { DecidingMark } from '../../../src/store/deciding-mark.ts';
import type { RunKey } from '../../../src/store/runs.ts';
import type { SuspectRow } from '../../../src/store/suspects.ts';
import { begin, changes, group, NOON, runKey, state } from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { LastingStoreUnderTest, MakeStore } from './under-test.ts';

const a = runKey('a');
const b = runKey('b');
const noRun = runKey('');

function suspect(owner: RunKey, key: string, over: Partial<SuspectRow> = {}): SuspectRow {
  return { ...owner, key, what: `"${key}"`, count: 1, at: NOON, aloneSince: null, quarantinedAt: null, ...over };
}

const byKey = (one: SuspectRow, other: SuspectRow) => one.key.localeCompare(other.key);

export function suspectsContract(make: MakeStore): void {
  describe('suspects', () => {
    const current = storeOfTest(make);

    test('are written whole, once for each run and key, also for a run that never began', async () => {
      const { store } = current();
      await store.putSuspects([suspect(a, 'x'), suspect(b, 'x'), suspect(noRun, 'z')]);
      const raised = suspect(a, 'x', { count: 3, at: NOON + 1, aloneSince: NOON, quarantinedAt: NOON + 1, what: 'it' });
      await store.putSuspects([raised, suspect(a, 'y')]);
      const rows = (await store.suspects()).toSorted(byKey);
      expect(rows.filter(({ key }) => key === 'x')).toHaveLength(2);
      expect(rows).toEqual(expect.arrayContaining([raised, suspect(b, 'x'), suspect(a, 'y'), suspect(noRun, 'z')]));
    });

    test('go with the group that carries their end, and stay where it falls (S1)', async () => {
      const { store } = current();
      await store.putSuspects([suspect(a, 'x'), suspect(a, 'y'), suspect(b, 'x')]);
      const suspectsGone = [{ ...a, key: 'x' }];
      const fallen = store.commit(group([changes(runKey('nobody'), 1)], { suspectsGone }));
      await expect(fallen).rejects.toMatchObject({ outcome: 'unchanged' });
      expect(await store.suspects()).toHaveLength(3);
      await store.commit(group([begin(a)], { suspectsGone }));
      expect((await store.suspects()).map(({ run, key }) => `${run} ${key}`).sort()).toEqual(['a y', 'b x']);
    });

    test('go with their run, whether they are dropped or it is deleted', async () => {
      const { store } = current();
      const ended = { state: state({ status: 'completed' }) };
      await store.commit(group([begin(a, ended), begin(b, ended)]));
      const other = suspect({ tenant: 'other', run: 'a' }, 'x');
      await store.putSuspects([suspect(a, 'x'), suspect(a, 'y'), suspect(b, 'x'), other]);
      await store.dropSuspects(a);
      expect((await store.suspects()).map(({ tenant, run }) => `${tenant} ${run}`).sort()).toEqual([
        'default b',
        'other a',
      ]);
      await store.deleteRun(b);
      expect(await store.suspects()).toEqual([other]);
    });
  });
}

const mark: DecidingMark = { ...a, key: 'event/long enough to leave something behind it', what: 'the event "pay" ☕' };
const shorter: DecidingMark = { ...b, key: 'x', what: '' };

export function lastStopContract(make: MakeStore<LastingStoreUnderTest>): void {
  describe('the last stop', () => {
    const current = storeOfTest(make);

    test('was orderly where the store was closed, whatever it was at', async () => {
      const under = current();
      under.store.deciding(mark);
      const again = await under.reopen();
      await again.close();
      expect(await again.open()).toMatchObject({ lastStop: { orderly: true } });
    });

    test.each([
      ['nothing', [undefined]],
      ['an input', [mark]],
      ['another input, shorter in words', [mark, shorter]],
      ['nothing any more', [mark, shorter, undefined]],
    ])('was a death at %s', async (_, marks) => {
      const under = current();
      for (const each of marks) under.store.deciding(each);
      const left = await under.abandon();
      expect(await left.open()).toMatchObject({ lastStop: { orderly: false, deciding: marks.at(-1) } });
    });

    test('is told until this process says what it is at itself', async () => {
      const under = current();
      under.store.deciding(mark);
      const left = await under.abandon();
      for (const _ of [1, 2]) {
        expect(await left.open()).toMatchObject({ lastStop: { orderly: false, deciding: mark } });
        await left.close();
      }
      await left.open();
      left.deciding(undefined);
      await left.close();
      expect(await left.open()).toMatchObject({ lastStop: { orderly: true } });
    });

    test('keeps the suspects', async () => {
      const under = current();
      await under.store.putSuspects([suspect(a, 'x', { quarantinedAt: NOON })]);
      const left = await under.abandon();
      await left.open();
      expect(await left.suspects()).toEqual([suspect(a, 'x', { quarantinedAt: NOON })]);
    });
  });
}
