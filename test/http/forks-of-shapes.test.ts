/** Forks of every shape: maps, trees, added tasks, conditions, waits, approvals. */
import { expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';
import { counting, forked, outcome, payers, work } from './forking.ts';

const item = { kind: 'code', function: 'work', input: { item: 'item' }, retry: { maxRetries: 0 } };
const each = { name: 'each', kind: 'map', items: 'input.docs', task: item };
const docs = { input: { docs: ['x', 'y', 'z'] } };

it('a map is taken over as a whole, or item by item', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  fails.add('each[1]');
  const { runId } = await startRun(
    harness,
    { config: { breadth: 1 }, tasks: [{ ...each, onItemFailure: 'stop' }, work('sum', 'each')] },
    docs,
  );
  await harness.fermata.runtime.waitFor(runId);
  expect(calls).toEqual(['each[0]', 'each[1]']);
  fails.clear();
  calls.length = 0;
  const retried = await forked(harness, runId, {}, 'retry');
  expect(calls).toEqual(['each[1]', 'each[2]', 'sum']);
  expect(payers(retried.tasks)).toMatchObject({ each: undefined, 'each[0]': runId, 'each[1]': undefined });
  expect(retried.output).toMatchObject({ by: 'sum' });
  // Of a map that has completed, one item: the others are as they were, and what needs the map runs anew.
  calls.length = 0;
  const second = await forked(harness, retried.runId, { fromTask: 'each[2]' });
  expect(calls).toEqual(['each[2]', 'sum']);
  expect(payers(second.tasks)).toEqual({
    each: undefined,
    sum: undefined,
    'each[0]': runId,
    'each[1]': retried.runId,
    'each[2]': undefined,
  });
  // One whose tasks are all as they were has none of its own.
  calls.length = 0;
  const third = await forked(harness, second.runId, { fromTask: 'sum' });
  expect(calls).toEqual(['sum']);
  expect(third.tasks.map(({ name }) => name)).toEqual(['each', 'sum']);
  expect(third.tasks[0]?.output).toEqual(second.tasks[0]?.output);
  // Its items are those of the run that worked them out.
  calls.length = 0;
  await forked(harness, third.runId, { fromTask: 'each[0]', edits: { 'each[1]': { output: 'mine' } } });
  expect(calls).toEqual(['each[0]', 'sum']);
});

it('a retry tries failed items again, also of a map that completed without them', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  fails.add('each[1]');
  const tasks = [{ ...each, onItemFailure: 'collect' }, work('sum', 'each')];
  const { runId } = await startRun(harness, { tasks }, docs);
  await harness.fermata.runtime.waitFor(runId);
  fails.clear();
  calls.length = 0;
  const { tasks: found, status } = await forked(harness, runId, {}, 'retry');
  expect({ status, calls }).toEqual({ status: 'completed', calls: ['each[1]', 'sum'] });
  expect(payers(found)).toMatchObject({ each: undefined, 'each[0]': runId, 'each[1]': undefined, 'each[2]': runId });
  expect(found[0]?.output).toMatchObject([{ by: 'each[0]' }, { by: 'each[1]' }, { by: 'each[2]' }]);
});

it('calls of a tree run anew where what they reduce has changed', async () => {
  const script = [{ prompt: '', answers: [{ text: 'said' }] }];
  const { config } = counting();
  const harness = await openFermata({ config, script });
  const docs8 = { input: { docs: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] } };
  const all = {
    name: 'all',
    kind: 'reduce',
    dependsOn: ['each'],
    prompt: 'Join {{ tasks.each.output | json }}',
    arity: 2,
  };
  const { runId } = await startRun(harness, { tasks: [each, all] }, docs8);
  await harness.fermata.runtime.waitFor(runId);
  const { tasks, status } = await forked(harness, runId, { fromTask: 'all[1]' });
  expect(status).toBe('completed');
  // Levels of four, two and one.
  const anew = tasks.filter(({ reused }) => reused === undefined).map(({ name }) => name);
  expect(anew).toEqual(['all', 'all[1]', 'all[4]', 'all[6]']);
});

const GROWING = {
  tasks: [work('a'), { ...work('p', 'a'), onComplete: { addTasks: 'adds' } }, work('after', 'p')],
};

it('what a task has added is added again, and what waits for it runs anew where it does', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, GROWING);
  await harness.fermata.runtime.waitFor(runId);
  expect(calls).toEqual(['a', 'p', 'p+', 'one', 'two', 'after']);
  calls.length = 0;
  const whole = await forked(harness, runId, { fromTask: 'after' });
  expect(calls).toEqual(['after']);
  expect(payers(whole.tasks)).toEqual({ a: runId, p: runId, after: undefined, one: runId, two: runId });
  calls.length = 0;
  const part = await forked(harness, runId, { fromTask: 'two' });
  expect(calls).toEqual(['two', 'after']);
  expect(payers(part.tasks)).toEqual({ a: runId, p: runId, after: undefined, one: runId, two: undefined });
  calls.length = 0;
  await forked(harness, part.runId, { fromTask: 'p' });
  expect(calls).toEqual(['p', 'p+', 'one', 'two', 'after']);
  calls.length = 0;
  const edited = await forked(harness, part.runId, {
    fromTask: 'after',
    edits: { p: { output: 'other' }, one: { output: 1 } },
  });
  expect(calls).toEqual(['p+', 'two', 'after']);
  expect(payers(edited.tasks)).toEqual({ a: runId, p: 'edited', after: undefined, one: 'edited', two: undefined });
});

it('tasks that a model adds: from an output that was edited come others', async () => {
  const answer = { tasks: [{ name: 'dig', prompt: 'Dig here' }] };
  const script = [
    { prompt: 'Plan', answers: [{ text: JSON.stringify(answer) }] },
    { prompt: '', answers: [{ text: 'said' }] },
  ];
  const harness = await openFermata({ script });
  const { runId } = await startRun(harness, {
    tasks: [
      { name: 'plan', prompt: 'Plan', responseFormat: 'json', onComplete: { addTasks: 'fromOutput' } },
      { name: 'end', prompt: 'End', dependsOn: ['plan'] },
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  const asked = harness.models.requests().length;
  const prompted = await forked(harness, runId, { fromTask: 'dig', edits: { dig: { prompt: 'Dig there' } } });
  expect(payers(prompted.tasks)).toEqual({ plan: runId, end: undefined, dig: undefined });
  expect(harness.models.requests().length - asked).toBe(2);
  const output = { tasks: [{ name: 'fly', prompt: 'Fly' }] };
  const given = await forked(harness, runId, { fromTask: 'end', edits: { plan: { output } } });
  expect(payers(given.tasks)).toEqual({ plan: 'edited', end: undefined, fly: undefined });
  const wrong = await forked(harness, runId, {
    fromTask: 'end',
    edits: { plan: { output: { tasks: [{ name: 'fly' }] } } },
  });
  expect(wrong.tasks[0]).toMatchObject({ status: 'failed', error: { code: 'invalidDocument' } });
  const refused = await harness.call('POST', `/runs/${runId}/fork`, {
    fromTask: 'dig',
    edits: { dig: { prompt: 'Dig {{ tasks.end.output }}' } },
  });
  expect(refused.body.errors).toMatchObject([{ path: 'edits.dig.prompt' }]);
});

it('conditions and what they skipped are taken over, and decided anew where what they read has changed', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, {
    tasks: [
      work('a'),
      { name: 'choice', kind: 'condition', if: 'tasks.a.output.by == "a"', then: ['yes'], else: ['no'] },
      work('yes'),
      work('no'),
      work('later', 'yes', 'no'),
      work('last', 'later'),
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  calls.length = 0;
  const same = await forked(harness, runId, { fromTask: 'last' });
  expect(calls).toEqual(['last']);
  expect(payers(same.tasks)).toEqual({ a: runId, choice: runId, yes: runId, no: runId, later: runId, last: undefined });
  expect(same.tasks[1]).toMatchObject({ condition: { branch: 'then', value: true } });
  expect(same.tasks[3]).toMatchObject({ status: 'skipped', reason: expect.stringContaining('chose then') as unknown });
  calls.length = 0;
  const other = await forked(harness, runId, { fromTask: 'last', edits: { a: { output: { by: 'b' } } } });
  expect(calls).toEqual(['no', 'later', 'last']);
  expect(other.tasks[2]).toMatchObject({ status: 'skipped' });
  const refused = await harness.call('POST', `/runs/${runId}/fork`, {
    fromTask: 'a',
    edits: { choice: { output: 1 }, a: { prompt: 'x' } },
  });
  expect(refused.body.errors).toMatchObject([{ path: 'edits.choice.output' }, { path: 'edits.a.prompt' }]);
});

it('an event that came and a decision that was made are not asked for again', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  const { runId } = await startRun(harness, {
    tasks: [
      { name: 'paid', kind: 'wait', event: { type: 'paid' } },
      { ...work('book', 'paid'), requiresApproval: true },
      work('tell', 'book'),
      { name: 'later', kind: 'wait', event: { type: 'paid' }, dependsOn: ['tell'] },
    ],
  });
  await call('POST', `/runs/${runId}/events`, { type: 'paid', amount: 3 });
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['approvals'] === 1);
  await call('POST', `/runs/${runId}/tasks/book/approve`, { approved: true });
  await fermata.runtime.waitFor(runId, ({ counts }) => counts['completed'] === 3);
  const { body } = await call('POST', `/runs/${runId}/fork`, { fromTask: 'tell' });
  const forkId = body.runId as string;
  await fermata.runtime.waitFor(forkId, ({ counts, status }) => counts['completed'] === 3 && status === 'waiting');
  expect(calls).toEqual(['book', 'tell', 'tell']);
  const waiting = await outcome(harness, forkId);
  expect(waiting.run).toMatchObject({ status: 'waiting', acceptedEvents: ['paid'] });
  expect(waiting.tasks[0]).toMatchObject({ output: { type: 'paid', amount: 3 }, reused: { runId } });
  // What is awaited now is heard by each of them for itself.
  await call('POST', `/runs/${forkId}/events`, { type: 'paid', amount: 4 });
  await fermata.runtime.waitFor(forkId);
  expect((await outcome(harness, forkId)).output).toMatchObject({ amount: 4 });
  await call('POST', `/runs/${runId}/cancel`, {});
  await fermata.runtime.waitFor(runId);
});

it('a task that is added again does not run where what it needs has failed this time', async () => {
  const { config, calls } = counting();
  const harness = await openFermata({ config });
  const { runId } = await startRun(harness, {
    config: { onTaskFailure: 'continue' },
    tasks: [
      { ...work('a'), when: 'input.nothing > 1' },
      { ...work('p'), onComplete: { addTasks: 'adds' } },
    ],
  });
  await harness.fermata.runtime.waitFor(runId);
  expect(calls).toEqual(['p', 'p+']);
  const { tasks } = await forked(harness, runId, { fromTask: 'a' });
  expect(calls).toEqual(['p', 'p+']);
  expect(tasks.map(({ name, status }) => [name, status])).toEqual([
    ['a', 'failed'],
    ['p', 'completed'],
    ['one', 'skipped'],
    ['two', 'skipped'],
  ]);
});

it('a sub-workflow is taken over with the run that it began, and that run can be forked by itself', async () => {
  const { config, calls, fails } = counting();
  const harness = await openFermata({ config });
  const { call, fermata } = harness;
  await call('POST', '/workflows', { name: 'inner', tasks: [work('deep'), work('deeper', 'deep')] });
  const { runId } = await startRun(harness, {
    tasks: [{ name: 'phase', kind: 'subworkflow', workflow: 'inner', maxRetries: 0 }, work('last', 'phase')],
  });
  await fermata.runtime.waitFor(runId);
  const childRunId = (await outcome(harness, runId)).tasks[0]?.childRunId ?? '';
  calls.length = 0;
  const again = await forked(harness, runId, { fromTask: 'last' });
  expect(calls).toEqual(['last']);
  expect(again.tasks[0]).toMatchObject({ reused: { runId }, childRunId });
  // Nobody waits for it: the run whose task began its origin has ended, and is told of nothing.
  calls.length = 0;
  const child = await forked(harness, childRunId, { fromTask: 'deeper' });
  expect(calls).toEqual(['deeper']);
  expect(child.run.parent ?? null).toBeNull();
  fails.add('deeper');
  expect((await forked(harness, runId, { fromTask: 'phase' })).status).toBe('failed');
});
