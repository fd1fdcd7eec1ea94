/** N2: what a reader lacks of the texts under way is looked up as it takes them: it holds none, however many there are. */
import { expect, it } from 'vitest';
import { FactFeed, type StreamedText } from '../../src/runtime/facts.ts';
import { streamRun, type StreamSource } from '../../src/runtime/stream.ts';

const KEY = { tenant: 'default', run: 'run' };
const COUNT = 1_000;
const LENGTH = 20_000;

it('a reader that joins a thousand texts and does not read on holds one of them, and gets none that is over', async () => {
  const looked: number[] = [];
  let overFrom = COUNT;
  const texts = Array.from({ length: COUNT }, (_, n): StreamedText => {
    const text = (): string => {
      looked.push(n);
      return n < overFrom ? `${n} `.padEnd(LENGTH, 'x') : '';
    };
    return { ...KEY, about: { task: `each[${n}]`, attempt: 1 }, text };
  });
  const feed = new FactFeed(() => {});
  const store = { journal: async () => [], run: async () => undefined } as unknown as StreamSource['store'];
  const gone = new AbortController();
  const source: StreamSource = { store, feed, streamed: () => texts, decode: async () => undefined };
  const items = streamRun(KEY, source, { signal: gone.signal });
  const next = async (): Promise<unknown> => {
    const { value } = await items.next();
    return value !== undefined && 'delta' in value
      ? [value.delta.about['task'], value.delta.offset, value.delta.delta.length]
      : value;
  };
  expect(await next()).toEqual(['each[0]', 0, LENGTH]);
  expect(looked).toEqual([0]);
  // The text goes on before the reader has come to it: it gets it once, as far as it has come by then.
  feed.publishDelta({ ...KEY, about: { task: 'each[1]', attempt: 1 }, offset: LENGTH - 10, delta: 'x'.repeat(10) });
  expect(await next()).toEqual(['each[1]', 0, LENGTH]);
  // One that it has goes on: it gets the rest.
  feed.publishDelta({ ...KEY, about: { task: 'each[0]', attempt: 1 }, offset: LENGTH - 5, delta: 'x'.repeat(5) });
  overFrom = 2;
  expect(await next()).toEqual(['each[0]', LENGTH - 5, 5]);
  expect(new Set(looked).size).toBe(COUNT);
  feed.publishDelta({ ...KEY, about: { task: 'each[1]', attempt: 1 }, offset: LENGTH, delta: 'more' });
  expect(await next()).toEqual(['each[1]', LENGTH, 4]);
  gone.abort();
  expect(await next()).toBeUndefined();
});
