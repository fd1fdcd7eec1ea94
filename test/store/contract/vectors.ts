import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RowChange } from '../../../src/store/rows.ts';
import type { Store } from '../../../src/store/store.ts';
import { begin, changes, group, runKey } from './rows.ts';
import { storeOfTest, type MakeStore } from './under-test.ts';

const TENANT = runKey('a').tenant;
const SPACE = 'questions/3';

/** What every index of vectors does. */
export function vectorsContract(make: MakeStore): void {
  describe('vectors of questions', () => {
    const open = storeOfTest(make);

    test('finds those that are like one, the nearest first, none below the bound and no more than asked for', async () => {
      const { store } = open();
      await asked(store, ['x', 'xy', 'y']);
      await add(store, 'x', [1, 0, 0]);
      await add(store, 'xy', [0.8, 0.6, 0]);
      await add(store, 'y', [0, 1, 0]);
      const near = async (atLeast: number, limit = 9) =>
        (await store.nearest(TENANT, { space: SPACE, values: unit([1, 0.1, 0]), atLeast, limit })).map(
          ({ hash }) => hash,
        );
      expect(await near(0)).toEqual(['x', 'xy', 'y']);
      expect(await near(0.5)).toEqual(['x', 'xy']);
      expect(await near(0, 1)).toEqual(['x']);
      expect(await near(0.999)).toEqual([]);
    });

    test('says the exact cosine, and 1 of the very same', async () => {
      const { store } = open();
      await asked(store, ['a']);
      await add(store, 'a', [0.6, 0.8, 0]);
      const [same] = await store.nearest(TENANT, { space: SPACE, values: unit([0.6, 0.8, 0]), atLeast: 0, limit: 1 });
      expect(same?.similarity).toBeCloseTo(1, 6);
      expect(same?.similarity).toBeLessThanOrEqual(1);
      const [other] = await store.nearest(TENANT, { space: SPACE, values: unit([1, 0, 0]), atLeast: 0, limit: 1 });
      expect(other?.similarity).toBeCloseTo(0.6, 6);
    });

    test('never lets tenants, spaces or dimensions meet', async () => {
      const { store } = open();
      await asked(store, ['a', 'b']);
      await add(store, 'a', [1, 0, 0]);
      await store.addVector(TENANT, { hash: 'b', space: 'other/3', values: unit([1, 0, 0]) });
      const query = { values: unit([1, 0, 0]), atLeast: 0, limit: 9 };
      expect(await store.nearest('other', { ...query, space: SPACE })).toEqual([]);
      expect(await store.nearest(TENANT, { ...query, space: 'empty/3' })).toEqual([]);
      expect(await store.nearest(TENANT, { ...query, space: SPACE })).toMatchObject([{ hash: 'a' }]);
      const longer = { ...query, values: unit([1, 0, 0, 0]) };
      expect(await store.nearest(TENANT, { ...longer, space: SPACE })).toEqual([]);
      expect(await store.addVector('other', { hash: 'a', space: SPACE, values: unit([1, 0, 0]) })).toBe(false);
    });

    test('keeps one vector of a question, the last one, and none of a question that nobody has asked', async () => {
      const { store } = open();
      await asked(store, ['a']);
      expect(await add(store, 'nobody', [1, 0, 0])).toBe(false);
      expect(await add(store, 'a', [1, 0, 0])).toBe(true);
      expect(await nearest(store, [1, 0, 0])).toEqual(['a']);
      expect(await add(store, 'a', [0, 1, 0])).toBe(true);
      expect(await nearest(store, [1, 0, 0])).toEqual([]);
      expect(await nearest(store, [0, 1, 0])).toEqual(['a']);
      expect(await store.vectorOf(TENANT, 'a')).toEqual({ space: SPACE, values: Float32Array.of(0, 1, 0) });
      expect(await store.vectorOf('other', 'a')).toBeUndefined();
    });

    test('forgets a vector when it is told to, and with its question', async () => {
      const { store } = open();
      await asked(store, ['a', 'b', 'c'], true);
      for (const hash of ['a', 'b', 'c']) await add(store, hash, [1, 0, 0]);
      expect(await nearest(store, [1, 0, 0])).toHaveLength(3);
      await store.removeVectors('other', ['a']);
      await store.removeVectors(TENANT, ['a', 'nobody']);
      expect(await nearest(store, [1, 0, 0])).toEqual(expect.arrayContaining(['b', 'c']));
      expect(await store.forgetAnswers(TENANT, { promptHash: 'pb' }, { limit: 9 })).toMatchObject({ forgotten: 1 });
      expect(await nearest(store, [1, 0, 0])).toEqual(['c']);
      expect(await store.trimAnswers(TENANT, { at: 200, maxEntries: 9, maxBytes: 1_000, limit: 9 })).toBe(2);
      expect(await nearest(store, [1, 0, 0])).toEqual([]);
      expect(await store.vectorOf(TENANT, 'c')).toBeUndefined();
    });

    test('counts the bytes of vectors among those of the cache, until they are gone', async () => {
      const { store } = open();
      const bytes = async (): Promise<number> => (await store.answers(TENANT, 2)).bytes;
      await asked(store, ['a', 'b', 'c'], true);
      const before = await bytes();
      for (const hash of ['a', 'b', 'c']) await add(store, hash, [1, 0, 0]);
      expect(await bytes()).toBe(before + 3 * 12);
      await add(store, 'a', [1, 0, 0, 0]);
      await store.removeVectors(TENANT, ['b']);
      expect(await bytes()).toBe(before + 16 + 12);
      const like = { hash: 'a', similarity: 0.9, verified: false };
      const served = { kind: 'served', hash: 'c', workflow: 'w', at: 2, shared: false, savedNanos: 1, like } as const;
      const rows: RowChange[] = [{ table: 'answer', key: '9', row: served }, answer('a', 9)];
      await store.commit(group([changes(runKey('a'), 1, { rows })]));
      expect(await bytes()).toBe(before + 16);
      const bounds = { at: 2, maxEntries: 9, maxBytes: before + 15, limit: 9 };
      expect(await store.trimAnswers(TENANT, bounds)).toBe(1);
      expect(await bytes()).toBeLessThanOrEqual(before);
      await store.forgetAnswers(TENANT, {}, { limit: 9 });
      expect(await store.answers(TENANT, 2)).toEqual({ entries: 0, bytes: 0 });
    });

    test('finds the nearest of any vectors, with any of them gone', { timeout: 20_000 }, async () => {
      const { store } = open();
      const all = Array.from({ length: 40 }, (_, at) => `q${at}`);
      await asked(store, all);
      const direction = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 40, maxLength: 40 });
      const given = fc.record({
        vectors: fc.array(direction.filter(isSome), { minLength: 40, maxLength: 40 }),
        query: direction.filter(isSome),
        gone: fc.array(fc.constantFrom(...all), { maxLength: 20 }),
      });
      await fc.assert(
        fc.asyncProperty(given, async ({ vectors, query, gone }) => {
          for (const [at, values] of vectors.entries()) await add(store, `q${at}`, values);
          await store.removeVectors(TENANT, gone);
          const values = unit(query);
          const expected = vectors
            .flatMap((vector, at) => (gone.includes(`q${at}`) ? [] : [dot(unit(vector), values)]))
            .toSorted((one, other) => other - one)
            .slice(0, 5);
          const found = await store.nearest(TENANT, { space: SPACE, values, atLeast: -1, limit: 5 });
          expect(found).toHaveLength(5);
          for (const [at, { similarity }] of found.entries()) expect(similarity).toBeCloseTo(expected[at] ?? 2, 5);
        }),
        { numRuns: 10 },
      );
    });
  });
}

/** Questions that are known; `also` with their answers. */
async function asked(store: Store, hashes: readonly string[], also = false): Promise<void> {
  const rows = hashes.flatMap((hash, at): RowChange[] => [
    {
      table: 'answer',
      key: `${at}`,
      row: { kind: 'asked', hash, promptHash: `p${hash}`, prompt: 'Why?', actor: '/t', workflow: 'w', at: 1 },
    },
    ...(also ? [answer(hash, at)] : []),
  ]);
  await store.commit(group([begin(runKey('a'), { rows })]));
}

function answer(hash: string, at: number): RowChange {
  const kept = { valueJson: '"yes"', model: 'm', finishReason: 'stop', costNanos: 7, at: 1, expiresAt: 100 };
  return { table: 'answer', key: `${at}/a`, row: { kind: 'answered', hash, ...kept } };
}

const add = (store: Store, hash: string, values: readonly number[]) =>
  store.addVector(TENANT, { hash, space: SPACE, values: unit(values) });

async function nearest(store: Store, values: readonly number[]): Promise<string[]> {
  const found = await store.nearest(TENANT, { space: SPACE, values: unit(values), atLeast: 0.9, limit: 9 });
  return found.map(({ hash }) => hash);
}

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

const dot = (one: Float32Array, other: Float32Array): number =>
  one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);

const isSome = (values: readonly number[]): boolean => values.some((value) => value !== 0);
