/** Why a task waits whose dependencies have ended: for what those have added. */
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from './documents.ts';

const now = { kind: 'code', function: 'now' };
const approved = { ...now, requiresApproval: true };

it('what depends on a task waits for those that it has added, and for those that they have', async () => {
  const hold = holding();
  const list = (): unknown => [
    { name: 'x', ...now, onComplete: { addTasks: 'more' }, dependsOn: ['plan'] },
    { name: 'y', ...now, dependsOn: ['x', 'plan'] },
    { name: 'alone', ...approved, onComplete: { addTasks: 'more', join: false } },
  ];
  const more = (_: unknown, { task }: { task: string }): unknown => [{ name: `deep ${task}`, ...approved }];
  const harness = await openFermata({ config: { functions: { ...hold.config.functions, list, more } } });
  const { call, fermata } = harness;
  const { runId } = await startRun(harness, {
    tasks: [
      { name: 'plan', ...now, onComplete: { addTasks: 'list' } },
      { name: 'other', kind: 'code', function: 'hold' },
      { name: 'report', ...now, dependsOn: ['plan', 'other'] },
    ],
  });
  const waiting = async (name: string) => {
    const { body } = await call('GET', `/runs/${runId}/why`);
    const { waitsFor, dependencies, moves } = body.tasks.find(({ task }: { task: string }) => task === name);
    return { waitsFor, dependencies, moves };
  };
  const approve = (task: string) =>
    call('POST', `/runs/${runId}/tasks/${encodeURIComponent(task)}/approve`, { approved: true });
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 2);
  const moves = 'the end of what "plan" has added, on which it depends';
  expect(await waiting('y')).toEqual({
    waitsFor: 'dependencies',
    dependencies: ['deep x'],
    moves: 'the end of what "x" has added, on which it depends',
  });
  expect(await waiting('report')).toEqual({
    waitsFor: 'dependencies',
    dependencies: ['other', 'y', 'alone', 'deep x'],
    moves: `the end of the tasks it depends on, and ${moves}`,
  });
  hold.release();
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 3);
  await approve('deep x');
  await approve('alone');
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 7);
  // What "alone" has added nobody waits for.
  const { body } = await call('GET', `/runs/${runId}/why`);
  expect(body.tasks).toMatchObject([{ task: 'deep alone', waitsFor: 'approval' }]);
  await approve('deep alone');
  expect((await fermata.runtime.waitFor(runId)).status).toBe('completed');
});

it('of very many added ones the first hundred are named', async () => {
  const list = (): unknown => Array.from({ length: 150 }, (_, at) => ({ name: `a${at}`, ...approved }));
  const harness = await openFermata({ config: { functions: { now: () => 1, list } } });
  const { runId } = await startRun(harness, {
    tasks: [
      { name: 'plan', ...now, onComplete: { addTasks: 'list', dynamicTaskLimit: 150 } },
      { name: 'report', ...now, dependsOn: ['plan'] },
    ],
  });
  await harness.fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
  const { body } = await harness.call('GET', `/runs/${runId}/why`);
  const report = body.tasks.find(({ task }: { task: string }) => task === 'report');
  expect(report.dependencies).toHaveLength(100);
  expect(report.moves).toBe('the end of what "plan" has added, on which it depends (and 50 more than are named)');
});
