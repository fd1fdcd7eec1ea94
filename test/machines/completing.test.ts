/** Tasks of every kind complete in one way: their function is asked, tasks join, what they share is published. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });
const FUNCTION = { addTasks: 'work' };
const OUTPUT = { addTasks: 'fromOutput' };
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

describe('from the output', () => {
  it.each(['wait for an event', 'sub-workflow'] as const)('%s', async (kind) => {
    const { task, happens } = KINDS[kind];
    const run = await bench.start({ tasks: [{ name: 'parent', ...task, onComplete: OUTPUT }] });
    await happens(run);
    expect(bench.running).toEqual(['x']);
    await bench.complete('x', 'X');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});
