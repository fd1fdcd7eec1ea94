/** What happens in runs, in the log of a program. */
import { expect, it } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { composeProgram, EMBEDDED_URL } from '../../src/serve.ts';
import { lines } from './log-lines.ts';

const KEY = 'sk-secret-0123456789';

/** Runs a document in a program that logs, and answers its lines. */
async function logOf(logLevel: string): Promise<{ readonly runId: string; readonly lines: Record<string, unknown>[] }> {
  const { destination, entries } = lines();
  let calls = 0;
  const program = await composeProgram({
    database: ':memory:',
    environment: { OPENAI_API_KEY: KEY },
    demo: false,
    logLevel,
    logTo: destination,
    config: {
      functions: {
        fine: () => 'fine',
        flaky: () => {
          if (++calls === 1) throw new RangeError(`no luck with ${KEY}`);
          throw Object.assign(new RangeError('never'), { retry: 'never' });
        },
      },
    },
  });
  const client = createClient({ baseUrl: EMBEDDED_URL, fetch: program.fetch });
  const workflow = await client.createWorkflow({
    name: 'w',
    tasks: [
      { name: 'a b', kind: 'code', function: 'fine', requiresApproval: true },
      { name: 'c', kind: 'code', function: 'flaky', dependsOn: ['a b'], retry: { initialSeconds: 0.001 } },
    ],
  });
  const { runId } = await client.execute(workflow.id);
  await program.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
  await client.approve(runId, 'a b', { approved: true, by: 'me' });
  await program.fermata.runtime.waitFor(runId);
  while (logLevel !== 'warn' && logLevel !== 'silent' && !entries().some(({ msg }) => msg === 'run ended'))
    await new Promise(setImmediate);
  await program.stop();
  return { runId, lines: entries() };
}

it('tells at debug what each run and each task does, with run, task, actor and attempt', async () => {
  const { runId, lines: all } = await logOf('debug');
  const facts = all.filter(({ actor }) => actor !== undefined);
  const about = { runId, time: expect.any(String) };
  const error = { code: 'codeFailed', message: expect.stringContaining('no luck with [redacted]') };
  expect(facts).toEqual([
    { ...about, level: 'info', msg: 'run started', actor: '/', workflow: 'w', version: 1 },
    { ...about, level: 'info', msg: 'approval requested', actor: '/a b', task: 'a b' },
    { ...about, level: 'info', msg: 'approval resolved', actor: '/a b', task: 'a b' },
    { ...about, level: 'debug', msg: 'task started', actor: '/a b', task: 'a b', attempt: 1 },
    { ...about, level: 'debug', msg: 'task completed', actor: '/a b', task: 'a b', attempt: 1 },
    { ...about, level: 'debug', msg: 'task started', actor: '/c', task: 'c', attempt: 1 },
    {
      ...about,
      level: 'warn',
      msg: 'task retrying',
      actor: '/c',
      task: 'c',
      attempt: 1,
      delaySeconds: expect.any(Number),
      error: expect.objectContaining(error),
    },
    { ...about, level: 'debug', msg: 'task started', actor: '/c', task: 'c', attempt: 2 },
    {
      ...about,
      level: 'warn',
      msg: 'task failed',
      actor: '/c',
      task: 'c',
      attempt: 2,
      status: 'failed',
      error: expect.objectContaining({ code: 'codeRefused' }),
    },
    {
      ...about,
      level: 'info',
      msg: 'run ended',
      actor: '/',
      workflow: 'w',
      version: 1,
      status: 'failed',
      ms: expect.any(Number),
      error: expect.any(Object),
    },
  ]);
  expect(JSON.stringify(all)).not.toContain(KEY);
});

it('ties requests to runs and tasks', async () => {
  const { runId, lines: all } = await logOf('info');
  const requests = all.filter(({ msg }) => msg === 'request');
  expect(requests).toMatchObject([
    { route: '/api/v1/workflows', status: 201 },
    { route: '/api/v1/workflows/:id/execute', status: 202, runId },
    { route: '/api/v1/runs/:id/tasks/:task/approve', status: 202, runId, task: 'a b' },
  ]);
  expect(requests.every(({ requestId }) => typeof requestId === 'string')).toBe(true);
});

it.each([
  ['info', ['run started', 'approval requested', 'approval resolved', 'task retrying', 'task failed', 'run ended']],
  ['warn', ['task retrying', 'task failed']],
  ['silent', []],
])('keeps to the level %s', async (level, said) => {
  const { lines: all } = await logOf(level);
  expect(all.flatMap(({ msg, actor }) => (actor === undefined ? [] : [msg]))).toEqual(said);
});
