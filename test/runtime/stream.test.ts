/** Streams of facts and texts, and readers that fall behind. */
import { describe, expect, it } from 'vitest';
import { liveBytes } from '../../bench/memory.ts';
import { effect, type EffectContext } from '../../src/runtime/effect.ts';
import type { Delta } from '../../src/runtime/facts.ts';
import type { StreamItem } from '../../src/runtime/stream.ts';
import { openRuntime, turnsOfTheLoop, type RuntimeUnderTest } from '../harness/runtime.ts';
import { asker, Deferred } from './machines.ts';

/** A run whose call speaks when the test says so. */
async function speaking(): Promise<{
  under: RuntimeUnderTest;
  runId: string;
  voice: EffectContext;
  end(): Promise<void>;
}> {
  const answer = new Deferred();
  const began = new Deferred<EffectContext>();
  const call = effect({
    describe: () => ({ task: 'speech' }),
    run: (_: unknown, context: EffectContext) => (began.resolve(context), answer.promise),
  });
  const under = await openRuntime({ machines: { 'asker@1': asker }, actors: { call } });
  const { runId } = await under.runtime.start('asker');
  await under.runtime.send(runId, { type: 'ASK' });
  const end = async (): Promise<void> => {
    answer.resolve('done');
    await under.settle();
  };
  return { under, runId, voice: await began.promise, end };
}

/** A reader that reads when the test says so: what lies ready for it. */
class Reader {
  readonly #items: AsyncGenerator<StreamItem, void>;
  #upcoming: Promise<IteratorResult<StreamItem, void>> | undefined;
  readonly #stop: AbortController;

  constructor(under: RuntimeUnderTest, runId: string | undefined) {
    this.#stop = new AbortController();
    this.#items = under.runtime.stream(runId, { signal: this.#stop.signal });
  }

  /** The next item; undefined where none comes by itself. */
  async next(): Promise<StreamItem | undefined> {
    this.#upcoming ??= this.#items.next();
    const came = await Promise.race([this.#upcoming, turnsOfTheLoop()]);
    if (came === undefined) return undefined;
    this.#upcoming = undefined;
    return came.done === true ? undefined : came.value;
  }

  /** The texts that lie ready, in their pieces. */
  async deltas(): Promise<Delta[]> {
    const found: Delta[] = [];
    for (let item = await this.next(); item !== undefined; item = await this.next())
      if ('delta' in item) found.push(item.delta);
    return found;
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#upcoming;
    await this.#items.return();
  }
}

describe.each(['one', 'all'] as const)('N2: the stream of %s', (of) => {
  const readerOf = (under: RuntimeUnderTest, runId: string) => new Reader(under, of === 'one' ? runId : undefined);

  it('gives who joins late the text so far from offset 0, and then what follows', async () => {
    const { under, runId, voice, end } = await speaking();
    voice.delta('Hello ');
    voice.delta('wide ');
    const reader = readerOf(under, runId);
    const first = await reader.deltas();
    voice.delta('world');
    const second = await reader.deltas();
    expect([...first, ...second].map(({ offset, delta, about }) => [offset, delta, about])).toEqual([
      [0, 'Hello wide ', { task: 'speech' }],
      [11, 'world', { task: 'speech' }],
    ]);
    await reader.leave();
    await end();
  });

  it('gives who falls behind what it lacks, in longer pieces that follow each other', async () => {
    const { under, runId, voice, end } = await speaking();
    const reader = readerOf(under, runId);
    voice.delta('begin ');
    const first = await reader.deltas();
    let said = 'begin ';
    for (let n = 0; n < 20_000; n++) {
      const word = `${n} `;
      said += word;
      voice.delta(word);
    }
    const rest = await reader.deltas();
    expect(rest.length).toBeLessThan(10);
    expect(Math.max(...rest.map(({ delta }) => delta.length))).toBeLessThanOrEqual(65_536);
    let heard = '';
    for (const { offset, delta } of [...first, ...rest]) {
      expect(offset).toBe(heard.length);
      heard += delta;
    }
    expect(heard === said).toBe(true);
    await reader.leave();
    await end();
  });

  it('begins anew with a text that began anew meanwhile', async () => {
    const { under, runId, voice, end } = await speaking();
    const reader = readerOf(under, runId);
    voice.delta('wrong');
    await reader.deltas();
    for (let n = 0; n < 2_000; n++) voice.delta('still wrong ');
    voice.restart();
    voice.delta('right');
    expect((await reader.deltas()).map(({ offset, delta }) => [offset, delta])).toEqual([[0, 'right']]);
    await reader.leave();
    await end();
  });

  it('N3: gives who falls behind what was streamed before a fact before that fact', async () => {
    const { under, runId, voice, end } = await speaking();
    const reader = readerOf(under, runId);
    await reader.deltas();
    // The reader has taken it, and takes nothing more until the text is over.
    voice.delta('one ');
    const order: unknown[] = [await reader.next()];
    for (const word of ['two ', 'three ']) {
      voice.delta(word);
      voice.emit({ type: 'said', word });
      await under.settle();
    }
    voice.delta('four');
    await end();
    for (let item = await reader.next(); item !== undefined; item = await reader.next()) order.push(item);
    const said = (order as StreamItem[]).map((item) => ('delta' in item ? item.delta.delta : item.fact.type));
    expect(said.slice(0, 6)).toEqual(['one ', 'two ', 'emitted', 'three ', 'emitted', 'four']);
    expect(said.slice(6).every((type) => type.startsWith('run_'))).toBe(true);
    await reader.leave();
  });

  it('N3: gives a fact that nothing was streamed before it, before what was streamed after it', async () => {
    const { under, runId, voice, end } = await speaking();
    const reader = readerOf(under, runId);
    await reader.deltas();
    voice.emit({ type: 'said', word: 'first' });
    await under.settle();
    // The reader has taken it, and takes nothing more until the next two are there.
    const order = [await reader.next()];
    voice.emit({ type: 'said', word: 'second' });
    await under.settle();
    voice.delta('after it');
    order.push(await reader.next(), await reader.next());
    expect(order).toMatchObject([
      { fact: { data: { event: { word: 'first' } } } },
      { fact: { data: { event: { word: 'second' } } } },
      { delta: { delta: 'after it' } },
    ]);
    await end();
    await reader.leave();
  });

  it('N1: keeps at most 1 MB for a reader that does not go on, however much there is to read', async () => {
    const readers = 10;
    const { under, runId, voice, end } = await speaking();
    for (let n = 0; n < 300; n++) voice.emit({ type: 'said', text: `${n} `.padEnd(15_000, 'word ') });
    await under.settle();
    const before = liveBytes();
    const waiting = Array.from({ length: readers }, () => readerOf(under, runId));
    for (const reader of waiting) expect(await reader.next()).toBeDefined();
    for (let n = 0; n < 20_000; n++) voice.delta('a word of thirty-two characters ');
    const each = (liveBytes() - before) / readers;
    expect(each).toBeLessThan(2 ** 20);
    let last = 1;
    for (let item = await waiting[0]?.next(); item !== undefined; item = await waiting[0]?.next())
      if ('fact' in item) expect(item.fact.seq).toBe(++last);
    expect(last).toBe((await under.runtime.read(runId)).facts);
    for (const reader of waiting) await reader.leave();
    await end();
  });
});
