/** Waits for money, as they are told to who follows a run. */
import { describe, expect, it } from 'vitest';
import { MoneyWaits } from '../../src/cli/money-waits.ts';
import { layOut, progressLine } from '../../src/cli/progress.ts';
import { ManualClock } from '../harness/clock.ts';
import { openFermata } from '../harness/fermata.ts';
import { answerWith, startRawModelServer, type RawExchange } from '../harness/raw-model-server.ts';
import { testFolder } from './test-shell.ts';

/** What a person sees of facts that come at their times, in milliseconds. */
function told() {
  const clock = new ManualClock(0);
  const lines: string[] = [];
  const waits = new MoneyWaits(
    (line) => lines.push(layOut(line)),
    (wake, ms) => clock.setTimer(wake, ms),
  );
  const context = { width: 100, approve: () => '', send: () => '' };
  return {
    lines,
    clock,
    waits,
    fact(at: number, event: string, data: object = {}) {
      const full = { task: 'a', call: 'call', progress: 20, timestamp: new Date(at).toISOString(), ...data };
      waits.show({ event, data: full }, progressLine({ event, data: full }, context));
    },
  };
}
const awaited = { needDollars: 0.01, leastDollars: 0.01 };
const WAITS = '⏸ a: waits for money: it may cost $0.01';
const HAS = '· a: has money, and begins';

describe('a wait for money', () => {
  it('that is over at once is not told, however often it comes', () => {
    const { lines, clock, fact } = told();
    for (let call = 0; call < 5; call++) {
      fact(call * 5_000, 'budget_awaited', { ...awaited, call: `call ${call}` });
      fact(call * 5_000 + 999, 'budget_granted', { call: `call ${call}` });
    }
    expect(lines).toEqual([]);
    expect(clock.armed).toBe(0);
  });

  it('that lasts is told while nothing else happens, once, and that it is over', async () => {
    const { lines, clock, fact } = told();
    fact(0, 'budget_awaited', awaited);
    await clock.advance(999, async () => {});
    expect(lines).toEqual([]);
    await clock.advance(1, async () => {});
    expect(lines).toEqual([`[ 20%] ${WAITS}`]);
    await clock.advance(60_000, async () => {});
    fact(61_000, 'task_started', { task: 'b', progress: 30 });
    fact(62_000, 'budget_granted', { progress: 30 });
    expect(lines).toEqual([`[ 20%] ${WAITS}`, '[ 30%] b… ⏳', `[ 30%] ${HAS}`]);
    expect(clock.armed).toBe(0);
  });

  it('that has lasted is told of a run that is watched again, before what came after', () => {
    const { lines, fact } = told();
    fact(0, 'budget_awaited', awaited);
    fact(400, 'task_completed', { task: 'b', progress: 40, result: 'x' });
    fact(2_000, 'budget_granted', { progress: 40 });
    // As much as the run had come to: progress never falls.
    expect(lines).toEqual(['[ 40%] ✓ b: x', `[ 40%] ${WAITS}`, `[ 40%] ${HAS}`]);
  });

  it('ends with its task, with its run, and with who watches', () => {
    const { lines, clock, waits, fact } = told();
    fact(0, 'budget_awaited', awaited);
    fact(0, 'budget_awaited', { ...awaited, task: 'b' });
    fact(0, 'budget_awaited', { ...awaited, task: 'c', call: 'one' });
    fact(10, 'budget_left');
    fact(10, 'task_cancelled', { task: 'b' });
    expect(clock.armed).toBe(1);
    fact(10, 'run_cancelled', { task: undefined, reason: { message: 'enough' } });
    expect(clock.armed).toBe(0);
    fact(20, 'budget_awaited', awaited);
    waits.end();
    expect(clock.armed).toBe(0);
    expect(lines).toEqual(['[ 20%] ✗ b: cancelled', '[ 20%] ✗ The run was cancelled: enough']);
  });
});

describe('fermata run and fermata watch', () => {
  const config = (maxCostDollars: number) => ({
    prices: { openai: { '*': { input: 0, output: 10 } } },
    budgets: { perDay: { maxCostDollars } },
  });
  const tasks = ['a', 'b', 'c', 'd'].map((name, at, names) => ({
    name,
    prompt: 'Say',
    maxOutputTokens: 100,
    ...(at === 0 ? {} : { dependsOn: [names[at - 1]] }),
  }));

  it('say nothing of the moment in which a run borrows', async () => {
    const folder = testFolder({ FERMATA_DEMO_PACE: '0' });
    folder.write('fermata.config.ts', `export default ${JSON.stringify(config(0.02))};`);
    folder.write('w.json', JSON.stringify({ name: 'w', tasks }));
    const ran = await folder.run(['run', 'w.json', '--demo']);
    expect(ran.status, ran.err).toBe(0);
    expect(ran.err).toContain('d: ');
    expect(ran.err).not.toContain('money');
    const runId = /Run (\S+)/.exec(ran.err)?.[1] ?? '';
    const facts = await folder.run(['watch', runId]);
    expect(facts.err).not.toContain('money');
  });

  it('say once that a call waits for others, and that it has its money', async () => {
    const held = Promise.withResolvers<RawExchange>();
    const usage = { prompt_tokens: 1, completion_tokens: 10, total_tokens: 11 };
    const server = await startRawModelServer((exchange) => {
      const messages = exchange.body['messages'] as { content: string }[];
      return messages.at(-1)?.content === 'first' ? held.resolve(exchange) : answerWith(exchange, 'ok', usage);
    });
    const openai = { apiKey: 'k', baseUrl: server.baseUrl };
    const clock = new ManualClock(Date.UTC(2026, 10, 22));
    const harness = await openFermata({ clock, config: { ...config(0.0015), providers: { openai } } });
    const begin = async (name: string): Promise<string> => {
      const task = { name, prompt: name, maxOutputTokens: 100 };
      const { body } = await harness.call('POST', '/workflows', { name, tasks: [task] });
      return (await harness.call('POST', `/workflows/${body.id}/execute`, {})).body.runId;
    };
    const first = await begin('first');
    const exchange = await held.promise;
    const second = await begin('second');
    await harness.fermata.runtime.idle();
    await clock.advance(5_000, () => harness.fermata.runtime.idle());
    answerWith(exchange, 'ok', usage);
    for (const run of [first, second]) await harness.fermata.runtime.waitFor(run);
    await harness.close();
    await server.stop();
    const watched = await testFolder().run(['watch', second, '--db', harness.database]);
    expect(watched.err.match(/waits for money|has money, and begins/g)).toEqual([
      'waits for money',
      'has money, and begins',
    ]);
  });
});
