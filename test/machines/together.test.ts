/** Shapes inside of each other: conditions and waits among the items of a map and among tasks that join a run. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });

describe('the items of a map', () => {
  it('may be skipped one by one, and give nothing then', async () => {
    const run = await bench.start(
      {
        tasks: [
          {
            name: 'each',
            kind: 'map',
            items: 'input.numbers',
            task: { kind: 'code', function: 'echo', when: 'item > 1.0', input: { it: 'item' } },
          },
        ],
      },
      { input: { numbers: [1, 2, 3] } },
    );
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: [null, { it: 2 }, { it: 3 }] });
    expect(await bench.statuses(run)).toMatchObject({ 'each[0]': 'skipped', 'each[1]': 'completed' });
  });

  it('may wait for an event each: the one whose filter is true takes it', async () => {
    const run = await bench.start(
      {
        tasks: [
          {
            name: 'paid',
            kind: 'map',
            items: 'input.orders',
            concurrency: 10,
            task: { kind: 'wait', event: { type: 'paid', filter: 'event.order == item' } },
          },
        ],
      },
      { input: { orders: ['a', 'b'] } },
    );
    const { runtime } = bench.fermata;
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    expect(await runtime.acceptedEvents(run)).toEqual(['paid']);
    await runtime.send(run, { type: 'paid', order: 'b' });
    await runtime.send(run, { type: 'paid', order: 'a' });
    await bench.settle();
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: [
        { type: 'paid', order: 'a' },
        { type: 'paid', order: 'b' },
      ],
    });
  });
});

describe('events for the items of a map that has none yet', () => {
  const paid = {
    name: 'paid',
    kind: 'map',
    items: 'tasks.orders.output',
    onItemFailure: 'continue',
    task: { kind: 'wait', event: { type: 'paid', filter: 'event.order == item' } },
  };
  const nested = { ...paid, task: { kind: 'map', items: 'item', task: paid.task } };
  const stray = { name: 'stray', kind: 'wait', dependsOn: ['paid'], seconds: 1_000 };

  it.each([
    ['', paid, ['a', 'b']],
    [' of maps', nested, [['a'], ['b']]],
  ])('are kept, and taken by them%s', async (_, map, orders) => {
    const run = await bench.start({ tasks: [work('orders'), map, stray] });
    expect(await bench.fermata.runtime.acceptedEvents(run)).toEqual(['paid']);
    await bench.fermata.runtime.send(run, { type: 'paid', order: 'b' });
    await bench.restart();
    await bench.complete('orders', orders);
    const { runtime } = bench.fermata;
    await expect(runtime.send(run, { type: 'paid', order: 'c' })).rejects.toMatchObject({ code: 'eventNotAccepted' });
    await runtime.send(run, { type: 'paid', order: 'a' });
    await bench.settle();
    expect((await bench.statuses(run))['paid']).toBe('completed');
    await expect(runtime.send(run, { type: 'paid', order: 'a' })).rejects.toMatchObject({ code: 'eventNotAccepted' });
    await runtime.control(run, '/', { type: 'fermata.cancel' });
  });

  it.each([
    ['is empty', [], 'completed'],
    ['never gets any', 'no list', 'failed'],
    ['has none in its items', [[], []], 'completed'],
  ])('are refused once it %s', async (_, orders, status) => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [work('orders'), Array.isArray(orders[0]) ? nested : paid, { ...stray, dependsOn: [] }],
    });
    await bench.complete('orders', orders);
    expect((await bench.statuses(run))['paid']).toBe(status);
    const { runtime } = bench.fermata;
    expect(await runtime.acceptedEvents(run)).toEqual([]);
    await expect(runtime.send(run, { type: 'paid', order: 'a' })).rejects.toMatchObject({ code: 'eventNotAccepted' });
    await runtime.control(run, '/', { type: 'fermata.cancel' });
  });
});

describe('tasks that join a run', () => {
  const dive = { ...work('dive'), onComplete: { addTasks: 'fromOutput' } };

  it('may choose among each other', async () => {
    const run = await bench.start({ tasks: [dive] });
    await bench.complete('dive', {
      tasks: [{ name: 'which', kind: 'condition', if: 'true', then: ['yes'], else: ['no'] }, work('yes'), work('no')],
    });
    expect(bench.running).toEqual(['yes']);
    await bench.complete('yes');
    expect(await bench.statuses(run)).toMatchObject({ which: 'completed', yes: 'completed', no: 'skipped' });
  });

  it('cannot take a choice about those that are there', async () => {
    const run = await bench.start({ tasks: [dive, work('old')] });
    await bench.complete('dive', { tasks: [{ name: 'which', kind: 'condition', if: 'true', then: ['old'] }] });
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { code: 'invalidDocument', message: expect.stringContaining('"old" is none of them') as string },
    });
  });

  it('may wait for an event of a type that no task of the document names', async () => {
    const run = await bench.start({ tasks: [dive] });
    const { runtime } = bench.fermata;
    await expect(runtime.send(run, { type: 'go' })).rejects.toMatchObject({ code: 'eventNotAccepted' });
    await bench.complete('dive', { tasks: [{ name: 'go', kind: 'wait', event: { type: 'go' } }] });
    expect(await runtime.acceptedEvents(run)).toEqual(['go']);
    await bench.restart();
    await bench.fermata.runtime.send(run, { type: 'go', now: true });
    await bench.settle();
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('may be maps, whose items may be maps', async () => {
    const run = await bench.start({ config: { breadth: 9 }, tasks: [dive, work('end', { dependsOn: ['dive'] })] });
    await bench.complete('dive', {
      tasks: [
        {
          name: 'grid',
          kind: 'map',
          items: '[[1, 2], [3]]',
          task: { kind: 'map', items: 'item', task: { kind: 'code', function: 'work', input: { it: 'item' } } },
        },
      ],
    });
    expect(bench.running).toEqual(['grid[0][0]', 'grid[0][1]', 'grid[1][0]']);
    for (const name of bench.running) await bench.complete(name, 1);
    expect(bench.running).toEqual(['end']);
    await bench.complete('end');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100 });
  });
});
