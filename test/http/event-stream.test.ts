/** The body of a stream: who reads slowly, or not at all. */
import { describe, expect, it } from 'vitest';
import { commentText, eventBody, eventText, STALLED_MS } from '../../src/http/event-stream.ts';
import { ManualClock } from '../harness/clock.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';

/** A body of these texts, that waits for more afterwards. */
function bodyOf(texts: readonly string[]) {
  const clock = new ManualClock();
  const made: string[] = [];
  let stalls = 0;
  let ended = false;
  async function* events(gone: AbortSignal): AsyncGenerator<string, void> {
    try {
      for (const text of texts) {
        made.push(text);
        yield text;
      }
      await new Promise((resolve) => gone.addEventListener('abort', resolve));
    } finally {
      ended = true;
    }
  }
  const reader = eventBody({ clock, events, stalled: () => void stalls++ }).getReader();
  const decoder = new TextDecoder();
  return {
    clock,
    made,
    reader,
    read: async () => decoder.decode((await reader.read()).value, { stream: true }),
    pass: (ms: number) => clock.advance(ms, () => turnsOfTheLoop(3)),
    get stalls() {
      return stalls;
    },
    get ended() {
      return ended;
    },
  };
}

describe('the body of a stream', () => {
  it('B1: makes the next event when the one before was taken, and hands a big one out in pieces', async () => {
    const big = 'ä𝄐'.repeat(30_000);
    const body = bodyOf([big, 'second', 'third']);
    await turnsOfTheLoop(3);
    expect(body.made).toEqual([]);
    let text = await body.read();
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536);
    expect(body.made).toEqual([big]);
    while (text.length < big.length) text += await body.read();
    expect(text === big).toBe(true);
    expect(body.made).toEqual([big]);
    expect(await body.read()).toBe('second');
    await body.reader.cancel();
  });

  it('B2: lets go who takes nothing for half a minute, and nobody who takes a little now and then', async () => {
    const body = bodyOf(Array.from({ length: 10 }, (_, n) => `event ${n}`));
    for (let n = 0; n < 5; n++) {
      expect(await body.read()).toBe(`event ${n}`);
      await body.pass(STALLED_MS - 1);
      expect(body.stalls).toBe(0);
    }
    await body.pass(1);
    expect(body.stalls).toBe(1);
    await body.reader.cancel();
    expect([body.ended, body.clock.armed]).toEqual([true, 0]);
  });

  it('B3: says that it is still there while nothing happens, to a reader that waits', async () => {
    const body = bodyOf(['only']);
    await body.read();
    const beat = body.read();
    await body.pass(15_000);
    expect(await beat).toBe(commentText('still here'));
    expect(body.stalls).toBe(0);
    await body.reader.cancel();
    expect([body.ended, body.clock.armed]).toEqual([true, 0]);
  });

  it('keeps an event whole whatever it is called', () => {
    expect(eventText({ event: 'a\r\nb', data: '{}', id: '7' })).toBe('event: a b\ndata: {}\nid: 7\n\n');
  });
});
