import { describe, expect, test } from 'vitest';
import type { AnswerChange, AnswerFilter } from '../../../src/store/answers.ts';
import type { RowChange } from '../../../src/store/rows.ts';
import type { Store } from '../../../src/store/store.ts';
import { begin, changes, group, runKey, state, taskChange, taskRow } from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

const TENANT = runKey('a').tenant;
let seq = 0;
const row = (change: AnswerChange): RowChange => ({ table: 'answer', key: String(++seq), row: change });
const ASKED = { prompt: 'Why?', promptHash: 'p', actor: '/t', workflow: 'w', at: 1 };
const asked = (hash: string, at = 1, workflow = 'w'): RowChange =>
  row({ ...ASKED, kind: 'asked', hash, promptHash: `p${hash}`, workflow, at });
const answered = (hash: string, at = 1, expiresAt = 100): RowChange =>
  row({ kind: 'answered', hash, valueJson: '"yes"', model: 'm', finishReason: 'stop', costNanos: 7, at, expiresAt });
const served = (hash: string, at: number, shared = false, workflow = 'w'): RowChange =>
  row({ kind: 'served', hash, workflow, shared, savedNanos: 7, at });
const ANSWER = { valueJson: '"yes"', model: 'm', finishReason: 'stop', costNanos: 7, answeredAt: 1 };

const starts = (run: string, rows: readonly RowChange[], tags: readonly string[] = []) =>
  group([begin(runKey(run), { rows }, { tags: [...tags] })]);

async function hashes(store: Store, among: readonly string[]): Promise<string[]> {
  const found = await Promise.all(among.map(async (hash) => (await store.answer(TENANT, hash, 0)).answer));
  return among.filter((_, at) => found[at] !== undefined);
}

/** What every store does with the cache of answers. */
export function answersContract(make: MakeStore): void {
  describe('the cache of answers', () => {
    const open = storeOfTest(make);

    test('has an answer from when it came until it expires, of its own tenant', async () => {
      const { store } = open();
      expect(await store.answer(TENANT, 'h', 1)).toEqual({});
      await store.commit(starts('a', [asked('h')]));
      expect((await store.answer(TENANT, 'h', 1)).answer).toBeUndefined();
      await store.commit(group([changes(runKey('a'), 1, { rows: [answered('h')] })]));
      expect((await store.answer(TENANT, 'h', 99)).answer).toEqual(ANSWER);
      expect((await store.answer(TENANT, 'h', 100)).answer).toBeUndefined();
      expect((await store.answer('other', 'h', 1)).answer).toBeUndefined();
    });

    test('lists answers that serve, newest questions first, with how often each has served', async () => {
      const { store } = open();
      await store.commit(starts('a', [asked('h'), answered('h'), asked('i', 2, 'v'), answered('i', 2, 50)], ['t']));
      await store.commit(group([changes(runKey('a'), 1, { rows: [served('h', 5), served('h', 7), asked('open')] })]));
      const list = (page: { at: number; workflow?: string; after?: number; limit: number }) =>
        store.listAnswers(TENANT, page);
      const [newest, other, ...none] = await list({ at: 10, limit: 9 });
      expect(none, 'a question without an answer is none').toEqual([]);
      expect(newest).toMatchObject({ workflow: 'v', hitCount: 0, expiresAt: 50 });
      expect(other).toMatchObject({
        prompt: 'Why?',
        workflow: 'w',
        tags: ['t'],
        model: 'm',
        costNanos: 7,
        answeredAt: 1,
        lastUsedAt: 7,
        hitCount: 2,
        bytes: 9,
      });
      expect(await list({ at: 10, limit: 1 })).toEqual([newest]);
      expect(await list({ at: 10, after: newest?.key ?? 0, limit: 9 })).toEqual([other]);
      expect(await list({ at: 10, workflow: 'w', limit: 9 })).toEqual([other]);
      expect(await list({ at: 60, limit: 9 }), 'what has expired').toEqual([other]);
      expect(await store.listAnswers('other', { at: 10, limit: 9 })).toEqual([]);
    });

    test('says who asks, for as long as the call of that task is open', async () => {
      const { store } = open();
      const effect = { ...runKey('a'), token: 'e', actor: '/t', src: 'modelCall', marked: false, effectJson: '{}' };
      await store.commit(group([begin(runKey('a'), { rows: [asked('h')], effectsAsked: [effect] })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({ claim: { run: 'a', actor: '/t', waitsForMoney: false } });
      await store.commit(group([changes(runKey('a'), 1, { effectsGone: ['e'] })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({});
    });

    test('says who asks, also where that waits for money, or a commit has cut its turn in two', async () => {
      const { store } = open();
      const claim = { run: 'a', actor: '/50%25', waitsForMoney: true };
      const asks = row({ ...ASKED, kind: 'asked', hash: 'h', actor: claim.actor });
      const wait = (isOpen: boolean): RowChange => ({
        table: 'budgetWait',
        key: '50%/call',
        row: { task: '50%', call: 'call', need: 1, least: 1, lesserJson: null, open: isOpen, held: 0 },
      });
      await store.commit(group([begin(runKey('a'), { rows: [asks, wait(true)] })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({ claim });
      await store.commit(group([changes(runKey('a'), 1, { rows: [wait(false)] })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({});
      const cut = state({ agendaJson: '[]' });
      await store.commit(group([changes(runKey('a'), 2, { state: cut })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({});
      const runs = taskChange(taskRow('50%', 0, { status: 'running' }));
      await store.commit(group([changes(runKey('a'), 3, { state: cut, rows: [runs] })]));
      expect(await store.answer(TENANT, 'h', 1)).toEqual({ claim });
    });

    test('counts hits and misses by workflow', async () => {
      const { store } = open();
      await store.commit(starts('a', [asked('h'), answered('h'), served('h', 2), served('h', 3, true, 'v')]));
      expect(await store.served(TENANT)).toEqual([
        { workflow: 'v', misses: 0, hits: 1, shared: 1, savedNanos: 7 },
        { workflow: 'w', misses: 1, hits: 1, shared: 0, savedNanos: 7 },
      ]);
      expect(await store.served('other')).toEqual([]);
    });

    test('forgets by workflow, tag and prompt, at most as many as it is told', async () => {
      const { store } = open();
      const rows = ['1', '2', '3', '4'].flatMap((hash) => [asked(hash, 1, hash === '4' ? 'v' : 'w'), answered(hash)]);
      await store.commit(starts('a', rows));
      await store.commit(starts('b', [asked('5'), answered('5')], ['x']));
      const all = ['1', '2', '3', '4', '5'];
      const forget = async (filter: AnswerFilter, tenant = TENANT): Promise<number> => {
        const { forgotten, after } = await store.forgetAnswers(tenant, filter, { limit: 9 });
        if (after !== undefined)
          expect(await store.forgetAnswers(tenant, filter, { after, limit: 9 })).toEqual({ forgotten: 0 });
        return forgotten;
      };
      expect(await forget({}, 'other')).toBe(0);
      expect(await forget({ workflow: 'v', tag: 'x' })).toBe(0);
      expect(await forget({ workflow: 'v' })).toBe(1);
      expect(await forget({ tag: 'x' })).toBe(1);
      expect(await forget({ promptHash: 'p2' })).toBe(1);
      expect(await hashes(store, all)).toEqual(['1', '3']);
      const { forgotten, after } = await store.forgetAnswers(TENANT, {}, { limit: 1 });
      expect(forgotten).toBe(1);
      expect(await hashes(store, all)).toEqual(['3']);
      expect((await store.forgetAnswers(TENANT, {}, { after, limit: 1 })).forgotten).toBe(1);
      expect(await store.answers(TENANT, 1)).toEqual({ entries: 0, bytes: 0 });
    });

    test('keeps the questions that are just being asked, whatever is forgotten or too much', async () => {
      const { store } = open();
      const effect = { ...runKey('a'), token: 'e', actor: '/t', src: 'modelCall', marked: false, effectJson: '{}' };
      await store.commit(starts('b', [asked('h'), answered('h'), asked('other'), answered('other')]));
      await store.commit(group([begin(runKey('a'), { rows: [asked('h', 2)], effectsAsked: [effect] })]));
      expect(await store.trimAnswers(TENANT, { at: 200, maxEntries: 1, maxBytes: 1, limit: 9 })).toBe(1);
      const forget = async (): Promise<number> => (await store.forgetAnswers(TENANT, {}, { limit: 9 })).forgotten;
      expect([await forget(), await forget()]).toEqual([1, 0]);
      expect(await store.answer(TENANT, 'h', 1)).toEqual({ claim: { run: 'a', actor: '/t', waitsForMoney: false } });
      await store.commit(group([changes(runKey('a'), 1, { rows: [answered('h', 3)], effectsGone: ['e'] })]));
      expect(await store.answer(TENANT, 'h', 4)).toEqual({ answer: { ...ANSWER, answeredAt: 3 }, prompt: 'Why?' });
      expect(await store.answers(TENANT, 4)).toMatchObject({ entries: 1, bytes: 9 });
    });

    test('lets go of what has expired, and then of what was used longest ago', async () => {
      const { store } = open();
      const rows = ['1', '2', '3', '4'].flatMap((hash, at) => [asked(hash, at), answered(hash, at)]);
      await store.commit(starts('a', [...rows, asked('5', 9), answered('5', 9, 10), served('1', 8)]));
      const bounds = { at: 10, maxEntries: 2, maxBytes: 1_000, limit: 9 };
      const all = ['1', '2', '3', '4', '5'];
      expect(await store.trimAnswers(TENANT, { ...bounds, limit: 1 })).toBe(1);
      expect(await hashes(store, all)).toEqual(['1', '2', '3', '4']);
      expect(await store.trimAnswers(TENANT, bounds)).toBe(2);
      expect(await hashes(store, all)).toEqual(['1', '4']);
      expect(await store.trimAnswers(TENANT, bounds)).toBe(0);
      const { entries, bytes } = await store.answers(TENANT, 10);
      expect(entries).toBe(2);
      expect(await store.trimAnswers(TENANT, { ...bounds, maxBytes: bytes - 1 })).toBe(1);
      expect(await hashes(store, all)).toEqual(['1']);
    });

    test('counts the answers that serve, and the bytes of all that is kept', async () => {
      const { store } = open();
      await store.commit(starts('a', [asked('1'), asked('2'), answered('2', 1, 10), asked('3'), answered('3', 1, 20)]));
      const { bytes } = await store.answers(TENANT, 1);
      expect(await store.answers(TENANT, 9)).toEqual({ entries: 2, bytes });
      expect(await store.answers(TENANT, 10)).toEqual({ entries: 1, bytes });
      expect(await store.answers(TENANT, 20)).toEqual({ entries: 0, bytes });
      expect(await store.answers('other', 1)).toEqual({ entries: 0, bytes: 0 });
      await store.trimAnswers(TENANT, { at: 10, maxEntries: 9, maxBytes: 1_000, limit: 9 });
      expect(await store.answers(TENANT, 10)).toEqual({ entries: 1, bytes: bytes - 9 });
    });

    test('lets go of questions that were never answered, a day later', async () => {
      const { store } = open();
      await store.commit(starts('a', [asked('1')]));
      const bounds = { at: 86_400_001, maxEntries: 9, maxBytes: 1_000, limit: 9 };
      expect(await store.trimAnswers(TENANT, bounds)).toBe(0);
      expect(await store.trimAnswers(TENANT, { ...bounds, at: 86_400_002 })).toBe(1);
      expect(await store.answers(TENANT, 1)).toEqual({ entries: 0, bytes: 0 });
    });
  });
}
