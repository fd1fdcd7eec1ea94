/** L2: nobody waits for ever, whoever it is that does not call. */
import { describe, expect, it } from 'vitest';
import { Lines, type Asker, type Told } from '../../../actors/recall/lines.ts';
import type { AnswerClaim, AnswerRow } from '../../../src/store/answers.ts';
import { ManualClock } from '../../harness/clock.ts';

const ANSWER: AnswerRow = { valueJson: '"yes"', model: 'm', finishReason: 'stop', costNanos: 1, answeredAt: 1 };
const by = (run: string): Asker => ({ run, actor: '/t' });
const calls = (run: string): AnswerClaim => ({ ...by(run), waitsForMoney: false });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function open() {
  const clock = new ManualClock();
  const committed: { answer?: AnswerRow; claim?: AnswerClaim } = {};
  const blocked = new Set<string>();
  const isBlocked = (run: string): boolean => blocked.has(run);
  const lines = new Lines({ clock, isBlocked, find: async () => ({ ...committed }) });
  const told: Record<string, Told | string> = {};
  const ask = async (run: string, patienceMs?: number): Promise<AbortController> => {
    const abort = new AbortController();
    const asking = { ...by(run), patienceMs, key: 'k', signal: abort.signal, serves: () => true };
    lines.ask(asking).then(
      (answer) => (told[run] = answer),
      (thrown: unknown) => (told[run] = String(thrown)),
    );
    await settle();
    return abort;
  };
  return {
    clock,
    committed,
    blocked,
    lines,
    told,
    ask,
    wait: (seconds: number) => clock.advance(seconds * 1_000, settle),
  };
}

describe('the next one leads', () => {
  it('where the first was told to, and never claimed', async () => {
    const { told, ask, wait } = open();
    for (const run of ['a', 'b', 'c']) await ask(run);
    expect(told).toEqual({ a: { shared: false } });
    await wait(29);
    expect(told).toEqual({ a: { shared: false } });
    await wait(6);
    expect(told).toEqual({ a: { shared: false }, b: { shared: false } });
  });

  it('where the run that was to call takes nothing more here, and the claim of the next one counts', async () => {
    const { committed, blocked, told, ask, wait } = open();
    committed.claim = calls('gone');
    blocked.add('gone');
    await ask('a');
    await ask('b');
    expect(told).toEqual({ a: { shared: false } });
    committed.claim = calls('a');
    await wait(600);
    expect(told).toEqual({ a: { shared: false } });
    blocked.add('a');
    await wait(6);
    expect(told).toEqual({ a: { shared: false }, b: { shared: false } });
  });

  it('where it comes back before anybody has noticed that its call is over: those behind it are first', async () => {
    const { committed, lines, told, ask } = open();
    await ask('a');
    committed.claim = calls('a');
    await ask('b');
    await ask('c');
    delete committed.claim;
    delete told['a'];
    await ask('a');
    expect(told).toEqual({ b: { shared: false } });
    committed.answer = ANSWER;
    lines.heard({ ...by('b'), type: 'task_completed' });
    await settle();
    expect(told).toMatchObject({ a: { shared: true }, c: { shared: true } });
    expect(lines.waiting).toBe(0);
  });

  it('where it has waited as long as its own call may take, also beside the other one', async () => {
    const { committed, told, ask, wait } = open();
    await ask('a');
    committed.claim = calls('a');
    await ask('b', 60_000);
    await ask('c', 600_000);
    await wait(59);
    expect(Object.keys(told)).toEqual(['a']);
    await wait(6);
    expect(told).toEqual({ a: { shared: false }, b: { shared: false } });
  });

  it('but what the leader waits for the money of their run does not count', async () => {
    const { committed, told, ask, wait } = open();
    await ask('a');
    committed.claim = { run: 'b', actor: '/other', waitsForMoney: true };
    await ask('b', 60_000);
    await ask('c', 60_000);
    await wait(100);
    expect(Object.keys(told)).toEqual(['a', 'c']);
    committed.claim = { ...committed.claim, waitsForMoney: false };
    await wait(59);
    expect(Object.keys(told)).toEqual(['a', 'c']);
    await wait(10);
    expect(Object.keys(told)).toEqual(['a', 'c', 'b']);
  });

  it('and not while a call goes on that an earlier process has left', async () => {
    const { committed, lines, told, ask, wait } = open();
    committed.claim = calls('gone');
    await ask('a');
    await wait(600);
    expect(told).toEqual({});
    expect(lines.leaderOf(by('a'))).toEqual(by('gone'));
    delete committed.claim;
    committed.answer = ANSWER;
    lines.heard({ ...by('gone'), type: 'task_completed' });
    await settle();
    expect(told).toEqual({ a: { answer: ANSWER, shared: true } });
  });

  it('and a live claim is waited for as long as it takes, also where nobody says how it ended', async () => {
    const { committed, told, ask, wait } = open();
    await ask('a');
    committed.claim = calls('a');
    await ask('b');
    await wait(600);
    expect(Object.keys(told)).toEqual(['a']);
    delete committed.claim;
    await wait(10);
    expect(told).toMatchObject({ b: { shared: false } });
  });
});

it('L3: who goes away leaves the line, and the one behind it has the answer', async () => {
  const { committed, lines, told, ask, clock } = open();
  await ask('a');
  committed.claim = calls('a');
  const gone = await ask('b');
  await ask('c');
  gone.abort('enough');
  await settle();
  expect(told['b']).toBe('enough');
  expect(lines.waiting).toBe(1);
  delete committed.claim;
  committed.answer = ANSWER;
  lines.heard({ ...by('a'), type: 'task_completed' });
  await settle();
  expect(told['c']).toEqual({ answer: ANSWER, shared: true });
  lines.close();
  expect(clock.armed).toBe(0);
});

it('who cannot look is told so, and the next one looks for itself', async () => {
  const lines = new Lines({
    clock: new ManualClock(),
    isBlocked: () => false,
    find: () => Promise.reject(new Error('locked')),
  });
  const asking = { ...by('a'), key: 'k', signal: new AbortController().signal, serves: () => true };
  await expect(lines.ask(asking)).rejects.toThrow('locked');
  await expect(lines.ask({ ...asking, ...by('b') })).rejects.toThrow('locked');
  expect(lines.waiting).toBe(0);
});
