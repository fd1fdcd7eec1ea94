/** Shared values on the real runtime: published, written by functions, read by texts, and what they stop. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const echo = (name: string, input: object, more: object = {}): object => ({
  name,
  kind: 'code',
  function: 'echo',
  input,
  ...more,
});
const factsOf = async (run: string, type: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await bench.facts(run)).filter((fact) => fact.type === type).map(({ data }) => data);
const shared = async (run: string): Promise<Readonly<Record<string, unknown>>> =>
  Object.fromEntries(
    (await bench.fermata.runtime.sharedValues(run, { limit: 100 })).map(({ key, value }) => [key, value]),
  );

describe('outputs', () => {
  it('are written in the commit of the completion, and seen by what comes after', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'a', outputs: { shared: { sum: 'result.x + result.y', seen: true, 'odd key/ü': '[result.x]' } } },
        echo('b', { sum: 'shared.sum', odd: 'shared["odd key/ü"][0]' }, { dependsOn: ['a'] }),
      ],
    });
    await bench.complete('a', { x: 1, y: 2 });
    await bench.settle();
    expect((await bench.fermata.runtime.read(run)).output).toEqual({ sum: 3, odd: 1 });
    expect(await shared(run)).toEqual({ sum: 3, seen: true, 'odd key/ü': [1] });
    const types = (await bench.facts(run)).map(({ type }) => type);
    expect(types.indexOf('shared_changed')).toBeLessThan(types.indexOf('task_completed'));
    expect(await factsOf(run, 'shared_changed')).toContainEqual(
      expect.objectContaining({ key: 'sum', revision: 1, value: 3, by: 'a' }),
    );
  });

  it('count without losing one, for a task sees what the one before it has written', async () => {
    const count = { shared: { count: 'shared.?count.orValue(0.0) + 1.0' } };
    const run = await bench.start({
      config: { breadth: 9 },
      tasks: [
        {
          name: 'each',
          kind: 'map',
          items: '[1, 2, 3, 4, 5]',
          task: { kind: 'code', function: 'work', outputs: count },
        },
        echo('total', { count: 'shared.count' }, { dependsOn: ['each'] }),
      ],
    });
    for (const task of bench.calls.map((call) => call.task)) await bench.complete(task);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { count: 5 } });
  });

  it('that cannot be told fail their task, naming the key, and nothing of them is written', async () => {
    const run = await bench.start({
      tasks: [{ name: 'a', outputs: { shared: { fine: '1', bad: 'result.missing' } } }],
    });
    await bench.complete('a', { x: 1 });
    expect(await factsOf(run, 'task_failed')).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({
          code: 'expressionFailed',
          retry: 'never',
          data: { expression: 'result.missing', column: 8, missing: 'missing' },
        }) as unknown,
      }),
    ]);
    expect(await shared(run)).toEqual({});
  });

  it('that cannot be told let nothing join the run', async () => {
    const adds = { onComplete: { addTasks: 'fromOutput' }, outputs: { shared: { bad: 'result.missing' } } };
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [{ name: 'a', kind: 'code', function: 'work', ...adds }],
    });
    await bench.complete('a', { tasks: [{ name: 'x', kind: 'code', function: 'work', dependsOn: ['a'] }] });
    expect(bench.running).toEqual([]);
    expect(await factsOf(run, 'task_added')).toEqual([]);
    expect(await bench.statuses(run)).toEqual({ a: 'failed' });
    expect((await bench.read(run)).status).toBe('failed');
  });

  it('have keys of every kind, and values of 10 MB', async () => {
    const keys = ['constructor', 'prototype', 'toString', 'a b', '.', '"', "'", 'ключ', '🍰', 'x'.repeat(200)];
    const big = 'ä'.repeat(5_000_000);
    const run = await bench.start({
      tasks: [
        {
          name: 'a',
          outputs: { shared: Object.fromEntries([...keys.map((key) => [key, 'result.n']), ['big', 'result.big']]) },
        },
        echo('b', Object.fromEntries(keys.map((key, at) => [`k${at}`, `shared[${JSON.stringify(key)}]`])), {
          dependsOn: ['a'],
        }),
        echo('c', { size: 'size(shared.big)' }, { dependsOn: ['b'] }),
      ],
    });
    await bench.complete('a', { n: 7, big });
    await bench.settle();
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { size: 5_000_000 } });
    const entry = (await bench.facts(run)).find(({ data }) => data['task'] === 'b' && 'result' in data);
    expect(entry?.data['result']).toEqual(Object.fromEntries(keys.map((_, at) => [`k${at}`, 7])));
    await bench.restart();
    expect((await bench.fermata.runtime.sharedValue(run, 'big'))?.value).toBe(big);
    expect(Object.keys(await shared(run)).toSorted()).toEqual([...keys, 'big'].toSorted());
  });
});

describe('a shared value that nobody has written', () => {
  it.each([
    ['a prompt', { prompt: 'Go {{ shared.k }}' }, 'promptFailed', { line: 1, column: 7, variable: 'shared.k' }],
    [
      'an expression',
      echo('x', { k: 'shared.k' }),
      'expressionFailed',
      { expression: 'shared.k', column: 8, missing: 'k' },
    ],
    ['a when', { when: 'shared.k' }, 'expressionFailed', { expression: 'shared.k', column: 8, missing: 'k' }],
  ])('is named by %s that reads it', async (_, task, code, data) => {
    await bench.close();
    bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: 'http://127.0.0.1:9' } });
    const run = await bench.start({ tasks: [{ name: 'a', ...task, ...('name' in task ? { name: 'a' } : {}) }] });
    const [failed] = await factsOf(run, 'task_failed');
    expect(failed?.['error']).toMatchObject({ code, data });
  });

  it('is absent where that is asked', async () => {
    const run = await bench.start({
      tasks: [
        echo('a', { has: 'has(shared.k)', or: 'shared.?k.orValue("none")' }),
        { name: 'b', when: 'has(shared.k)' },
      ],
    });
    expect(await factsOf(run, 'task_skipped')).toEqual([
      expect.objectContaining({ condition: { expression: 'has(shared.k)', values: { 'shared.k': null } } }),
    ]);
    expect((await bench.facts(run)).find(({ type }) => type === 'task_completed')?.data['result']).toEqual({
      has: false,
      or: 'none',
    });
  });
});

describe('cancelWhen', () => {
  const stop = 'shared.enough';
  const write = async (value: unknown, task = 'writes'): Promise<void> => {
    const written = bench.call(task).context.shared.set('enough', value);
    await bench.settle();
    await written;
  };
  const says = {
    reason: 'Its cancelWhen is true: shared.enough.',
    condition: { expression: stop, values: { [stop]: true } },
  };

  it('stops a task whose call is under way: what depends on it runs, and the run completes', async () => {
    const run = await bench.start({
      tasks: [{ name: 'writes' }, { name: 'slow', cancelWhen: stop }, { name: 'after', dependsOn: ['slow'] }],
    });
    const { signal } = bench.call('slow').context;
    await write(false);
    expect([signal.aborted, bench.running]).toEqual([false, ['writes', 'slow']]);
    await write(true);
    expect([signal.aborted, bench.running]).toEqual([true, ['writes', 'after']]);
    expect(await factsOf(run, 'task_cancelled')).toEqual([expect.objectContaining({ task: 'slow', ...says })]);
    await bench.complete('after');
    await bench.complete('writes');
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: { writes: 'writes done', after: 'after done' },
    });
  });

  it('a map that an item of its own stops is not waited for: it has ended, and is only not heard of yet', async () => {
    const inner = {
      kind: 'map',
      items: '[1]',
      task: { kind: 'code', function: 'work' },
      outputs: { shared: { enough: 'true' } },
    };
    const run = await bench.start({
      tasks: [{ name: 'each', kind: 'map', items: '[1]', task: inner, cancelWhen: stop }],
    });
    await bench.complete('each[0][0]');
    expect(await bench.story(run)).not.toContain('run_waiting');
    expect(await bench.statuses(run)).toMatchObject({ each: 'cancelled', 'each[0]': 'completed' });
  });

  it('takes along what depends on the task where its author says so', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'writes' },
        { name: 'slow', cancelWhen: stop, skipPolicy: 'cascade' },
        { name: 'after', dependsOn: ['slow'] },
      ],
    });
    await write(true);
    await bench.complete('writes');
    expect(await bench.statuses(run)).toEqual({ writes: 'completed', slow: 'cancelled', after: 'skipped' });
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('skips a task that has not begun, with the same consequence', async () => {
    const run = await bench.start({
      config: { breadth: 1 },
      tasks: [{ name: 'writes' }, { name: 'slow', cancelWhen: stop }, { name: 'after', dependsOn: ['slow'] }],
    });
    await write(true);
    await bench.complete('writes');
    await bench.complete('after');
    expect(await factsOf(run, 'task_skipped')).toEqual([expect.objectContaining({ task: 'slow', ...says })]);
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('stops whatever a live task waits for', async () => {
    const waits = { kind: 'wait', cancelWhen: stop };
    const run = await bench.start({
      config: { breadth: 9, onTaskFailure: 'continue' },
      tasks: [
        { name: 'writes' },
        { name: 'person', cancelWhen: stop, requiresApproval: true },
        { name: 'date', ...waits, seconds: 1_000 },
        { name: 'event', ...waits, event: { type: 'paid' } },
        { name: 'retries', cancelWhen: stop, maxRetries: 3 },
        { name: 'map', kind: 'map', items: '[1, 2]', cancelWhen: stop, task: { kind: 'code', function: 'work' } },
        {
          name: 'each',
          kind: 'map',
          items: '[1, 2]',
          task: { kind: 'code', function: 'work', cancelWhen: `${stop} && index == 1` },
        },
      ],
    });
    await bench.fail('retries');
    await write(true);
    expect(bench.running.toSorted()).toEqual(['each[0]', 'writes']);
    await bench.complete('each[0]', 'kept');
    await bench.complete('writes');
    const { writes, each, 'each[0]': first, ...stopped } = await bench.statuses(run);
    expect([writes, each, first]).toEqual(['completed', 'completed', 'completed']);
    expect(new Set(Object.values(stopped))).toEqual(new Set(['cancelled']));
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { each: ['kept', null] } });
    expect(await bench.fermata.runtime.approvals({ limit: 9 })).toMatchObject([{ status: 'cancelled' }]);
  });

  it('hears what a task publishes, and does not stop who publishes it', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'a', cancelWhen: 'shared.found', outputs: { shared: { found: 'true' } } },
        { name: 'b', cancelWhen: 'shared.found', outputs: { shared: { found: 'true' } } },
      ],
    });
    await bench.complete('b', 'mine');
    expect(await bench.statuses(run)).toEqual({ a: 'cancelled', b: 'completed' });
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('stops the very function that writes it, once it has', async () => {
    const run = await bench.start({ tasks: [{ name: 'writes', cancelWhen: stop }] });
    const written = bench.call('writes').context.shared.set('enough', true);
    await bench.settle();
    expect(await written, 'it has written').toEqual({ revision: 1 });
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toEqual({ writes: 'cancelled' });
  });

  it('that cannot be told fails its task, whenever that is', async () => {
    const tasks = [
      { name: 'writes' },
      { name: 'live', cancelWhen: 'shared.enough > 1' },
      { name: 'field', cancelWhen: 'shared.enough.missing' },
      { name: 'later', dependsOn: ['writes'], cancelWhen: 'shared.enough > 1' },
    ];
    const run = await bench.start({ config: { breadth: 3, onTaskFailure: 'continue' }, tasks });
    await write('text');
    await bench.complete('writes');
    expect(await bench.statuses(run)).toEqual({
      writes: 'completed',
      live: 'failed',
      field: 'failed',
      later: 'failed',
    });
    const codes = (await factsOf(run, 'task_failed')).map(({ error }) => (error as { code: string }).code);
    expect(new Set(codes)).toEqual(new Set(['expressionFailed']));
  });

  it('stops hundreds, a page a turn, by the value that was written, whatever is written while they end', async () => {
    const COUNT = 350;
    const run = await bench.start({
      config: { breadth: 9 },
      tasks: [
        { name: 'writes' },
        ...Array.from({ length: COUNT }, (_, n) => ({
          name: `w${n}`,
          kind: 'wait',
          event: { type: 'x' },
          cancelWhen: stop,
        })),
        // In the same cascade, before the others are told.
        {
          name: 'takes back',
          kind: 'condition',
          if: 'true',
          then: [],
          dependsOn: ['w7'],
          outputs: { shared: { enough: false } },
        },
      ],
    });
    await write(true);
    expect((await bench.read(run)).counts).toMatchObject({ cancelled: COUNT, completed: 1 });
    expect(await shared(run)).toEqual({ enough: false });
    expect(new Set((await factsOf(run, 'task_cancelled')).map(({ task }) => task)).size).toBe(COUNT);
    const journal = await bench.fermata.runtime.journal(run, { limit: 10_000, kind: 'event' });
    const turns = journal.filter(({ type }) => type === 'fermata.shared.written');
    const told = turns.flatMap(
      ({ data }) => (data as { prepared?: { stops: unknown[] } }).prepared?.stops.length ?? [],
    );
    expect(told).toEqual([100, 100, 100, 50]);
    await bench.complete('writes');
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('is asked again after a restart', async () => {
    const run = await bench.start({ tasks: [{ name: 'writes' }, { name: 'slow', cancelWhen: stop }] });
    await bench.restart();
    await write(true);
    await bench.complete('writes');
    expect(await bench.statuses(run)).toEqual({ writes: 'completed', slow: 'cancelled' });
  });
});

describe('a function', () => {
  const of = (task: string) => bench.call(task).context.shared;
  const done = async <Value>(work: Promise<Value>): Promise<Value> => {
    work.catch(() => {});
    await bench.settle();
    return work;
  };

  it('reads, writes and updates; each write has the next revision', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }] });
    expect(await of('a').get('k')).toBeUndefined();
    expect(await of('a').entry('k')).toEqual({ value: undefined, revision: 0 });
    expect(await done(of('a').set('k', { n: 1 }))).toEqual({ revision: 1 });
    expect(await of('a').get('k')).toEqual({ n: 1 });
    expect(await done(of('a').update<{ n: number }>('k', (value) => ({ n: (value?.n ?? 0) + 1 })))).toEqual({ n: 2 });
    expect(await of('a').entry('k')).toMatchObject({ value: { n: 2 }, revision: 2 });
    await bench.complete('a');
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('S2: of two that write over one revision the first wins, and the other is told what there is', async () => {
    await bench.start({ tasks: [{ name: 'a' }, { name: 'b' }] });
    const both = [of('a').set('k', 'a', { revision: 0 }), of('b').set('k', 'b', { revision: 0 })];
    const settled = Promise.allSettled(both);
    await bench.settle();
    expect(await settled).toEqual([
      { status: 'fulfilled', value: { revision: 1 } },
      {
        status: 'rejected',
        reason: expect.objectContaining({
          code: 'sharedConflict',
          retry: 'backoff',
          message: expect.stringContaining('over revision 0, and it has revision 1') as string,
        }) as unknown,
      },
    ]);
    expect(await done(of('b').set('k', 'b', { revision: 1 }))).toEqual({ revision: 2 });
    await bench.complete('a');
    await bench.complete('b');
  });

  it('S2: 20 updates at once lose none', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `t${n}`);
    const run = await bench.start({ config: { breadth: 20 }, tasks: names.map((name) => ({ name })) });
    const updates = Promise.all(names.map((name) => of(name).update<number>('n', (n = 0) => n + 1)));
    for (let turn = 0; (await shared(run))['n'] !== 20 && turn < 500; turn++) await bench.settle();
    expect((await updates).toSorted((a, b) => a - b)).toEqual(names.map((_, n) => n + 1));
    for (const name of names) await bench.complete(name);
  });

  it('S3: a write of a call that is repeated after a crash is not done twice, and answers as it did', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b' }] });
    expect(await done(of('a').set('k', 'first'))).toEqual({ revision: 1 });
    expect(await done(of('a').update<number>('n', (n = 0) => n + 1))).toBe(1);
    await done(of('b').set('k', 'later'));
    await done(of('b').update<number>('n', (n = 0) => n + 1));
    await bench.restart();
    expect(await done(of('a').set('k', 'changed meanwhile'))).toEqual({ revision: 1 });
    expect(await done(of('a').update<number>('n', (n = 0) => n + 1))).toBe(1);
    expect(await shared(run)).toEqual({ k: 'later', n: 2 });
    expect(await done(of('a').set('k', 'second')), 'its second write is another one').toEqual({ revision: 3 });
    expect(await factsOf(run, 'shared_changed')).toHaveLength(5);
    await bench.complete('a');
    await bench.complete('b');
  });

  it('a new attempt writes anew', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', maxRetries: 1 }] });
    await done(of('a').set('k', 1));
    await bench.fail('a');
    await bench.advance(60);
    expect(await done(of('a').set('k', 2))).toEqual({ revision: 2 });
    await bench.complete('a');
    expect(await shared(run)).toEqual({ k: 2 });
  });

  it('hears of changes after their commit, until it stops listening or ends', async () => {
    await bench.start({ tasks: [{ name: 'a' }, { name: 'b' }] });
    const heard: unknown[] = [];
    const stop = of('a').subscribe('k', ({ value, revision, by }) => void heard.push([value, revision, by]));
    of('a').subscribe('k', () => {
      throw new Error('a listener that throws harms nobody');
    });
    await done(of('b').set('k', 1));
    await done(of('b').set('other', 1));
    expect(heard).toEqual([[1, 1, 'b']]);
    stop();
    of('a').subscribe('k', ({ value }) => void heard.push(value));
    await done(of('b').set('k', 2));
    await bench.complete('a');
    await done(of('b').set('k', 3));
    expect(heard).toEqual([[1, 1, 'b'], 2]);
    await bench.complete('b');
  });

  it.each([
    ['', /expected 1 to 200 characters/],
    ['x'.repeat(201), /expected 1 to 200 characters/],
    ['a\nb', /none of them a control character/],
    ['__proto__', /not "__proto__"/],
  ])('is refused a key %j', async (key, message) => {
    await bench.start({ tasks: [{ name: 'a' }] });
    await expect(of('a').set(key, 1)).rejects.toMatchObject({
      code: 'codeRefused',
      message: expect.stringMatching(message) as string,
    });
    await expect(of('a').get(key)).rejects.toMatchObject({ code: 'codeRefused' });
    await bench.complete('a');
  });

  it('is refused what is no JSON, a revision that is none, and whatever comes after its end', async () => {
    await bench.start({ tasks: [{ name: 'a' }] });
    const kept = of('a');
    await expect(kept.set('k', undefined)).rejects.toMatchObject({ code: 'codeRefused' });
    await expect(kept.set('k', () => 1)).rejects.toThrow(/value/);
    await expect(kept.set('k', 1, { revision: -1 })).rejects.toMatchObject({ code: 'codeRefused' });
    await bench.complete('a');
    await expect(kept.set('k', 1)).rejects.toMatchObject({
      code: 'codeRefused',
      message: expect.stringContaining('after its end') as string,
    });
  });

  it('that adds tasks shares as well', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', onComplete: { addTasks: 'work' } }] });
    await bench.complete('a', 'out');
    await done(of('a').set('k', 1));
    await bench.complete('a', [{ name: 'new', kind: 'code', function: 'echo', input: { k: 'shared.k' } }]);
    await bench.settle();
    expect((await bench.read(run)).output).toMatchObject({ new: { k: 1 } });
  });
});
