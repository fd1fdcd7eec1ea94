import { delimiter } from 'node:path';
import { expect, it } from 'vitest';
import { nextCommand } from '../../src/cli/next-command.ts';
import { inCommands } from '../../src/cli/routes.ts';
import { calledAs } from '../../src/cli/shell.ts';
import { testFolder } from './test-shell.ts';

const shell = (environment = {}, directory = '/home/ada') => ({ program: 'npx fermata', environment, directory });

it.each([
  [{ npm_execpath: '/usr/lib/npm/npm-cli.js', PATH: '/p/.bin' }, '/p/.bin/fermata', 'npx fermata'],
  [{ PATH: ['/bin', '/usr/bin'].join(delimiter) }, '/usr/bin/fermata', 'fermata'],
  [{ PATH: '/bin' }, '/my tools/fermata', "'/my tools/fermata'"],
  [{}, '/clone/bin/fermata.js', 'node /clone/bin/fermata.js'],
])('called with %j as %s, it is called again as %s', (environment, script, expected) => {
  expect(calledAs(environment, script)).toBe(expected);
});

it('a command finds the same database from anywhere', () => {
  expect(nextCommand(shell(), {})('watch', 'R')).toBe('npx fermata watch R --db /home/ada/fermata.db');
  expect(nextCommand(shell({ FERMATA_DB: 'x/y.db' }), {})('runs')).toBe('npx fermata runs --db /home/ada/x/y.db');
  expect(nextCommand(shell({ FERMATA_DB: 'x.db' }), { db: '/my data/z.db' })('serve')).toBe(
    "npx fermata serve --db '/my data/z.db'",
  );
});

it('… and the same configuration, where there is one', () => {
  const { directory, write } = testFolder();
  write('fermata.config.ts', '');
  const db = `--db ${directory}/fermata.db`;
  expect(nextCommand(shell({}, directory), {})('watch', 'R')).toBe(
    `npx fermata watch R ${db} --config ${directory}/fermata.config.ts`,
  );
  expect(nextCommand(shell({ FERMATA_CONFIG: 'nowhere.ts' }, directory), {})('watch', 'R')).toBe(
    `npx fermata watch R ${db}`,
  );
});

it('… or the same server', () => {
  const next = nextCommand(shell({ FERMATA_DB: 'x.db' }), { server: 'http://127.0.0.1:4100' });
  expect(next('approve', 'R', 'my task')).toBe("npx fermata approve R 'my task' --server http://127.0.0.1:4100");
});

it('scripted models stay scripted, in the commands that ask models', () => {
  const next = nextCommand(shell(), { demo: true });
  for (const command of ['run', 'watch', 'approve', 'send', 'serve']) expect(next(command)).toMatch(/ --demo$/);
  for (const command of ['show', 'runs', 'why', 'cancel']) expect(next(command)).not.toContain('--demo');
});

it.each([
  ['List the runs with GET /api/v1/runs.', 'List the runs with "f runs".'],
  ['GET /api/v1/runs/R-1/results lists its tasks.', '"f show R-1" lists its tasks.'],
  ['GET /api/v1/runs/R/snapshot shows its actors.', '"f why R" shows its actors.'],
  ['POST /api/v1/runs/R/tasks/my%20task/approve {"approved": true or false}', '"f approve R my task"'],
  ['or POST /api/v1/runs/R/cancel', 'or "f cancel R"'],
  ['POST /api/v1/runs/R/events {"type": "paid", …}', '"f send R paid"'],
  [
    'POST /api/v1/runs/R/tasks/my%20task/retry (call again) or POST /api/v1/runs/R/tasks/my%20task/cancel',
    '"f retry R my task" (call again) or POST /api/v1/runs/R/tasks/my%20task/cancel',
  ],
  // No command does that yet.
  ['POST /api/v1/runs/R/tasks/work/cancel', 'POST /api/v1/runs/R/tasks/work/cancel'],
  ['POST /api/v1/runs/R/resume', 'POST /api/v1/runs/R/resume'],
])('%s at a terminal: %s', (text, expected) => {
  expect(inCommands(text, (...words) => ['f', ...words].join(' '))).toBe(expected);
});
