import { expect, it, vi } from 'vitest';
import { Upcoming } from '../../src/http/upcoming.ts';
import { ManualClock } from '../harness/clock.ts';

/** A generator whose next item comes when it is told to. */
function told() {
  const given = Promise.withResolvers<IteratorResult<string, void>>();
  const listened = vi.spyOn(given.promise, 'then');
  let asked = 0;
  const next = (): Promise<IteratorResult<string, void>> => (asked++, given.promise);
  return { items: { next } as unknown as AsyncGenerator<string, void>, given, listened, asked: () => asked };
}

it('asks once for an item, and leaves nothing with it however often it is waited for', async () => {
  const clock = new ManualClock();
  const { items, given, listened, asked } = told();
  const upcoming = new Upcoming(items, clock);
  for (let n = 0; n < 100; n++) {
    const came = upcoming.within(15_000);
    await clock.advance(15_000, () => Promise.resolve());
    expect(await came).toBeUndefined();
  }
  expect([asked(), listened.mock.calls.length]).toEqual([1, 1]);
  const last = upcoming.within(15_000);
  given.resolve({ done: false, value: 'tea' });
  expect(await last).toEqual({ done: false, value: 'tea' });
  expect(clock.armed).toBe(0);
});

it('gives an item at once that came between, and throws what the generator throws', async () => {
  const clock = new ManualClock();
  async function* items() {
    yield 'a';
    yield 'b';
    throw new Error('gone');
  }
  const upcoming = new Upcoming(items(), clock);
  expect(await upcoming.within(10)).toEqual({ done: false, value: 'a' });
  expect(await upcoming.within(10)).toEqual({ done: false, value: 'b' });
  await expect(upcoming.within(10)).rejects.toThrow('gone');
  expect(clock.armed).toBe(0);
});
