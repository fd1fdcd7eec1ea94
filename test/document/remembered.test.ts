import { describe, expect, it } from 'vitest';
import { Remembered } from '../../src/document/remembered.ts';

/** Work that is done when it is said so; how often it was begun. */
function work() {
  const done: ((value: number) => void)[] = [];
  return {
    done,
    begin: () => new Promise<number>((resolve) => done.push(resolve)),
  };
}

describe('what is worked out', () => {
  it('is worked out once for all who ask meanwhile', async () => {
    const { done, begin } = work();
    const remembered = new Remembered<number>(2, () => 0);
    const asked = [remembered.anew('a', begin), remembered.anew('a', begin)];
    expect(done).toHaveLength(1);
    done[0]?.(1);
    expect(await Promise.all(asked)).toEqual([1, 1]);
    expect(remembered.of('a')).toEqual({ value: 1, age: 0 });
  });

  it('is not begun again for who asks while another one hears late of what was before', async () => {
    const { done, begin } = work();
    const remembered = new Remembered<number>(2, () => 0);
    const first = [remembered.anew('a', begin), remembered.anew('a', begin)];
    const later: Promise<number>[] = [];
    done[0]?.(1);
    // It is done, and nobody has heard of it: one more asks, and hears last, when another one has begun anew.
    queueMicrotask(() => {
      queueMicrotask(() => later.push(remembered.anew('a', begin)));
      first.push(remembered.anew('a', begin));
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await Promise.all(first)).toEqual([1, 1, 1]);
    later.push(remembered.anew('a', begin));
    expect(done, 'times that it was begun').toHaveLength(2);
    done[1]?.(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
  });

  it('is begun again where it has failed, and all who asked hear that', async () => {
    const { done, begin } = work();
    const remembered = new Remembered<number>(2, () => 0);
    const failing = (): Promise<number> => Promise.reject(new RangeError('not now'));
    const asked = await Promise.allSettled([remembered.anew('a', failing), remembered.anew('a', failing)]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = remembered.anew('a', begin);
    done[0]?.(1);
    expect(await again).toBe(1);
  });
});
