/** Work in rounds on the real runtime: what is planned runs, what is missing is planned next, and the answer comes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.openHolding();
});
afterEach(() => bench.close());

/** What the facts of a type say. */
async function stated(run: string, type: string): Promise<unknown[]> {
  return (await bench.facts(run)).filter((fact) => fact.type === type).map(({ data }) => data);
}

const goal = (more: object = {}) => ({ name: 'g', kind: 'planExecuteReflect', goal: 'Find {{ input.what }}', ...more });
const start = (task: object = goal(), more: object = {}) =>
  bench.start({ ...more, tasks: [task] }, { input: { what: 'tea' } });
const step = (name: string, more: object = {}) => ({ name, prompt: `Do ${name}`, ...more });
const plan = (...names: string[]) => ({ tasks: names.map((name) => step(name)) });
const notDone = { done: false, answer: null, next: 'more' };
const done = { done: true, answer: null, next: null };
const busy = new FermataError('modelUnavailable', 'busy');
const promptOf = (task: string) => (bench.call(task).input as { readonly prompt: string }).prompt;

describe('a round', () => {
  it('is a plan, its tasks, and a reflection; then the next, and at last the answer, which is the output', async () => {
    const run = await start();
    expect(bench.running).toEqual(['g.plan 1']);
    expect(promptOf('g.plan 1')).toContain('# Goal\nFind tea');
    await bench.complete('g.plan 1', plan('x', 'y'));
    expect(bench.running).toEqual(['g.1.x', 'g.1.y']);
    await bench.complete('g.1.x', 'X');
    await bench.complete('g.1.y', 'Y');
    expect(bench.running).toEqual(['g.reflect 1']);
    expect(promptOf('g.reflect 1')).toContain('## x (round 1, completed)\nAsked: Do x\nResult: X');
    await bench.complete('g.reflect 1', notDone);
    expect(promptOf('g.plan 2')).toContain('# What is still missing\nmore');
    await bench.complete('g.plan 2', plan('x'));
    await bench.complete('g.2.x', 'X2');
    await bench.complete('g.reflect 2', done);
    expect(promptOf('g.answer')).toContain('Result: X2');
    await bench.complete('g.answer', 'tea is found');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'tea is found', progress: 100 });
    expect((await stated(run, 'task_completed')).at(-1)).toMatchObject({
      task: 'g',
      result: 'tea is found',
      rounds: 2,
    });
    expect((await stated(run, 'task_completed')).at(-1)).not.toHaveProperty('warning');
  });

  it('states that its run waits only where it does', async () => {
    const run = await start();
    await bench.complete('g.plan 1', { tasks: 7 });
    await bench.complete('g.plan 1 again', plan('x'));
    await bench.complete('g.1.x');
    await bench.complete('g.reflect 1', notDone);
    await bench.complete('g.plan 2', plan('y'));
    expect(await stated(run, 'run_waiting')).toEqual([]);
    await bench.fail('g.2.y', busy);
    expect(await stated(run, 'run_waiting')).toHaveLength(1);
    await bench.advance(60);
    await bench.complete('g.2.y');
    await bench.complete('g.reflect 2', done);
    await bench.complete('g.answer', 'end');
    expect(await stated(run, 'run_waiting')).toHaveLength(1);
  });

  it('has tasks that need each other and those of earlier rounds, and see what they gave', async () => {
    const run = await start();
    await bench.complete('g.plan 1', {
      tasks: [
        step('b', { prompt: 'Weigh {{ tasks.a.output }} {{ input.what }}', dependsOn: ['c'] }),
        step('a'),
        step('c'),
      ],
    });
    expect(bench.running).toEqual(['g.1.a', 'g.1.c']);
    await bench.complete('g.1.a', 'A');
    await bench.complete('g.1.c', 'C');
    expect(promptOf('g.1.b')).toBe('Weigh A tea\n\nResult of c:\nC');
    await bench.complete('g.1.b', 'B');
    await bench.complete('g.reflect 1', notDone);
    await bench.complete('g.plan 2', {
      tasks: [step('c', { dependsOn: ['b', 'a'] }), step('d', { dependsOn: ['c'] })],
    });
    expect(promptOf('g.2.c')).toBe('Do c\n\nResult of b:\nB\n\nResult of a:\nA');
    await bench.complete('g.2.c', 'C2');
    expect(promptOf('g.2.d')).toBe('Do d\n\nResult of c:\nC2');
    await bench.complete('g.2.d');
    await bench.complete('g.reflect 2', done);
    await bench.complete('g.answer', 'end');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end' });
  });

  it('runs at most `breadth` of its tasks at once, in order; the run others beside them', async () => {
    const tasks = [goal({ breadth: 2 }), { name: 'other', kind: 'code', function: 'work' }];
    const run = await bench.start({ config: { breadth: 9 }, tasks }, { input: { what: 'tea' } });
    await bench.complete('g.plan 1', {
      tasks: [step('a'), step('b'), step('c', { dependsOn: ['a'] }), step('d'), step('e')],
    });
    expect(bench.running).toEqual(['other', 'g.1.a', 'g.1.b']);
    await bench.complete('g.1.a');
    expect(bench.running).toEqual(['other', 'g.1.b', 'g.1.d']);
    await bench.complete('g.1.d');
    expect(bench.running).toEqual(['other', 'g.1.b', 'g.1.e']);
    await bench.restart();
    expect(bench.running.toSorted()).toEqual(['g.1.b', 'g.1.e', 'other']);
    await bench.complete('g.1.b');
    expect(bench.running.toSorted()).toEqual(['g.1.c', 'g.1.e', 'other']);
    await bench.complete('other');
    for (const name of ['c', 'e']) await bench.complete(`g.1.${name}`);
    await bench.complete('g.reflect 1', { ...done, answer: 'by the way' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { g: 'by the way' } });
  });

  it('counts those that wait, also where the run has no more at once', async () => {
    const run = await start(goal({ breadth: 1 }), { config: { breadth: 1 } });
    await bench.complete('g.plan 1', plan('a', 'b'));
    await bench.fail('g.1.a', busy);
    expect(bench.running, 'one that is to be tried again has its turn').toEqual([]);
    await bench.advance(60);
    await bench.complete('g.1.a');
    await bench.complete('g.1.b');
    await bench.complete('g.reflect 1', { ...done, answer: 'A' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('gives the turn of one that is cancelled, or that can never run, to the next', async () => {
    const run = await start(goal({ breadth: 1 }), { config: { breadth: 9 } });
    await bench.complete('g.plan 1', plan('a', 'b', 'c', 'd'));
    await cancel(run, 'g.1.b');
    await cancel(run, 'g.1.a');
    expect(bench.running).toEqual(['g.1.c']);
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.pause' });
    await bench.complete('g.1.c');
    await cancel(run, 'g.1.d');
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    expect(bench.running).toEqual(['g.reflect 1']);
    await bench.complete('g.reflect 1', done);
    await bench.complete('g.answer');
    expect(await bench.statuses(run)).toMatchObject({ 'g.1.b': 'cancelled', 'g.1.d': 'cancelled', g: 'completed' });
  });

  it('may find that nothing is left to do', async () => {
    const run = await start();
    await bench.complete('g.plan 1', { tasks: [] });
    expect(bench.running).toEqual(['g.answer']);
    await bench.complete('g.answer', 42);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 42 });
    expect((await stated(run, 'task_completed')).at(-1)).not.toHaveProperty('warning');
  });

  it('that has no tasks though something is missing is the last one, and that is said', async () => {
    const run = await start();
    await bench.complete('g.plan 1', plan('a'));
    await bench.complete('g.1.a');
    await bench.complete('g.reflect 1', notDone);
    await bench.complete('g.plan 2', { tasks: [] });
    expect(promptOf('g.answer')).toContain('Still missing: more');
    await bench.complete('g.answer');
    expect((await stated(run, 'task_completed')).at(-1)).toMatchObject({
      rounds: 2,
      warning: 'The plan of round 2 had no tasks, though the goal was not reached.',
    });
  });
});

const cancel = async (run: string, task: string): Promise<void> => {
  await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task, reason: 'Not needed.' });
  await bench.settle();
};

describe('limits', () => {
  it('a model that never says done is asked for the answer after `depth` rounds, and that is said', async () => {
    const run = await start(goal({ depth: 2 }));
    for (const round of [1, 2]) {
      await bench.complete(`g.plan ${round}`, plan('a'));
      await bench.complete(`g.${round}.a`);
      await bench.complete(`g.reflect ${round}`, notDone);
    }
    expect(promptOf('g.answer')).toContain('The work ended before everything was found out. Still missing: more');
    await bench.complete('g.answer', 'as far as it goes');
    expect((await stated(run, 'task_completed')).at(-1)).toMatchObject({
      rounds: 2,
      limitReached: true,
      warning: 'The goal was not reached in 2 rounds; missing: more. Raise depth if that is not enough.',
    });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'as far as it goes' });
  });

  it('of the document hold where the task says none', async () => {
    await start(goal(), { config: { depth: 1 } });
    await bench.complete('g.plan 1', plan('a'));
    await bench.complete('g.1.a');
    await bench.complete('g.reflect 1', notDone);
    expect(bench.running).toEqual(['g.answer']);
    await bench.complete('g.answer');
  });

  it('1,000 proposed tasks are cut off, and that is said', async () => {
    const run = await start(goal({ dynamicTaskLimit: 2 }));
    await bench.complete('g.plan 1', plan(...Array.from({ length: 1_000 }, (_, at) => `t${at}`)));
    expect(bench.running).toEqual(['g.1.t0', 'g.1.t1']);
    await bench.complete('g.1.t0');
    await bench.complete('g.1.t1');
    await bench.complete('g.reflect 1', { ...done, answer: 'A' });
    expect((await stated(run, 'task_completed')).at(-1)).toMatchObject({
      warning: 'Round 1: 1000 tasks came, and dynamicTaskLimit allows 2; the last 998 were cut off.',
    });
  });

  it('onLimit: fail sends the plan back, and then the task fails', async () => {
    const run = await start(goal({ dynamicTaskLimit: 1, onLimit: 'fail' }));
    await bench.complete('g.plan 1', plan('a', 'b'));
    await bench.complete('g.plan 1 again', plan('a', 'b', 'c'));
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'tooManyTasks' } });
  });
});

describe('a plan that is wrong', () => {
  it.each([
    ['no tasks at all', { answer: 1 }, 'should be a list of tasks, came null'],
    ['a name twice', plan('a', 'a'), 'duplicate name "a"'],
    ['a dependency that is missing', { tasks: [step('a', { dependsOn: ['b'] })] }, 'unknown task "b"'],
    ['a task of the document', { tasks: [step('a', { dependsOn: ['g'] })] }, 'unknown task "g"'],
    ['a cycle', { tasks: [step('a', { dependsOn: ['b'] }), step('b', { dependsOn: ['a'] })] }, 'in a cycle'],
    ['a prompt that reads nothing', { tasks: [step('a', { prompt: '{{ tasks.x.output }}' })] }, 'unknown task "x"'],
    ['what is no call', { tasks: [{ name: 'a', kind: 'wait', seconds: 1 }] }, 'a plan holds model calls'],
    ['tasks that add tasks', { tasks: [step('a', { onComplete: { addTasks: 'fromOutput' } })] }, 'add none'],
    ['a wrong field', { tasks: [step('a', { promt: 'x' })] }, 'unknown field "promt"'],
    ['texts', { tasks: ['a'] }, 'expected an object, came a text'],
  ])('is sent back once, with what is wrong: %s', async (_, wrong, message) => {
    const run = await start();
    await bench.complete('g.plan 1', wrong);
    expect(bench.running).toEqual(['g.plan 1 again']);
    expect(promptOf('g.plan 1 again')).toContain('# Goal\nFind tea');
    expect(promptOf('g.plan 1 again')).toContain(message);
    await bench.complete('g.plan 1 again', wrong);
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { code: 'invalidDocument', message: expect.stringContaining(message) as string },
    });
  });

  it('and is mended goes on; the next round may be sent back as well', async () => {
    const run = await start();
    await bench.complete('g.plan 1', plan('a', 'a'));
    await bench.complete('g.plan 1 again', plan('a'));
    await bench.complete('g.1.a');
    await bench.complete('g.reflect 1', notDone);
    expect(promptOf('g.plan 2')).not.toContain('refused');
    await bench.complete('g.plan 2', { tasks: 7 });
    await bench.complete('g.plan 2 again', plan('b'));
    await bench.complete('g.2.b');
    await bench.complete('g.reflect 2', { ...done, answer: 'A' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'A' });
  });
});

describe('what fails', () => {
  it('among proposed tasks is for the reflection to judge; what needs it is skipped', async () => {
    const run = await start();
    await bench.complete('g.plan 1', {
      tasks: [step('a', { maxRetries: 0 }), step('b', { dependsOn: ['a'] }), step('c', { dependsOn: ['b'] })],
    });
    await bench.fail('g.1.a', new Error('no luck'));
    expect(bench.running).toEqual(['g.reflect 1']);
    expect(promptOf('g.reflect 1')).toContain('## a (round 1, failed)\nAsked: Do a\nIt gave no result: no luck');
    expect(promptOf('g.reflect 1')).toContain('## c (round 1, skipped)');
    await bench.complete('g.reflect 1', notDone);
    await bench.complete('g.plan 2', { tasks: [step('d', { dependsOn: ['a'] })] });
    expect(bench.running, 'nothing of the plan can run').toEqual(['g.reflect 2']);
    await bench.complete('g.reflect 2', { ...done, answer: 'none' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'none', progress: 100 });
    expect(await bench.statuses(run)).toMatchObject({ 'g.1.a': 'failed', 'g.1.b': 'skipped', 'g.2.d': 'skipped' });
  });

  it('an error that names its task is told as it is', async () => {
    const run = await start(goal({ maxRetries: 0 }));
    await bench.fail('g.plan 1', new Error('Task "g.plan 1", model "m": gone'));
    const message = 'Round 1 of task "g" cannot go on: Task "g.plan 1", model "m": gone';
    expect((await stated(run, 'task_failed')).at(-1)).toMatchObject({ task: 'g', error: { message } });
  });

  it.each(['g.plan 1', 'g.reflect 1', 'g.answer'])('as a call of its own ends it: %s', async (broken) => {
    const run = await start(goal({ maxRetries: 0 }), { config: { onTaskFailure: 'continue' } });
    const said: Record<string, unknown> = { 'g.plan 1': plan('a'), 'g.1.a': 'A', 'g.reflect 1': done };
    for (const name of [...Object.keys(said), 'g.answer']) {
      if (name === broken) break;
      await bench.complete(name, said[name]);
    }
    await bench.fail(broken, new Error('gone'));
    expect(await bench.read(run)).toMatchObject({ status: 'failed' });
    const failed = (await stated(run, 'task_failed')).at(-1);
    expect(failed).toMatchObject({
      task: 'g',
      error: {
        code: 'roundFailed',
        message: `Round 1 of task "g" cannot go on: task "${broken}": gone`,
      },
    });
  });

  it('one that is cancelled by a person ends it as well', async () => {
    const run = await start();
    await cancel(run, 'g.plan 1');
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { code: 'roundFailed', message: expect.stringContaining('Not needed.') as string },
    });
  });

  it('retries are those of its calls and of the tasks that say nothing of it', async () => {
    const run = await start(goal({ maxRetries: 1, model: 'big', temperature: 0.5, allow: { models: ['small'] } }));
    await bench.fail('g.plan 1', busy);
    await bench.advance(60);
    await bench.complete('g.plan 1', { tasks: [step('a'), step('b', { model: 'small', maxRetries: 0 })] });
    expect(bench.call('g.1.a').input).toMatchObject({ model: 'big', temperature: 0.5 });
    expect(bench.call('g.1.b').input).toMatchObject({ model: 'small', temperature: 0.5 });
    await bench.fail('g.1.b', busy);
    await bench.fail('g.1.a', busy);
    expect(await bench.statuses(run)).toMatchObject({ 'g.1.b': 'failed', 'g.1.a': 'retrying' });
    await bench.advance(60);
    await bench.fail('g.1.a', busy);
    expect(bench.running).toEqual(['g.reflect 1']);
    expect(bench.call('g.reflect 1').input).toMatchObject({ model: 'big', temperature: 0.5 });
    await bench.complete('g.reflect 1', { ...done, answer: 'A' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});

describe('its own end', () => {
  it('takes along what it has added: a cancelled one', async () => {
    const tasks = [goal({ breadth: 1 }), { name: 'next', prompt: 'x', dependsOn: ['g'] }];
    const run = await bench.start(
      { config: { breadth: 9, onTaskFailure: 'continue' }, tasks },
      { input: { what: 'tea' } },
    );
    await bench.complete('g.plan 1', plan('a', 'b', 'c'));
    await cancel(run, 'g');
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toEqual({
      g: 'cancelled',
      next: 'skipped',
      'g.plan 1': 'completed',
      'g.1.a': 'cancelled',
      'g.1.b': 'cancelled',
      'g.1.c': 'cancelled',
    });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', progress: 100 });
  });

  it('takes along what it has added: one whose time is over', async () => {
    const run = await start(goal({ timeoutSeconds: 10 }));
    await bench.complete('g.plan 1', plan('a', 'b', 'c', 'd'));
    await bench.restart();
    await bench.advance(11);
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'taskTimedOut' } });
  });

  it('waits for nobody where the run is cancelled', async () => {
    const run = await start();
    await bench.complete('g.plan 1', plan('a', 'b', 'c', 'd'));
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.cancel', reason: 'enough' });
    await bench.settle();
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({ status: 'cancelled' });
  });
});

it('a restart between any two steps makes no difference', async () => {
  const run = await start();
  const said: [string, unknown][] = [
    ['g.plan 1', plan('a', 'a')],
    ['g.plan 1 again', { tasks: [step('a'), step('b', { dependsOn: ['a'] })] }],
    ['g.1.a', 'A'],
    ['g.1.b', 'B'],
    ['g.reflect 1', notDone],
    ['g.plan 2', plan('a')],
    ['g.2.a', 'A2'],
    ['g.reflect 2', done],
    ['g.answer', 'end'],
  ];
  for (const [task, value] of said) {
    expect(bench.running).toEqual([task]);
    await bench.restart();
    expect(bench.running).toEqual([task]);
    await bench.complete(task, value);
  }
  expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end', progress: 100 });
  const before = await bench.facts(run);
  await bench.restart();
  expect(await bench.facts(run)).toEqual(before);
});

describe('several', () => {
  it('go side by side, also as the items of a map, and no names collide', async () => {
    const each = {
      name: 'e',
      kind: 'map',
      items: '["p", "q"]',
      task: { kind: 'planExecuteReflect', goal: 'Find {{ item }}' },
    };
    const run = await bench.start(
      { config: { breadth: 9 }, tasks: [goal(), goal({ name: 'h' }), each] },
      { input: { what: 't' } },
    );
    const owners = ['g', 'h', 'e[0]', 'e[1]'];
    expect(bench.running).toEqual(owners.map((owner) => `${owner}.plan 1`));
    expect(promptOf('e[1].plan 1')).toContain('Find q');
    for (const owner of owners) await bench.complete(`${owner}.plan 1`, plan('a', 'b'));
    for (const owner of owners)
      for (const name of ['a', 'b']) await bench.complete(`${owner}.1.${name}`, `${owner}${name}`);
    for (const owner of owners) {
      expect(promptOf(`${owner}.reflect 1`)).toContain(`Result: ${owner}b`);
      await bench.complete(`${owner}.reflect 1`, { ...done, answer: `of ${owner}` });
    }
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: { g: 'of g', h: 'of h', e: ['of e[0]', 'of e[1]'] },
    });
  });
});

describe('a fork', () => {
  it('takes another plan, or another prompt for one of its parts', async () => {
    const run = await start();
    await once();
    const given = await bench.fork(run, {
      point: { fromTask: 'g.1.a' },
      edits: { 'g.plan 1': { output: { tasks: [step('b', { dependsOn: [] })] } } },
    });
    expect(bench.running).toEqual(['g.1.b']);
    await bench.complete('g.1.b', 'B');
    await bench.complete('g.reflect 1', { ...done, answer: 'by b' });
    expect(await bench.read(given)).toMatchObject({ status: 'completed', output: 'by b' });
    const asked = await bench.fork(run, {
      point: { fromTask: 'g.plan 1' },
      edits: { 'g.plan 1': { prompt: 'Other: {{ input.what }}' } },
    });
    expect(promptOf('g.plan 1')).toBe('Other: tea');
    await once();
    expect(await bench.read(asked)).toMatchObject({ status: 'completed', output: 'end' });
  });

  const once = async (): Promise<void> => {
    await bench.complete('g.plan 1', plan('a'));
    await bench.complete('g.1.a', 'A');
    await bench.complete('g.reflect 1', done);
    await bench.complete('g.answer', 'end');
  };

  it('behind it takes over its answer, and none of its rounds', async () => {
    const run = await bench.start({ tasks: [goal(), { name: 'sum', dependsOn: ['g'] }] }, { input: { what: 'tea' } });
    await once();
    await bench.complete('sum');
    const again = await bench.fork(run, { point: { fromTask: 'sum' } });
    expect(bench.running).toEqual(['sum']);
    await bench.complete('sum', 'other');
    expect(await bench.statuses(again)).toEqual({ g: 'completed', sum: 'completed' });
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'other' });
    expect((await stated(again, 'task_completed'))[0]).toMatchObject({ task: 'g', result: 'end', rounds: 1 });
  });

  it.each([
    ['g', ['g.plan 1', 'g.1.a', 'g.reflect 1', 'g.answer']],
    ['g.1.a', ['g.1.a', 'g.reflect 1', 'g.answer']],
    ['g.answer', ['g.answer']],
  ])('of the task itself, or of a part of it, goes through what came after it again: %s', async (fromTask, anew) => {
    const run = await start();
    await once();
    const again = await bench.fork(run, { point: { fromTask } });
    for (const part of anew) {
      expect(bench.running).toEqual([part]);
      await bench.complete(part, part === 'g.plan 1' ? plan('a') : part === 'g.reflect 1' ? done : 'end');
    }
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end', progress: 100 });
  });
});
