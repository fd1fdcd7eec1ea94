/** The page of a run, in a real browser: its tasks in words. The viewer of the statechart is not reached here. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { statelyBridge } from '../../inspector/bridge.ts';
import type { WorkflowTask } from '../../src/document/schema.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import { openFermata } from '../harness/fermata.ts';
import { TOKEN } from './bridge-server.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const echo = { kind: 'code', function: 'echo' } as const;
const tasks: WorkflowTask[] = [
  { name: 'risk', ...echo, input: { level: '"high"' }, outputs: { shared: { known: 'true' } } },
  { name: 'way', kind: 'condition', if: 'tasks.risk.output.level == "high"', then: ['stocks'], else: ['bonds'] },
  { name: 'stocks', ...echo, input: { text: '"<b>bold</b>"' } },
  { name: 'bonds', ...echo },
  { name: 'each', kind: 'map', items: 'input.list', task: { ...echo, input: { x: 'item' } } },
  { name: 'below', kind: 'subworkflow', workflow: { name: 'lower', tasks: [{ name: 'a', ...echo }] } },
  { name: 'paid', kind: 'wait', event: { type: 'paid', filter: 'event.amount > 10' } },
  { name: 'end', ...echo, dependsOn: ['paid'] },
];

it.skipIf(executablePath === undefined)('tasks are told in words, live (needs Chromium)', async () => {
  const { fermata } = await openFermata({
    config: {
      functions: { echo: (input: unknown) => input },
      prices: {
        openai: { 'gpt-4o-mini': { input: 1, output: 10 }, 'text-embedding-3-small': { input: 1, output: 0 } },
      },
      // So that the first run has no budget of its own.
      budgets: { perDay: { maxCostDollars: 1 } },
    },
    script: [{ prompt: '', answers: [{ text: 'ok', usage: { inputTokens: 200, outputTokens: 30 } }] }],
  });
  const { runId } = await fermata.start(
    { name: 'shapes', tasks },
    { input: { list: Array.from({ length: 30 }, (_, at) => at) } },
  );
  const log = createLogger({ level: 'silent', destination: { write: () => {} } });
  const bridge = statelyBridge({ runtime: fermata.runtime, token: TOKEN, url: 'http://127.0.0.1:9/' });
  const server = await serve({ fermata, log, port: 0, extend: (app) => void app.route('/', bridge.routes) });
  onTestFinished(() => server.close());
  const browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const faults: unknown[] = [];
  page.on('pageerror', (thrown) => faults.push(thrown));
  await page.goto(bridge.link(`http://127.0.0.1:${server.port}`, runId));
  const row = (task: string): Promise<string | null> =>
    page.locator('#overview tr', { has: page.locator(`td:first-child:text-is("${task}")`) }).textContent();

  await expect.poll(() => row('paid')).toBe('paidrunningwaits for the event "paid" of which event.amount > 10');
  expect(await row('way')).toBe(
    'waycompletedchose then (stocks): tasks.risk.output.level == "high"; tasks.risk.output.level is "high"',
  );
  expect(await row('bonds')).toContain('bondsskippedThe condition "way" chose then');
  expect(await row('stocks')).toBe('stockscompleted{"text":"<b>bold</b>"}');
  expect(await row('each[…]')).toBe('each[…]30 completed');
  expect(await row('end')).toBe('endpendingwaits for paid');
  expect(await row('known')).toBe('knowntruerisk, revision 1');

  await fermata.runtime.send(runId, { type: 'paid', amount: 12 }, { id: 'one' });
  await expect.poll(() => row('end'), { timeout: 10_000 }).toBe('endcompleted{}');
  await page.locator('#overview a').click();
  await expect.poll(() => row('a')).toBe('acompleted{}');

  // What is asked twice is paid once.
  const ask = { prompt: 'Tea?', maxOutputTokens: 100, expectedOutputTokens: 30 };
  const market = await fermata.start({
    name: 'market',
    config: { budget: { maxCostDollars: 0.01, warnAtDollars: 0.005 }, cache: { enabled: true } },
    tasks: [
      { name: 'first', ...ask },
      { name: 'second', ...ask, dependsOn: ['first'] },
      { name: 'gate', kind: 'wait', event: { type: 'go' }, dependsOn: ['second'] },
    ],
  });
  await expect
    .poll(async () => (await fermata.runtime.read(market.runId)).counts, { timeout: 10_000 })
    .toMatchObject({ settled: 2 });
  await page.goto(bridge.link(`http://127.0.0.1:${server.port}`, market.runId));
  await expect.poll(() => row('first'), { timeout: 10_000 }).toBe('firstcompleted$0.0005ok');
  expect(await row('second')).toBe('secondcompletedcached, $0.0005 savedok');
  const told = await page.locator('#overview p').allTextContents();
  expect(told.slice(1)).toEqual([
    'Time left is not known: waits for the event "go" (gate)',
    expect.stringMatching(/^\$0\.0005 spent, \$0\.\d+ expected \(\$0\.00 to \$0\.\d+\)$/),
    '1 answer from the cache, $0.0005 saved',
    'Budget: $0.0005 spent · $0.00 reserved · $0.0095 left of $0.01 · warns at $0.005',
  ]);
  const settled = page.locator('.bar .settled');
  expect(await settled.evaluate((bar) => (bar as HTMLElement).style.width)).toBe('5%');
  const cost = page.locator('#overview .cost').first();
  await cost.hover();
  await expect
    .poll(() => cost.getAttribute('title'), { timeout: 10_000 })
    .toBe('openai/gpt-4o-mini: 200 tokens in at $1/M, 30 out at $10/M = $0.0005');

  // A similar question costs the vector by which it was found.
  const similar = await fermata.start({
    name: 'similar',
    config: { cache: { enabled: true, similarityThreshold: 0.9 } },
    tasks: [
      { name: 'first', ...ask, prompt: 'What is the price of green tea?' },
      { name: 'second', ...ask, prompt: 'Tell me: what is the price of green tea?', dependsOn: ['first'] },
    ],
  });
  await fermata.runtime.waitFor(similar.runId);
  await page.goto(bridge.link(`http://127.0.0.1:${server.port}`, similar.runId));
  await expect
    .poll(() => row('second'), { timeout: 10_000 })
    .toBe('secondcompletedcached, $0.0005 saved, $0.00001 paidok');
  const found = page.locator('#overview .cost').nth(1);
  await found.hover();
  await expect
    .poll(() => found.getAttribute('title'), { timeout: 10_000 })
    .toBe('openai/text-embedding-3-small: 10 tokens in at $1/M, 0 out at $0/M = $0.00001');
  expect(faults).toEqual([]);
});
