/** A task whose items are tasks of the run: how they begin, what becomes of a failure, and what it costs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const each = (more: object = {}) => ({
  name: 'each',
  kind: 'map',
  items: 'input.docs',
  task: { kind: 'code', function: 'work', input: { doc: 'item', at: 'index' } },
  ...more,
});
const docs = (...names: string[]) => ({ input: { docs: names } });

describe('a map', () => {
  it('does the same to each item, at most `breadth` at once, and gives their outputs in order', async () => {
    const run = await bench.start({ config: { breadth: 2 }, tasks: [each()] }, docs('a', 'b', 'c'));
    expect(bench.calls.map(({ task, input }) => ({ task, input }))).toEqual([
      { task: 'each[0]', input: { doc: 'a', at: 0 } },
      { task: 'each[1]', input: { doc: 'b', at: 1 } },
    ]);
    await bench.complete('each[1]', 'B');
    expect(bench.running).toEqual(['each[0]', 'each[2]']);
    await bench.complete('each[2]', 'C');
    await bench.complete('each[0]', 'A');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100, output: ['A', 'B', 'C'] });
  });

  it('holds no slot while its items run, and they wait like other tasks for theirs', async () => {
    await bench.start(
      { config: { breadth: 2 }, tasks: [each({ concurrency: 1 }), { name: 'other' }, { name: 'third' }] },
      docs('a', 'b'),
    );
    expect(bench.running).toEqual(['other', 'each[0]']);
    await bench.complete('other');
    expect(bench.running).toEqual(['each[0]', 'third']);
    await bench.complete('each[0]');
    expect(bench.running).toEqual(['third', 'each[1]']);
    await bench.complete('third');
    await bench.complete('each[1]');
  });

  it('asks for all items that need a person, or waits for them, whatever the breadth; concurrency bounds them all', async () => {
    const asks = { kind: 'code', function: 'work', requiresApproval: true };
    const run = await bench.start(
      { config: { breadth: 1 }, tasks: [each({ task: asks }), each({ name: 'few', task: asks, concurrency: 2 })] },
      docs('a', 'b', 'c'),
    );
    const asked = Object.entries(await bench.statuses(run)).filter(([, status]) => status === 'awaitingApproval');
    expect(asked.map(([name]) => name)).toEqual(['each[0]', 'each[1]', 'each[2]', 'few[0]', 'few[1]']);
    for (const [name] of asked) await bench.decide(run, name, true);
    for (const [name] of asked) await bench.complete(name);
    await bench.decide(run, 'few[2]', true);
    await bench.complete('few[2]');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  });

  it('what depends on it has all outputs', async () => {
    const run = await bench.start(
      { tasks: [each(), { name: 'sum', kind: 'code', function: 'echo', input: { all: 'tasks.each.output' } }] },
      docs('a', 'b'),
    );
    await bench.complete('each[0]', 1);
    await bench.complete('each[1]', 2);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { all: [1, 2] } });
  });

  it('of nothing gives nothing', async () => {
    const run = await bench.start({ tasks: [each()] }, docs());
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: [] });
  });

  it('of something that is no list fails, and says what came', async () => {
    const run = await bench.start({ tasks: [each({ items: 'input' })] }, docs());
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: {
        code: 'expressionFailed',
        message: expect.stringContaining('expected a list, came an object') as string,
      },
    });
  });

  it('goes through batches', async () => {
    const run = await bench.start({ tasks: [each({ batchSize: 2 })] }, docs('a', 'b', 'c'));
    expect(bench.calls.map(({ input }) => input)).toEqual([
      { doc: ['a', 'b'], at: 0 },
      { doc: ['c'], at: 1 },
    ]);
    await bench.complete('each[0]', 'AB');
    await bench.complete('each[1]', 'C');
    expect(await bench.read(run)).toMatchObject({ output: ['AB', 'C'] });
  });

  it('of maps goes through the lists of a list', async () => {
    const task = { kind: 'map', items: 'item', task: { kind: 'code', function: 'work', input: { it: 'item' } } };
    const run = await bench.start(
      { config: { breadth: 9 }, tasks: [each({ task })] },
      {
        input: { docs: [['a', 'b'], ['c']] },
      },
    );
    expect(bench.running).toEqual(['each[0][0]', 'each[0][1]', 'each[1][0]']);
    for (const name of bench.running) await bench.complete(name, name.toUpperCase());
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: [['EACH[0][0]', 'EACH[0][1]'], ['EACH[1][0]']],
    });
  });
});

describe('an item that fails', () => {
  const once = { kind: 'code', function: 'work', maxRetries: 0 };

  it('stop: the others that run are cancelled, those to come never begin, the map fails', async () => {
    const run = await bench.start({ config: { breadth: 2 }, tasks: [each({ task: once })] }, docs('a', 'b', 'c', 'd'));
    await bench.fail('each[1]', new Error('bad page'));
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: {
        code: 'itemFailed',
        // The one that failed, and not one before it that was cancelled because of it.
        message: expect.stringMatching(
          /^1 of 4 items of "each" failed, 3 were cancelled; first "each\[1\]": .*bad page/,
        ) as string,
      },
    });
    expect(await bench.statuses(run)).toEqual({ each: 'failed', 'each[0]': 'cancelled', 'each[1]': 'failed' });
  });

  it('stop: an item that waits for a slot gets none as it is cancelled, so that others do', async () => {
    const asks = { ...once, requiresApproval: true };
    const run = await bench.start(
      {
        config: { breadth: 1, onTaskFailure: 'continue' },
        tasks: [each({ task: asks, onItemFailure: 'stop' }), { name: 'other', requiresApproval: true }],
      },
      docs('a', 'b'),
    );
    await bench.decide(run, 'each[0]', true);
    await bench.decide(run, 'each[1]', true);
    expect(bench.running).toEqual(['each[0]']);
    await bench.fail('each[0]');
    expect(await bench.statuses(run)).toMatchObject({ each: 'failed', 'each[1]': 'cancelled' });
    await bench.decide(run, 'other', true);
    expect(bench.running).toEqual(['other']);
    await bench.complete('other');
    expect((await bench.read(run)).progress).toBe(100);
  });

  it('stop: the run does not wait for those that are stopped, though all that is left was waiting', async () => {
    const asks = { ...once, requiresApproval: true };
    const run = await bench.start(
      { tasks: [each({ task: asks }), { name: 'last', dependsOn: ['each'] }] },
      docs('a', 'b', 'c'),
    );
    await bench.decide(run, 'each[1]', true);
    await bench.fail('each[1]');
    const story = await bench.story(run);
    expect(story.slice(story.indexOf('task_failed each[1]'))).toEqual([
      'task_failed each[1]',
      'task_cancelled each[0]',
      'task_cancelled each[2]',
      'task_failed each',
      'run_failed',
    ]);
  });

  it('continue: null takes its place', async () => {
    const run = await bench.start({ tasks: [each({ task: once, onItemFailure: 'continue' })] }, docs('a', 'b'));
    await bench.fail('each[0]');
    await bench.complete('each[1]', 'B');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: [null, 'B'] });
  });

  it('collect: its error takes its place', async () => {
    const run = await bench.start({ tasks: [each({ task: once, onItemFailure: 'collect' })] }, docs('a', 'b'));
    await bench.complete('each[0]', 'A');
    await bench.fail('each[1]', new Error('bad page'));
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: ['A', { error: { code: 'codeFailed', message: expect.stringContaining('bad page') as string } }],
    });
  });
});

describe('a map among other tasks', () => {
  const twice = { breadth: 1, onTaskFailure: 'continue' };
  const once = { kind: 'code', function: 'work', maxRetries: 0 };

  it('whose item failed bars what needs it, though items are left that never begin', async () => {
    const run = await bench.start(
      { config: twice, tasks: [each({ task: once }), { name: 'needs', dependsOn: ['each'] }] },
      docs('a', 'b', 'c'),
    );
    await bench.fail('each[0]');
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toEqual({ each: 'failed', 'each[0]': 'failed', needs: 'skipped' });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', progress: 100 });
  });

  it('does not fail over an item that was refused, where its author lets that pass', async () => {
    const asks = { ...once, requiresApproval: true, onReject: 'skip' };
    const run = await bench.start({ tasks: [each({ task: asks })] }, docs('a', 'b'));
    await bench.decide(run, 'each[0]', false);
    await bench.decide(run, 'each[1]', true);
    await bench.complete('each[1]', 'B');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: [null, 'B'] });
  });
});

describe('a map in trouble', () => {
  it('goes on after a restart where it was', async () => {
    const run = await bench.start({ config: { breadth: 1 }, tasks: [each()] }, docs('a', 'b', 'c'));
    await bench.complete('each[0]', 'A');
    await bench.restart();
    expect(bench.running).toEqual(['each[1]']);
    await bench.complete('each[1]', 'B');
    await bench.restart();
    await bench.complete('each[2]', 'C');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: ['A', 'B', 'C'] });
  });

  it('is cancelled with its items', async () => {
    const run = await bench.start(
      { config: { breadth: 3, onTaskFailure: 'continue' }, tasks: [each(), { name: 'last' }] },
      docs('a', 'b', 'c'),
    );
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'each' });
    await bench.settle();
    expect(bench.running).toEqual(['last']);
    await bench.complete('last');
    expect(await bench.statuses(run)).toEqual({
      each: 'cancelled',
      'each[0]': 'cancelled',
      'each[1]': 'cancelled',
      last: 'completed',
    });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  });

  it('falls with its run', async () => {
    const run = await bench.start({ tasks: [each()] }, docs('a', 'b', 'c', 'd', 'e'));
    await bench.fermata.runtime.cancel(run);
    await bench.settle();
    expect(await bench.read(run)).toMatchObject({ status: 'cancelled' });
  });

  it('takes longer than it may', async () => {
    const run = await bench.start({ tasks: [each({ timeoutSeconds: 60 })] }, docs('a', 'b', 'c', 'd'));
    await bench.complete('each[0]');
    await bench.advance(60);
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'taskTimedOut' } });
  });

  it('takes along the items of its items', async () => {
    const inner = { kind: 'map', items: 'item', concurrency: 1, task: { kind: 'code', function: 'work' } };
    const run = await bench.start(
      { config: { breadth: 9, onTaskFailure: 'continue' }, tasks: [each({ task: inner, timeoutSeconds: 60 })] },
      {
        input: {
          docs: [
            ['a', 'b', 'c'],
            ['d', 'e'],
          ],
        },
      },
    );
    await bench.complete('each[1][0]');
    await bench.advance(60);
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', progress: 100 });
  });

  it('an item that never begins is not cancelled once more', async () => {
    const run = await bench.start(
      { config: { breadth: 1, onTaskFailure: 'continue' }, tasks: [each(), { name: 'last' }] },
      docs('a', 'b', 'c'),
    );
    const cancel = (task: string) => bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task });
    await cancel('each');
    await cancel('each[2]');
    await bench.settle();
    await bench.complete('last');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', counts: { total: 5, settled: 5 } });
  });

  it('an item that is cancelled before it begins is passed over', async () => {
    const run = await bench.start(
      { config: { breadth: 1 }, tasks: [each({ onItemFailure: 'continue' })] },
      docs('a', 'b', 'c'),
    );
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'each[1]' });
    await bench.settle();
    await bench.complete('each[0]', 'A');
    expect(bench.running).toEqual(['each[2]']);
    await bench.complete('each[2]', 'C');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: ['A', null, 'C'] });
  });
});

it('whose items to come were cancelled wants no slot that others could have', async () => {
  const map = (name: string) =>
    each({
      name,
      items: '[1, 2]',
      concurrency: 2,
      onItemFailure: 'continue',
      task: { kind: 'code', function: 'work', retry: { initialSeconds: 60, maxSeconds: 60 } },
    });
  const run = await bench.start({
    config: { breadth: 1 },
    tasks: [map('one'), map('two'), { name: 'before' }, { name: 'after', dependsOn: ['before'] }],
  });
  for (const name of ['one', 'two']) {
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: `${name}[1]` });
    await bench.fail(`${name}[0]`);
  }
  await bench.complete('before');
  expect(bench.running).toEqual(['after']);
  await bench.complete('after');
});

it('whose items to come were cancelled gives its slot back when the last one that runs has ended', async () => {
  const map = each({
    items: '[1, 2, 3]',
    concurrency: 1,
    onItemFailure: 'continue',
    task: { kind: 'code', function: 'work' },
  });
  for (const breadth of [1, 2]) {
    const run = await bench.start({ config: { breadth }, tasks: [map, { name: 'after', dependsOn: ['each'] }] });
    for (const task of ['each[1]', 'each[2]'])
      await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task });
    await bench.complete('each[0]');
    expect(bench.running).toEqual(['after']);
    const { snapshot } = await bench.fermata.runtime.snapshot(run, { actor: '/' });
    expect(snapshot).toMatchObject({ context: { active: 1, parked: 0 } });
    await bench.complete('after');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  }
});
