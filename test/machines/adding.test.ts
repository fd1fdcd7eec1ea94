/** Tasks that add tasks to their run: from a function, from a model's answer; limits, depth, and who waits for whom. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

/** What the facts of a type say. */
async function stated(run: string, type: string): Promise<unknown[]> {
  return (await bench.facts(run)).filter((fact) => fact.type === type).map(({ data }) => data);
}

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });
const dive = (more: object = {}) => ({
  ...work('dive'),
  onComplete: { addTasks: 'fromOutput', ...more },
});
const tasks = (...names: string[]) => ({ tasks: names.map((name) => work(name)) });

describe('tasks from an output', () => {
  it('join the run; what depends on their parent waits for them', async () => {
    const run = await bench.start({
      tasks: [dive(), { name: 'sum', kind: 'code', function: 'echo', input: { dive: 'tasks.dive.status' } }],
    });
    await bench.complete('dive', tasks('x', 'y'));
    expect(bench.running).toEqual(['x', 'y']);
    expect((await bench.statuses(run))['dive']).toBe('completed');
    await bench.complete('x');
    expect(bench.running).toEqual(['y']);
    await bench.complete('y');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100, output: { dive: 'completed' } });
  });

  it('join: false lets what depends on their parent go first', async () => {
    await bench.start({ tasks: [dive({ join: false }), work('sum', { dependsOn: ['dive'] })] });
    await bench.complete('dive', tasks('x'));
    expect(bench.running.toSorted()).toEqual(['sum', 'x']);
    await bench.complete('sum');
    await bench.complete('x');
  });

  it('may depend on any task of the run and on each other, and read what they gave', async () => {
    const run = await bench.start({ config: { breadth: 9 }, tasks: [work('old'), dive()] });
    await bench.complete('dive', {
      tasks: [
        {
          name: 'b',
          kind: 'code',
          function: 'work',
          input: { old: 'tasks.old.output', a: 'tasks.a.output', dive: 'tasks.dive.status' },
        },
        work('a'),
      ],
    });
    expect(bench.running).toEqual(['old', 'a']);
    await bench.complete('a', 'A');
    await bench.complete('old', 'O');
    expect(bench.call('b').input).toEqual({ old: 'O', a: 'A', dive: 'completed' });
    await bench.complete('b', 'B');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'B' });
  });

  it('too many are cut off, and that is said', async () => {
    const run = await bench.start({ tasks: [dive({ dynamicTaskLimit: 2 })] });
    await bench.complete('dive', tasks('a', 'b', 'c'));
    expect(bench.running).toEqual(['a', 'b']);
    const [warned] = await stated(run, 'task_completed');
    expect(warned).toMatchObject({ added: 2, warning: expect.stringContaining('dynamicTaskLimit allows 2') as string });
    await bench.complete('a');
    await bench.complete('b');
  });

  it('onLimit: fail makes the task fail', async () => {
    const run = await bench.start({ tasks: [dive({ dynamicTaskLimit: 2, onLimit: 'fail' })] });
    await bench.complete('dive', tasks('a', 'b', 'c'));
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'tooManyTasks' } });
  });

  it('additions of additions end at maxDynamicDepth', async () => {
    const nested = (name: string, ...inner: unknown[]) => ({
      ...dive({ maxDynamicDepth: 2 }),
      name,
      metadata: { inner },
    });
    const run = await bench.start({ tasks: [nested('a')] });
    await bench.complete('a', { tasks: [nested('b')] });
    await bench.complete('b', { tasks: [nested('c')] });
    await bench.complete('c', { tasks: [nested('d')] });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
    const last = (await stated(run, 'task_completed')).at(-1);
    expect(last).toMatchObject({
      task: 'c',
      added: 0,
      warning: expect.stringContaining('maxDynamicDepth allows 2') as string,
    });
  });

  it.each([
    ['no list', { tasks: 'many' }, 'should be a list of tasks, came a text'],
    ['nothing', 'text', 'should be a list of tasks, came null'],
    ['a taken name', tasks('dive'), 'the name "dive" is taken'],
    ['a name twice', tasks('x', 'x'), 'duplicate name "x"'],
    ['the name of an item of a map', tasks('y[0]'), 'is one that an item of a map may have'],
    [
      'a map whose items would have the name of a task',
      { tasks: [{ name: 'old', kind: 'map', items: '[1, 2]', task: { kind: 'code', function: 'work' } }] },
      'the items of "old" would have the name of another task',
    ],
    [
      'a schema that is none',
      { tasks: [{ name: 'x', prompt: 'x', responseFormat: { schema: { type: 'tex' } } }] },
      'tasks[0].responseFormat.schema.type: expected "array"',
    ],
    [
      'a function that is not registered',
      { tasks: [work('x', { function: 'fly' })] },
      'registered are only: work, echo',
    ],
    ['a provider that is not configured', { tasks: [{ name: 'x', prompt: 'x', provider: 'moon' }] }, 'got "moon"'],
    ['a predicate that is not registered', { tasks: [work('x', { when: { predicate: 'dry' } })] }, 'predicate "dry"'],
    ['a missing dependency', { tasks: [work('x', { dependsOn: ['nobody'] })] }, 'unknown task "nobody"'],
    [
      'a cycle',
      { tasks: [work('x', { dependsOn: ['y'] }), work('y', { dependsOn: ['x'] })] },
      'depends on itself in a cycle',
    ],
    ['a wrong field', { tasks: [work('x', { promt: 'hi' })] }, 'unknown field "promt"'],
    ['one that would wait for itself', { tasks: [work('x', { dependsOn: ['sum'] })] }, 'would wait for itself'],
  ])('refused: %s', async (_, output, message) => {
    const sum = work('sum', { dependsOn: ['dive'] });
    const run = await bench.start({ tasks: [dive(), sum, work('old[1]', { dependsOn: ['sum'] })] });
    await bench.complete('dive', output);
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { code: 'invalidDocument', message: expect.stringContaining(message) as string },
    });
    expect(await bench.statuses(run)).toEqual({ dive: 'failed' });
  });

  it('that fail, and with the last of them one that needs it, let those go on that waited for their parent', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [dive(), work('sum', { dependsOn: ['dive'] })],
    });
    await bench.complete('dive', { tasks: [work('x', { maxRetries: 0 }), work('y', { dependsOn: ['x'] })] });
    await bench.fail('x');
    expect(bench.running).toEqual(['sum']);
    await bench.complete('sum', 'end');
    expect(await bench.statuses(run)).toEqual({ dive: 'completed', x: 'failed', y: 'skipped', sum: 'completed' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100, output: 'end' });
  });

  it('that need one that was refused begin, where its author lets that pass', async () => {
    const gate = { requiresApproval: true, onReject: 'skip' };
    const run = await bench.start({ config: { breadth: 9 }, tasks: [work('asks', gate), dive()] });
    await bench.decide(run, 'asks', false);
    await bench.complete('dive', { tasks: [work('x', { dependsOn: ['asks'] })] });
    await bench.complete('x', 'X');
    expect(await bench.statuses(run)).toEqual({ asks: 'rejected', dive: 'completed', x: 'completed' });
  });

  it('leave the output to those that nobody needs, whenever what they need was over', async () => {
    const document = { config: { breadth: 9 }, tasks: [work('old'), dive()] };
    const outputs = [];
    for (const first of ['old', 'dive'] as const) {
      const run = await bench.start(document);
      if (first === 'old') await bench.complete('old');
      await bench.complete('dive', { tasks: [work('x', { dependsOn: ['old'] })] });
      if (first === 'dive') await bench.complete('old');
      await bench.complete('x', 'X');
      outputs.push((await bench.read(run)).output);
    }
    expect(outputs[0]).toMatchObject({ x: 'X' });
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[0]).not.toHaveProperty('old');
  });

  it('are in the output also where one of them needs who added the one that added it', async () => {
    const apart = { addTasks: 'fromOutput', join: false };
    const run = await bench.start({ config: { breadth: 9 }, tasks: [work('old'), dive({ join: false })] });
    await bench.complete('old', 'O');
    await bench.complete('dive', { tasks: [work('x', { onComplete: apart })] });
    await bench.complete('x', { tasks: [work('y', { dependsOn: ['dive'] })] });
    await bench.complete('y', 'Y');
    expect((await bench.read(run)).output).toMatchObject({ old: 'O', x: expect.anything() as unknown, y: 'Y' });
    expect((await bench.read(run)).output).not.toHaveProperty('dive');
  });

  it('may need a map, and none of its items', async () => {
    const each = { name: 'each', kind: 'map', items: '[1, 2]', task: { kind: 'code', function: 'echo', input: {} } };
    const run = await bench.start({ tasks: [each, dive()] });
    await bench.complete('dive', { tasks: [work('x', { dependsOn: ['each[0]'] })] });
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { message: expect.stringContaining('unknown task "each[0]"') as string },
    });
  });

  it('survive a restart between any two of them', async () => {
    const run = await bench.start({ config: { breadth: 1 }, tasks: [dive(), work('sum', { dependsOn: ['dive'] })] });
    await bench.complete('dive', { tasks: [work('x'), { ...dive(), name: 'y' }] });
    await bench.restart();
    await bench.complete('x');
    await bench.restart();
    await bench.complete('y', tasks('z'));
    await bench.restart();
    await bench.complete('z');
    await bench.restart();
    expect(bench.running).toEqual(['sum']);
    await bench.complete('sum', 'end');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end' });
  });
});

describe('tasks from a function', () => {
  it('is another call than the doubtful one that was made again before', async () => {
    const run = await bench.start({
      tasks: [dive({ addTasks: 'work' })].map((task) => ({ ...task, onInDoubt: 'ask' })),
    });
    const key = bench.call('dive').context.idempotencyKey;
    await bench.restart();
    await bench.fermata.runtime.control(run, childAddress('/', 'dive'), { type: 'fermata.retry' });
    await bench.settle();
    expect(bench.call('dive').context.idempotencyKey).toBe(key);
    await bench.complete('dive', 'paid');
    expect(bench.call('dive').context.idempotencyKey).not.toBe(key);
    await bench.complete('dive', []);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'paid' });
  });

  it('that fails is asked again; what its task gave is not paid twice', async () => {
    const run = await bench.start({ tasks: [dive({ addTasks: 'work' })] });
    await bench.complete('dive', 'paid');
    await bench.fail('dive');
    await bench.advance(60);
    expect(bench.call('dive').input).toBe('paid');
    await bench.complete('dive', [work('x')]);
    await bench.complete('x');
    expect(bench.began).toEqual(['dive', 'dive', 'dive', 'x']);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  });
});
