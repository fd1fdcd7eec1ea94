/** Every example as a real process, in a folder of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const HERE = import.meta.dirname;
const FERMATA = resolve(HERE, '../bin/fermata.js');

/** What each example says at last. */
const EXPECTED: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  '01-research.yaml': ['[scripted] Roadmap:'],
  '02-code-tasks.ts': ['task_completed lines', 'total: 1650 cents'],
  '03-your-own-machine.ts': ['completed shipped'],
  '04-approval.ts': ['asked: Book Hotel Fermata?', 'completed, booked: Hotel Fermata'],
  '05-crash-and-resume.ts': [
    'the child ended by SIGKILL',
    'the run went on and completed',
    'calls: dough, oven, oven, cool',
    'different keys: 3',
  ],
  '06-simulation.ts': [
    /^100 worlds, every one: completed, booked: Hotel Fermata$/m,
    'the same seed, the same world: true',
  ],
  '07-conditions.ts': [
    'Ada: stocks and houses and taxes',
    'Bob: bonds',
    'not houses: Its condition is false: tasks.risk.output.years > 5.',
  ],
  '08-waiting.ts': [
    'the week goes on',
    'a reminder is sent',
    'Task "paid" waits for it, and no filter is true of this event.',
    'completed, received 1650 cents, thank you',
  ],
  '09-growing.ts': [
    'somebody explains astrology',
    'joined: dive pathology',
    'dynamicTaskLimit allows 3',
    'completed: 1. radiology, 2. pathology',
  ],
  '10-functions-and-models.ts': ['call 2 is on record', "'Dear reader, tea is a drink'"],
  '11-sub-workflows.ts': [
    'completed, notes on tea: good; notes on coffee: good',
    'reviews[1]: review@1 completed',
    'announce: announcement@1 completed',
  ],
  '12-plan-execute-reflect.ts': [
    '"pay" is no function to call that tasks of an answer may name: expected "forecast"',
    /advice\.1\.sky: "showers on Sunday"[^]*Which park has a roof\?\n\nResult of sky:\nshowers on Sunday/,
    'Yes: with cheese, in the park with the pavilion.',
  ],
  '13-coffee-shop.ts': [
    'task_cancelled location_analysis',
    'task_skipped menu_planning',
    'model calls: 4 of 9, 1 of them aborted; 5 saved',
  ],
  '14-fork.ts': [
    'first: ',
    'tried again: completed, paid for print',
    'with a better text: completed, paid for print',
    'pictures: taken over from the first run',
    'text: given by hand',
  ],
  '15-costs.ts': ['plan: $0.00021 (gpt-4o-mini)', 'check: unknown (nobody-knows)', 'calls without a price'],
  '16-budgets.ts': ['cancelled: The run', 'asked 3 times', 'tried again with more: completed, asked 5 times in all'],
  '30-estimate.ts': [
    'advice: $0.0225 (3012 tokens in, declared)',
    'a guess: false',
    'takes 40 seconds: trends → advice',
    'is expected to cost $0.0676375, and its budget is $0.02',
  ],
  '31-cache.ts': [
    'first run: completed, 2 calls of 4',
    'second run: completed, 0 calls of 4',
    'saved: 2, 1 of them in flight; $0.00042',
    'saved: 4, 0 of them in flight; $0.00084',
  ],
  '32-shared-budgets.ts': [
    'book 1: completed',
    'book 2: cancelled, budgetExceeded',
    'asked 4 times, 0.004 dollars are spent, 0 are lent',
  ],
  '33-choosing-models.ts': [
    'outline asks medium: it is the best of those expected to cost at most 5 times the cheapest',
    'text asks large: it is the best of 3',
    'summary asks medium: small has failed',
    'each[3] asks medium: large could cost more than there is',
  ],
  '35-similar-questions.ts': [
    'How much is the tea? asked; paid $0.0002102: "About: How much is the tea?"',
    /^What does tea cost\? found, 1\.000 like "How much is the tea\?"; paid \$(?:2e-7|0): "About: How much is the tea\?"$/m,
    'paid $0: "About: How much is the tea?"',
    'How long does it brew? asked',
  ],
};

const examples = readdirSync(HERE).filter((name) => /^\d\d-/.test(name));

it('each one is expected to say something', () => {
  expect(Object.keys(EXPECTED)).toEqual(examples);
});

it.each(examples)('%s', (name) => {
  const directory = mkdtempSync(join(tmpdir(), 'fermata-example-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(HERE, name);
  const args = name.endsWith('.yaml') ? [FERMATA, 'run', file, '--input', 'topic=tea', '--demo'] : [file];
  // Twice: what the first time left behind must not be in the way.
  for (const time of ['first', 'second']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], FERMATA_DEMO_PACE: '0' },
    });
    expect({ time, status, stderr: status === 0 ? '' : stderr }).toEqual({ time, status: 0, stderr: '' });
    for (const text of EXPECTED[name] ?? []) expect(stdout).toMatch(text);
  }
});

// Plain `node` is the machine's own, which may be too old for TypeScript; npx takes the one that the project brings along.
it.each(examples)('%s says how it is run, on any Node', (name) => {
  const [head = ''] = readFileSync(join(HERE, name), 'utf8').split(/^(?:import|name:)/m);
  const command = name.endsWith('.yaml') ? `npx fermata run examples/${name} ` : `npx node examples/${name}\n`;
  expect(head).toContain(command);
});

/** Lines of an example; that of the coffee shop brings its own model, to count what it is spared. */
const LINES: Readonly<Record<string, number>> = { '13-coffee-shop.ts': 90 };

it.each(examples)('%s is short', (name) => {
  expect(readFileSync(join(HERE, name), 'utf8').split('\n').length).toBeLessThanOrEqual(LINES[name] ?? 60);
});
