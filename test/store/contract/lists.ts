import { describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../../src/store/journal.ts';
import type { RunFilter, RunStatus } from '../../../src/store/runs.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  approvalChange,
  approvalRow,
  begin,
  changes,
  entry,
  group,
  runKey,
  state,
  taskChange,
  taskRow,
} from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

const a = runKey('a');

/** An entry that is a fact of this number. */
const fact = (factSeq: number) => ({ kind: 'fact' as const, factSeq });

async function ids(store: Store, filter: Partial<RunFilter>): Promise<string> {
  return (await store.runs('default', { limit: 100, ...filter })).map(({ run }) => run).join(' ');
}

async function beginRuns(store: Store): Promise<void> {
  const add = (run: string, status: RunStatus, tags: string[], workflowId?: string, workflowName?: string) =>
    store.commit(group([begin(runKey(run), { state: state({ status }) }, { tags, workflowId, workflowName })]));
  await add('r1', 'completed', ['x'], 'w1', 'Deep research');
  await add('r2', 'running', ['x', 'y'], 'w1', 'Deep research');
  await add('r3', 'running', ['y', 'y'], 'w2', '100%_sure');
  await add('r4', 'waiting', []);
}

export function listsContract(make: MakeStore): void {
  describe('lists', () => {
    const current = storeOfTest(make);

    test('runs: newest first, all filters and-ed', async () => {
      const { store } = current();
      await beginRuns(store);
      expect(await ids(store, {})).toBe('r4 r3 r2 r1');
      expect(await ids(store, { workflowId: 'w1' })).toBe('r2 r1');
      expect(await ids(store, { workflowId: 'w1', limit: 1 })).toBe('r2');
      expect(await ids(store, { status: 'running' })).toBe('r3 r2');
      expect(await ids(store, { tags: ['x'] })).toBe('r2 r1');
      expect(await ids(store, { tags: ['x', 'y'] })).toBe('r2');
      expect(await ids(store, { tags: ['y'], status: 'running', workflowId: 'w2' })).toBe('r3');
      expect(await ids(store, { tags: ['none'] })).toBe('');
      expect(await ids(store, { open: true })).toBe('r4 r3 r2');
      expect(await ids(store, { open: true, limit: 2, after: 'r4' })).toBe('r3 r2');
      expect(await ids(store, { open: true, limit: 1 })).toBe('r4');
      expect(await ids(store, { open: true, tags: ['x'] })).toBe('r2');
      expect(await ids(store, { open: true, status: 'running' })).toBe('r3 r2');
      expect(await ids(store, { open: true, status: 'completed' })).toBe('');
      expect(await ids(store, { among: ['r1', 'r3', 'r9'] })).toBe('r3 r1');
      expect(await ids(store, { among: ['r1', 'r3'], status: 'running' })).toBe('r3');
      expect(await ids(store, { among: [] })).toBe('');
    });

    test('runs: those that are named, and beside them the open ones of some machines', async () => {
      const { store } = current();
      await beginRuns(store);
      const old = { machine: 'old@1' };
      for (const [run, status] of [
        ['o1', 'completed'],
        ['o2', 'waiting'],
        ['o3', 'paused'],
      ] as const)
        await store.commit(group([begin(runKey(run), { state: state({ status }) }, { ...old, tags: ['x'] })]));
      const orOpenOf = ['old@1', 'none@1'];
      expect(await ids(store, { among: ['r2', 'o3'], orOpenOf })).toBe('o3 o2 r2');
      expect(await ids(store, { among: [], orOpenOf })).toBe('o3 o2');
      expect(await ids(store, { among: ['r1', 'o1'], orOpenOf })).toBe('o3 o2 o1 r1');
      expect(await ids(store, { among: ['r2'], orOpenOf, limit: 2 })).toBe('o3 o2');
      expect(await ids(store, { among: ['r2'], orOpenOf, limit: 2, after: 'o2' })).toBe('r2');
      expect(await ids(store, { among: ['r2', 'r3'], orOpenOf, tags: ['x'] })).toBe('o3 o2 r2');
      expect(await ids(store, { among: ['r2'], orOpenOf, status: 'waiting' })).toBe('o2');
      expect(await ids(store, { among: ['r2'], orOpenOf, without: ['old@1'] })).toBe('r2');
      expect(await ids(store, { among: ['r2'], orOpenOf: [] })).toBe('r2');
    });

    test('runs that a run has begun are listed under it, and those that it waits for are known', async () => {
      const { store } = current();
      const parent = { run: 'r1', task: 'phase', attempt: 1, depth: 1, awaited: true };
      await beginRuns(store);
      const beginChild = (run: string, over: Partial<typeof parent>, endedAt: number | null = null) =>
        store.commit(group([begin(runKey(run), { state: state({ endedAt }) }, { parent: { ...parent, ...over } })]));
      await beginChild('c1', {});
      await beginChild('c2', { attempt: 2 }, 9);
      await beginChild('c3', { awaited: false });
      await beginChild('c4', { run: 'r2' });
      await beginChild('c5', { task: 'other' });
      expect(await ids(store, { parent: 'r1' })).toBe('c5 c3 c2 c1');
      expect(await ids(store, { parent: 'r1', limit: 1, after: 'c5' })).toBe('c3');
      expect(await ids(store, { parent: 'r9' })).toBe('');
      expect(await store.awaitedRuns(runKey('r1'))).toEqual(['c1', 'c5']);
      expect(await store.awaitedRuns(runKey('r1', 'other'))).toEqual([]);
      expect((await store.run(runKey('c2')))?.parent).toEqual({ ...parent, attempt: 2 });
      expect((await store.run(runKey('r1')))?.parent).toBeUndefined();
    });

    test('runs: a text is searched in id, workflow and machine, and its wildcards are only characters', async () => {
      const { store } = current();
      await beginRuns(store);
      expect(await ids(store, { q: 'RESEARCH' })).toBe('r2 r1');
      expect(await ids(store, { q: 'r4' })).toBe('r4');
      expect(await ids(store, { q: 'light@' })).toBe('r4 r3 r2 r1');
      expect(await ids(store, { q: '%' })).toBe('r3');
      expect(await ids(store, { q: '0%_s' })).toBe('r3');
      expect(await ids(store, { q: '_' })).toBe('r3');
      expect(await ids(store, { q: `${'x'.repeat(60_000)}` })).toBe('');
    });

    test('runs: a cursor goes on behind its run, also when that run was deleted meanwhile', async () => {
      const { store } = current();
      await beginRuns(store);
      expect(await ids(store, { limit: 2 })).toBe('r4 r3');
      expect(await ids(store, { limit: 2, after: 'r3' })).toBe('r2 r1');
      expect(await ids(store, { after: 'r1' })).toBe('');
      await store.commit(group([changes(runKey('r3'), 1, { state: state({ status: 'cancelled' }) })]));
      await store.deleteRun(runKey('r3'));
      expect(await ids(store, { limit: 2, after: 'r3' })).toBe('r2 r1');
    });

    test('journal: pages, of one kind, of one actor', async () => {
      const { store } = current();
      const entries = Array.from({ length: 6 }, (_, i) =>
        entry(i + 1, 100 + i, {
          ...(i % 2 === 0 ? {} : fact((i + 1) / 2)),
          actor: i < 4 ? 'root' : 'root/child',
        }),
      );
      await store.commit(group([begin(a, { entries })]));
      const seqs = async (page: Partial<Parameters<Store['journal']>[1]>) =>
        (await store.journal(a, { after: 0, limit: 100, ...page })).map(({ seq }) => seq);
      expect(await store.journal(a, { after: 0, limit: 100 })).toEqual(entries);
      expect(await seqs({ limit: 2 })).toEqual([1, 2]);
      expect(await seqs({ after: 2, limit: 2 })).toEqual([3, 4]);
      expect(await seqs({ kind: 'fact' })).toEqual([2, 4, 6]);
      expect(await seqs({ actor: 'root/child' })).toEqual([5, 6]);
      expect(await seqs({ kind: 'event', actor: 'root', after: 1 })).toEqual([3]);
      expect(await store.entry(a, 7)).toBeUndefined();
    });

    test('journal: one entry or 300 a commit, short or long, each is found again as it was written', async () => {
      const { store } = current();
      let facts = 0;
      const all: JournalEntry[] = [];
      for (const [commit, size] of [1, 300, 2, 64, 65, 128, 1].entries()) {
        const entries = Array.from({ length: size }, (_, i) => {
          const seq = all.length + 1 + i;
          const odd = { actor: `a\t"\n${seq % 7}`, type: `go\t\n"${'é'.repeat(seq % 5)}` };
          // Events carry their type as well: the same one, that of another entry, or nothing else.
          const typed = [{}, { type: odd.type }, { type: `${odd.type}.` }][seq % 4];
          const text = { text: 'x'.repeat(seq % 50 === 0 ? 40_000 : seq % 90), tab: '\t\n' };
          const dataJson = JSON.stringify(seq % 11 === 0 ? { type: odd.type } : { ...typed, ...text });
          const kinds = [{ kind: 'ignored' as const }, {}, {}, {}, {}];
          return entry(seq, 1_000 + seq, {
            ...odd,
            at: Math.trunc(seq / 3),
            dataJson,
            ...(seq % 3 === 0 ? fact(++facts) : kinds[seq % 5]),
          });
        });
        const part = { entries, state: state({ seq: all.length + size, facts }) };
        await store.commit(group([commit === 0 ? begin(a, part) : changes(a, commit, part)]));
        all.push(...entries);
      }
      expect(await store.journal(a, { after: 0, limit: 1_000 })).toEqual(all);
      for (const after of [0, 1, 63, 64, 65, 300, 302, 430, all.length])
        expect(await store.journal(a, { after, limit: 7 })).toEqual(all.slice(after, after + 7));
      for (const wanted of all) expect(await store.entry(a, wanted.seq)).toEqual(wanted);
      for (const { seq, factSeq } of all.filter(({ kind }) => kind === 'fact'))
        expect(await store.entryOfFact(a, factSeq ?? 0)).toBe(seq);
      const stated = all.filter(({ kind }) => kind === 'fact').map((row) => ({ ...row, ...a }));
      expect(await store.feed('default', 0, 1_000)).toEqual(stated);
      expect(await store.feed('default', 1_100, 5)).toEqual(
        stated.filter(({ position }) => position > 1_100).slice(0, 5),
      );
    });

    test('feed: the facts of all runs of a tenant, in commit order', async () => {
      const { store } = current();
      const b = runKey('b');
      await store.commit(
        group([
          begin(a, { entries: [entry(1, 1), entry(2, 2, fact(1))] }),
          begin(b, { entries: [entry(1, 3, fact(1))] }),
        ]),
      );
      await store.commit(group([changes(a, 1, { entries: [entry(3, 4, fact(2)), entry(4, 5, { kind: 'ignored' })] })]));
      expect(await store.feed('default', 0, 2)).toEqual([
        { ...a, ...entry(2, 2, fact(1)) },
        { ...b, ...entry(1, 3, fact(1)) },
      ]);
      expect(await store.feed('default', 3, 9)).toEqual([{ ...a, ...entry(3, 4, fact(2)) }]);
    });

    test('tasks: in document order, in pages', async () => {
      const { store } = current();
      const rows = [taskRow('late', 30), taskRow('early', 10), taskRow('middle', 20)];
      await store.commit(group([begin(a, { rows: rows.map(taskChange) })]));
      expect(await store.tasks(a, { limit: 9 })).toEqual([rows[1], rows[2], rows[0]]);
      expect((await store.tasks(a, { limit: 1, after: 10 })).map(({ name }) => name)).toEqual(['middle']);
      expect(await store.tasks(a, { limit: 9, after: 30 })).toEqual([]);
    });

    test('approvals: of all runs, in the order they were asked for, in pages, by status', async () => {
      const { store } = current();
      const b = runKey('b');
      await store.commit(group([begin(a, { rows: [approvalChange(approvalRow('one'))] })]));
      await store.commit(
        group([begin(b, { rows: [approvalChange(approvalRow('two')), approvalChange(approvalRow('three'))] })]),
      );
      await store.commit(
        group([changes(a, 1, { rows: [approvalChange(approvalRow('one', { status: 'rejected' }))] })]),
      );
      const all = await store.approvals('default', { limit: 9 });
      expect(all.map(({ task }) => task)).toEqual(['one', 'two', 'three']);
      expect(all[1]).toMatchObject({ ...b, ...approvalRow('two') });
      const pending = await store.approvals('default', { limit: 1, status: 'pending' });
      expect(pending.map(({ task }) => task)).toEqual(['two']);
      const next = await store.approvals('default', { limit: 9, status: 'pending', after: pending[0]?.order });
      expect(next.map(({ task }) => task)).toEqual(['three']);
    });
  });
}
