/** Tasks of every kind complete in one way: their function is asked, tasks join, what they share is published. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });
const FUNCTION = { addTasks: 'work' };
// What comes from outside, or of an answer, may name only what the author allows.
const OUTPUT = { addTasks: 'fromOutput', allow: { functions: ['work'] } };
const settles = async (): Promise<void> => {};
const inner = { name: 'inner', tasks: [work('inside')] };

/** Each kind: how it is written, what happens until it has its outcome, and that outcome. */
const KINDS = {
  map: {
    task: { kind: 'map', items: '[1]', task: { kind: 'code', function: 'work' } },
    happens: () => bench.complete('parent[0]', 'one'),
    gives: ['one'],
  },
  'empty map': {
    task: { kind: 'map', items: '[]', task: { kind: 'code', function: 'work' } },
    happens: settles,
    gives: [],
  },
  condition: {
    task: { kind: 'condition', if: 'true', then: [] },
    happens: settles,
    gives: { value: true, branch: 'then', chosen: [] },
  },
  'wait for a time': {
    task: { kind: 'wait', until: '2000-01-01' },
    happens: () => bench.advance(1),
    gives: '2000-01-01T00:00:00.000Z',
  },
  'wait for an event': {
    task: { kind: 'wait', event: { type: 'paid' } },
    happens: async (run: string) => {
      await bench.fermata.runtime.send(run, { type: 'paid', tasks: [work('x')] });
      await bench.settle();
    },
    gives: { type: 'paid', tasks: [work('x')] },
  },
  'wait for what does not come': {
    task: { kind: 'wait', event: { type: 'paid' }, timeoutSeconds: 5, onTimeout: 'continue' },
    happens: () => bench.advance(6),
    gives: null,
  },
  'sub-workflow': {
    task: { kind: 'subworkflow', workflow: inner },
    happens: () => bench.complete('inside', { tasks: [work('x')] }),
    gives: { tasks: [work('x')] },
  },
} as const;

describe.each(Object.entries(KINDS))('%s', (_, { task, happens, gives }) => {
  it('asks its function with what it gives, shares that, and who needs it waits for what joins', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'parent', ...task, onComplete: FUNCTION, outputs: { shared: { k: 'result' } } },
        work('last', { dependsOn: ['parent'] }),
      ],
    });
    await happens(run);
    expect(bench.running).toEqual(['parent']);
    expect(bench.call('parent').input).toEqual(gives);
    await bench.complete('parent', [work('x')]);
    expect(await bench.statuses(run)).toMatchObject({ parent: 'completed' });
    expect((await bench.fermata.runtime.sharedValue(run, 'k'))?.value).toEqual(gives);
    expect(bench.running).toEqual(['x']);
    await bench.complete('x');
    await bench.complete('last');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  });

  it('holds a slot while its function is called, and only then', async () => {
    const run = await bench.start({
      config: { breadth: 1 },
      tasks: [{ name: 'parent', ...task, onComplete: FUNCTION }, work('other')],
    });
    if (bench.running.includes('other')) {
      await happens(run);
      const between = bench.running;
      expect(between).toEqual(['other']);
      await bench.complete('other');
    } else await happens(run);
    while (bench.running[0] !== 'parent') await bench.complete(bench.running[0] ?? expect.fail('nobody runs'), {});
    expect(bench.running).toEqual(['parent']);
    await bench.complete('parent', []);
    if (bench.running.includes('other')) await bench.complete('other');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('calls its function again where that fails, a crash cuts it off or it takes too long; its work is done once', async () => {
    const retry = { maxRetries: 2, initialSeconds: 1, factor: 1, maxSeconds: 1 };
    const run = await bench.start({ tasks: [{ name: 'parent', ...task, retry, onComplete: FUNCTION }] });
    await happens(run);
    await bench.fail('parent', new FermataError('codeFailed', 'broke'));
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    await bench.advance(2);
    await bench.restart();
    expect(bench.call('parent').input).toEqual(gives);
    await bench.advance(121);
    await bench.advance(2);
    expect(bench.call('parent').input).toEqual(gives);
    await bench.complete('parent', [work('x')]);
    await bench.complete('x', 'X');
    const { status } = await bench.read(run);
    expect(status).toBe('completed');
    const facts = await bench.facts(run);
    const types = facts.filter(({ data }) => (data as { task?: string }).task === 'parent').map(({ type }) => type);
    expect(types.filter((type) => type === 'task_retrying')).toHaveLength(2);
    expect(types.filter((type) => type === 'task_completed')).toHaveLength(1);
  });
});

it('has completed before what it shares stops another one, and what it adds begins', async () => {
  const run = await bench.start({
    config: { breadth: 2, onTaskFailure: 'continue' },
    tasks: [
      work('parent', { onComplete: OUTPUT, outputs: { shared: { k: 'true' } } }),
      work('other', { cancelWhen: 'shared.k' }),
    ],
  });
  await bench.complete('parent', { tasks: [work('x', { input: { from: 'tasks.parent.output' } })] });
  await bench.complete('x');
  expect((await bench.story(run)).slice(3)).toEqual([
    'task_added x',
    'shared_changed',
    'task_completed parent',
    'task_cancelled other',
    'task_started x',
    'task_completed x',
    'run_completed',
  ]);
});

describe('what happens meanwhile', () => {
  const paid = (name: string, more: object = {}) => ({ name, kind: 'wait', event: { type: 'paid' }, ...more });
  const send = async (run: string, n: number): Promise<void> => {
    await bench.fermata.runtime.send(run, { type: 'paid', n });
    await bench.settle();
  };

  it('an event is taken once: while the function of the task that took it waits or is called, the next one goes on to others', async () => {
    const run = await bench.start({
      config: { breadth: 1 },
      tasks: [paid('parent', { onComplete: FUNCTION }), paid('second'), work('other')],
    });
    expect(bench.running).toEqual(['other']);
    await send(run, 1);
    await send(run, 2);
    expect(await bench.statuses(run)).toMatchObject({ parent: 'running', second: 'completed' });
    await expect(bench.fermata.runtime.send(run, { type: 'paid', n: 3 })).rejects.toMatchObject({
      code: 'eventNotAccepted',
    });
    await bench.complete('other');
    expect(bench.call('parent').input).toEqual({ type: 'paid', n: 1 });
    await bench.complete('parent', []);
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('an event that was kept is given to one task only', async () => {
    const run = await bench.start({
      config: { breadth: 2 },
      tasks: [
        work('first'),
        paid('parent', { dependsOn: ['first'], onComplete: FUNCTION }),
        paid('second', { dependsOn: ['first'] }),
      ],
    });
    await send(run, 1);
    await bench.complete('first');
    expect(bench.call('parent').input).toEqual({ type: 'paid', n: 1 });
    expect(await bench.statuses(run)).toMatchObject({ second: 'running' });
    await send(run, 2);
    await bench.complete('parent', []);
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('one that fails after it took an event says which one', async () => {
    const run = await bench.start({ tasks: [paid('parent', { onComplete: FUNCTION, maxRetries: 0 })] });
    await send(run, 1);
    await bench.fail('parent');
    expect((await bench.facts(run)).find(({ type }) => type === 'task_failed')?.data).toMatchObject({
      event: { type: 'paid', n: 1 },
    });
  });

  it.each(Object.entries(KINDS))('cancelled while its function is called, it adds nothing: %s', async (_, kind) => {
    const run = await bench.start({ tasks: [{ name: 'parent', ...kind.task, onComplete: FUNCTION }] });
    await kind.happens(run);
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'parent' });
    await bench.settle();
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toMatchObject({ parent: 'cancelled' });
  });

  it('paused, it waits for its slot until its run goes on', async () => {
    const { task, happens } = KINDS.map;
    const run = await bench.start({ tasks: [{ name: 'parent', ...task, onComplete: FUNCTION }] });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.pause' });
    await happens();
    expect(bench.running).toEqual([]);
    await bench.restart();
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    expect(bench.running).toEqual(['parent']);
    await bench.complete('parent', []);
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('the time of a map is over while its function is called, or backs off', async () => {
    const { task, happens } = KINDS.map;
    const parent = { name: 'parent', ...task, timeoutSeconds: 50, onComplete: FUNCTION };
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks: [parent] });
    await happens();
    await bench.advance(51);
    expect(await bench.statuses(run)).toMatchObject({ parent: 'timedOut' });
    const other = await bench.start({ tasks: [{ ...parent, retry: { initialSeconds: 900, maxSeconds: 900 } }] });
    await happens();
    await bench.fail('parent');
    await bench.advance(51);
    expect(await bench.statuses(other)).toMatchObject({ parent: 'timedOut' });
  });

  it('the time of a wait ends with its waiting: what came in time is not lost to a function that is called later', async () => {
    const wait = { name: 'parent', kind: 'wait', event: { type: 'paid' }, timeoutSeconds: 10, onTimeout: 'skip' };
    const run = await bench.start({
      config: { breadth: 1 },
      tasks: [work('other'), { ...wait, onComplete: FUNCTION }],
    });
    expect(bench.running).toEqual(['other']);
    await bench.complete('other');
    const busy = await bench.start({
      config: { breadth: 1 },
      tasks: [{ ...wait, onComplete: FUNCTION }, work('busy')],
    });
    for (const id of [run, busy]) await bench.fermata.runtime.send(id, { type: 'paid' });
    await bench.settle();
    // One is asked its function, the other waits for a slot; both for longer than their events might have taken.
    await bench.advance(60);
    expect(bench.running.toSorted()).toEqual(['busy', 'parent']);
    await bench.complete('parent', []);
    await bench.complete('busy');
    await bench.complete('parent', []);
    for (const id of [run, busy]) expect(await bench.statuses(id)).toMatchObject({ parent: 'completed' });
  });

  it('a fork takes over what it gave, and what it added', async () => {
    for (const { task, happens } of Object.values(KINDS)) {
      const tasks = [{ name: 'parent', ...task, onComplete: FUNCTION }, work('last', { dependsOn: ['parent'] })];
      const origin = await bench.start({ tasks });
      await happens(origin);
      await bench.complete('parent', [work('x')]);
      await bench.complete('x', 'X');
      await bench.complete('last');
      const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits: {} });
      expect(bench.running).toEqual(['last']);
      await bench.complete('last');
      expect(await bench.statuses(run)).toMatchObject({ parent: 'completed', x: 'completed', last: 'completed' });
      expect(await bench.read(run)).toMatchObject({ status: 'completed' });
    }
  });

  it('limits, depth and truncation are those of every task', async () => {
    const grows = (name: string): object => ({
      name,
      kind: 'map',
      items: '[]',
      task: { kind: 'code', function: 'work' },
      onComplete: { ...FUNCTION, maxDynamicDepth: 1, dynamicTaskLimit: 2 },
    });
    const run = await bench.start({ config: { breadth: 9 }, tasks: [grows('parent')] });
    await bench.complete('parent', [grows('a'), work('b'), work('c')]);
    expect(bench.running).toEqual(['a', 'b']);
    await bench.complete('a', [work('d')]);
    await bench.complete('b');
    const ends = (await bench.facts(run)).filter(({ type }) => type === 'task_completed').map(({ data }) => data);
    expect(ends).toMatchObject([
      { task: 'parent', added: 2, warning: expect.stringContaining('dynamicTaskLimit allows 2') as string },
      { task: 'a', added: 0, warning: expect.stringContaining('maxDynamicDepth allows 1') as string },
      { task: 'b' },
    ]);
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});

describe('a task that breaks', () => {
  /** Without what it has to say. */
  const BREAKS = { type: 'fermata.task.stops' };

  it.each(Object.entries(KINDS))(
    'while its function is called, it gives back its slot: %s',
    async (_, { task, happens }) => {
      const run = await bench.start({
        config: { breadth: 1, onTaskFailure: 'continue' },
        tasks: [
          { name: 'parent', ...task, onComplete: FUNCTION },
          work('b', { dependsOn: ['parent'], skipPolicy: 'run' }),
        ],
      });
      await happens(run);
      while (bench.running[0] !== 'parent') await bench.complete(bench.running[0] ?? expect.fail('nobody runs'), {});
      await bench.fermata.runtime.control(run, childAddress('/', 'parent'), BREAKS);
      await bench.settle();
      expect(await bench.statuses(run)).toMatchObject({ parent: 'failed' });
      expect(bench.running).toEqual([]);
      expect((await bench.read(run)).endedAt).not.toBeNull();
    },
  );

  it('while it waits, it has none to give back', async () => {
    for (const { task } of [KINDS.map, KINDS['wait for an event'], KINDS['sub-workflow']]) {
      const run = await bench.start({
        config: { breadth: 1, onTaskFailure: 'continue' },
        tasks: [{ name: 'parent', ...task, onComplete: FUNCTION }, work('b'), work('c')],
      });
      await bench.fermata.runtime.control(run, childAddress('/', 'parent'), BREAKS);
      for (let turn = 0; turn < 9; turn++) {
        await bench.settle();
        const [next] = bench.running;
        if (next !== undefined) await bench.complete(next);
      }
      expect(await bench.statuses(run)).toMatchObject({ parent: 'failed', b: 'completed', c: 'completed' });
      const { snapshot } = await bench.fermata.runtime.snapshot(run, { actor: '/' });
      expect(snapshot.context).toMatchObject({ active: 0, parked: 0 });
    }
  });
});

describe('work in rounds', () => {
  const goal = (more: object = {}) => ({ name: 'parent', kind: 'planExecuteReflect', goal: 'Go', ...more });
  const answer = async (models: Workbench, value: unknown): Promise<void> => {
    await models.complete('parent.plan 1', { tasks: [] });
    await models.complete('parent.answer', value);
  };

  it('adds what its answer holds: that is waited for, and is no part of its rounds', async () => {
    const models = await Workbench.openHolding();
    const task = goal({ responseFormat: 'json', onComplete: OUTPUT });
    const run = await models.start({ tasks: [task, work('last', { dependsOn: ['parent'] })] });
    await answer(models, { tasks: [work('x'), work('y', { dependsOn: ['x'] })] });
    expect(await models.statuses(run)).toMatchObject({ parent: 'completed' });
    expect(models.running).toEqual(['x']);
    await models.complete('x');
    await models.complete('y');
    await models.complete('last');
    expect(await models.read(run)).toMatchObject({ status: 'completed', progress: 100, output: 'last done' });
    const fork = await models.fork(run, { point: { fromTask: 'last' }, edits: {} });
    await models.complete('last');
    expect(await models.statuses(fork)).toEqual({
      parent: 'completed',
      x: 'completed',
      y: 'completed',
      last: 'completed',
    });
    await models.close();
  });

  it('gets a slot for its function; what is added is among the last tasks of the run', async () => {
    const models = await Workbench.openHolding();
    const run = await models.start({ config: { breadth: 1 }, tasks: [goal({ onComplete: FUNCTION }), work('other')] });
    while (models.running[0] !== 'parent') {
      const [task = expect.fail('nobody runs')] = models.running;
      expect(models.running).toHaveLength(1);
      await models.complete(task, task === 'parent.plan 1' ? { tasks: [] } : `${task} done`);
    }
    expect(models.call('parent').input).toBe('parent.answer done');
    await models.complete('parent', [work('x')]);
    while (models.running[0] !== undefined) await models.complete(models.running[0]);
    expect(await models.read(run)).toMatchObject({
      status: 'completed',
      output: { parent: 'parent.answer done', other: 'other done', x: 'x done' },
    });
    await models.close();
  });
});

it('a reduction in a tree adds what its last call says', async () => {
  const models = await Workbench.openHolding();
  const run = await models.start({
    tasks: [
      work('list'),
      {
        name: 'parent',
        kind: 'reduce',
        dependsOn: ['list'],
        prompt: '{{ tasks.list.output | json }}',
        arity: 2,
        responseFormat: 'json',
        onComplete: OUTPUT,
      },
    ],
  });
  await models.complete('list', ['a', 'b', 'c']);
  for (const call of ['parent[0]', 'parent[1]', 'parent[2]']) await models.complete(call, { tasks: [work('x')] });
  expect(models.running).toEqual(['x']);
  await models.complete('x');
  expect(await models.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  await models.close();
});

describe('from the output', () => {
  it.each(['wait for an event', 'sub-workflow'] as const)(
    '%s: nothing that its author does not allow',
    async (kind) => {
      const { task, happens } = KINDS[kind];
      const run = await bench.start({ tasks: [{ name: 'parent', ...task, onComplete: { addTasks: 'fromOutput' } }] });
      await happens(run);
      expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'invalidDocument' } });
    },
  );

  it.each(['wait for an event', 'sub-workflow'] as const)('%s', async (kind) => {
    const { task, happens } = KINDS[kind];
    const run = await bench.start({ tasks: [{ name: 'parent', ...task, onComplete: OUTPUT }] });
    await happens(run);
    expect(bench.running).toEqual(['x']);
    await bench.complete('x', 'X');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});

it('a wait whose event somebody has given takes no other one while its function is called', async () => {
  const { task } = KINDS['wait for an event'];
  const tasks = [{ name: 'parent', ...task, onComplete: FUNCTION }, { name: 'other', ...task }, work('last')];
  const origin = await bench.start({ tasks });
  await bench.complete('last');
  const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits: { parent: { output: { by: 'hand' } } } });
  expect(bench.running).toContain('parent');
  await bench.fermata.runtime.send(run, { type: 'paid' });
  await bench.settle();
  expect(await bench.statuses(run)).toMatchObject({ parent: 'running', other: 'completed' });
});

it('a wait whose event somebody has given had its time for waiting: its function has two minutes', async () => {
  const { task } = KINDS['wait for an event'];
  const parent = { name: 'parent', ...task, timeoutSeconds: 5, maxRetries: 0, onComplete: FUNCTION };
  const origin = await bench.start({ tasks: [parent, work('last')] });
  await bench.complete('last');
  await bench.advance(6);
  const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits: { parent: { output: { by: 'hand' } } } });
  await bench.advance(119);
  expect(await bench.statuses(run)).toMatchObject({ parent: 'running' });
  await bench.advance(2);
  expect(await bench.statuses(run)).toMatchObject({ parent: 'timedOut' });
});

it('one that begins a run and does not wait for it has a function that may take two minutes', async () => {
  const parent = {
    name: 'parent',
    kind: 'subworkflow',
    workflow: inner,
    wait: false,
    maxRetries: 0,
    onComplete: FUNCTION,
  };
  const run = await bench.start({ tasks: [parent] });
  await bench.complete('inside');
  expect(bench.running).toEqual(['parent']);
  await bench.advance(121);
  expect(await bench.statuses(run)).toMatchObject({ parent: 'timedOut' });
});
