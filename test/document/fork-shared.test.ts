/** Forks begin with what those tasks shared that they take over: the values and revisions as of their point. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const of = (task: string) => bench.call(task).context.shared;
const write = async (task: string, key: string, value: unknown): Promise<void> => {
  const written = of(task).set(key, value);
  await bench.settle();
  await written;
};
const count = async (task: string): Promise<number> => {
  const written = of(task).update<number>('n', (n = 0) => n + 1);
  await bench.settle();
  return written;
};
/** What a run shares: `value (revision) by task`, and where it was written if not here. */
const shared = async (run: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await bench.fermata.runtime.sharedValues(run, { limit: 1_000 })).map(({ key, value, revision, by, reused }) => [
      key,
      `${JSON.stringify(value)} (${revision}) by ${by}${reused === undefined ? '' : ` in ${reused.runId}`}`,
    ]),
  );
const seqOf = async (run: string, type: string, about: object): Promise<number> =>
  (await bench.facts(run)).findIndex(
    (fact) => fact.type === type && Object.entries(about).every(([field, value]) => fact.data[field] === value),
  ) + 1;

/** `a`, then `b`, then `c`, each of which counts; each writes once and `c` says that it is enough. */
async function origin(): Promise<string> {
  const run = await bench.start({
    tasks: [
      { name: 'a' },
      { name: 'b', dependsOn: ['a'], outputs: { shared: { b: 'result' } } },
      { name: 'c', dependsOn: ['b'] },
      { name: 'slow', cancelWhen: 'shared.enough' },
    ],
  });
  await write('a', 'own', 'first');
  await count('a');
  await write('a', 'own', 'second');
  await bench.complete('a');
  await count('b');
  await bench.complete('b', { from: 'b' });
  await count('c');
  await write('c', 'own', 'third');
  await write('c', 'enough', true);
  await bench.complete('c');
  expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'completed', c: 'completed', slow: 'cancelled' });
  return run;
}

describe('a fork', () => {
  it('at a task begins without what that one wrote, and what depends on it', async () => {
    const run = await origin();
    const fork = await bench.fork(run, { point: { fromTask: 'c' } });
    expect(bench.running.toSorted(), 'nobody has said yet that it is enough').toEqual(['c', 'slow']);
    expect(await shared(fork)).toEqual({
      own: `"second" (2) by a in ${run}`,
      n: `2 (2) by b in ${run}`,
      b: `{"from":"b"} (1) by b in ${run}`,
    });
    const own = (await bench.fermata.runtime.sharedValue(fork, 'own'))?.reused?.seq;
    expect(own).toBe(await seqOf(run, 'shared_changed', { key: 'own', revision: 2 }));
    expect(await count('c')).toBe(3);
    await expect(of('c').set('own', 'x', { revision: 1 })).rejects.toMatchObject({ code: 'sharedConflict' });
    await bench.complete('c');
    await bench.complete('slow');
    expect((await shared(fork))['n']).toBe('3 (3) by c');
    const types = (await bench.story(fork)).slice(0, 5);
    expect(types).toEqual([
      'run_started',
      'shared_changed',
      'shared_changed',
      'shared_changed',
      expect.stringContaining('task_'),
    ]);
  });

  it('at a fact begins with what tasks wrote that had completed by then', async () => {
    const run = await origin();
    const afterA = await seqOf(run, 'task_completed', { task: 'a' });
    const written = await seqOf(run, 'shared_changed', { key: 'n', revision: 2 });
    const before = await bench.fork(run, { point: { atSeq: written } });
    expect(afterA).toBeLessThan(written);
    expect(await shared(before), 'b had not completed').toEqual({
      own: `"second" (2) by a in ${run}`,
      n: `1 (1) by a in ${run}`,
    });
    expect(await count('b')).toBe(2);
    const inside = await bench.fork(run, { point: { atSeq: afterA - 1 } });
    expect(await shared(inside)).toEqual({});
  });

  it('whose task publishes by what is shared does not count twice', async () => {
    const outputs = { shared: { n: 'shared.?n.orValue(0.0) + 1.0' } };
    const run = await bench.start({
      tasks: [
        { name: 'a', outputs },
        { name: 'each', kind: 'map', items: '[1, 2]', task: { kind: 'code', function: 'work', outputs } },
        { name: 'last', dependsOn: ['a', 'each'], outputs },
      ],
    });
    for (const task of ['a', 'each[0]', 'each[1]', 'last']) await bench.complete(task);
    const fork = await bench.fork(run, { point: { fromTask: 'last' } });
    expect(bench.running).toEqual(['last']);
    expect((await shared(fork))['n']).toBe(`3 (3) by each[1] in ${run}`);
    await bench.complete('last');
    expect((await shared(fork))['n']).toBe('4 (4) by last');
    const item = await bench.fork(run, { point: { fromTask: 'each[1]' } });
    expect((await shared(item))['n'], 'that of the item is not taken over').toBe(`2 (2) by each[0] in ${run}`);
    await bench.complete('each[1]');
    await bench.complete('last');
    expect((await shared(item))['n']).toBe('4 (4) by last');
  });

  it('of a fork goes back to the run behind it for what the nearer one wrote over', async () => {
    const run = await origin();
    const first = await bench.fork(run, { point: { fromTask: 'c' } });
    await count('c');
    await bench.complete('c');
    await bench.complete('slow');
    const second = await bench.fork(first, { point: { fromTask: 'b' } });
    expect(await shared(second)).toEqual({ own: `"second" (2) by a in ${run}`, n: `1 (1) by a in ${run}` });
    await bench.complete('b');
    await bench.complete('c');
    const third = await bench.fork(first, { point: { fromTask: 'slow' } });
    expect(await shared(third)).toEqual({
      own: `"second" (2) by a in ${run}`,
      n: `3 (3) by c in ${first}`,
      b: `{"from":"b"} (1) by b in ${run}`,
    });
    await bench.complete('slow');
    const early = await bench.fork(first, { point: { atSeq: 0 } });
    expect(await shared(early), 'where the fork itself began').toEqual({
      own: `"second" (2) by a in ${run}`,
      n: `2 (2) by b in ${run}`,
      b: `{"from":"b"} (1) by b in ${run}`,
    });
  });

  it('that tries again begins without what the failed task wrote', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b', dependsOn: ['a'], maxRetries: 0 }] });
    await count('a');
    await bench.complete('a');
    await count('b');
    await bench.fail('b');
    const retry = await bench.fork(run, { point: { retry: true } });
    expect(await shared(retry)).toEqual({ n: `1 (1) by a in ${run}` });
    await bench.complete('b');
  });

  it('with an edited output publishes that, and has nothing of what depended on it', async () => {
    const run = await origin();
    const fork = await bench.fork(run, { point: { fromTask: 'c' }, edits: { b: { output: 'mine' } } });
    expect(await shared(fork)).toEqual({
      own: `"second" (2) by a in ${run}`,
      n: `1 (1) by a in ${run}`,
      b: '"mine" (1) by b',
    });
  });

  it('takes over nothing of what is written after it, where its origin goes on', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b', dependsOn: ['a'] }] });
    await count('a');
    await bench.complete('a');
    await count('b');
    const fork = await bench.fork(run, { point: { fromTask: 'b' } });
    expect(await shared(fork)).toEqual({ n: `1 (1) by a in ${run}` });
  });

  it('takes over what a task wrote that another one had added', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'a', onComplete: { addTasks: 'fromOutput' } },
        { name: 'end', dependsOn: ['a'] },
      ],
    });
    const call = { kind: 'code', function: 'work' };
    await bench.complete('a', {
      tasks: [
        { name: 'x', ...call },
        { name: 'y', ...call, dependsOn: ['x'] },
      ],
    });
    await count('x');
    await bench.complete('x');
    await count('y');
    await bench.complete('y');
    await bench.complete('end');
    expect(await shared(await bench.fork(run, { point: { fromTask: 'end' } }))).toEqual({ n: `2 (2) by y in ${run}` });
    expect(await shared(await bench.fork(run, { point: { fromTask: 'y' } }))).toEqual({ n: `1 (1) by x in ${run}` });
    expect(await shared(await bench.fork(run, { point: { fromTask: 'a' } }))).toEqual({});
  });

  it('looks for a value behind 600 later ones, and for its writer behind 600 tasks, in slices', async () => {
    const many = Array.from({ length: 600 }, (_, n) => `c${n}`);
    const run = await bench.start({
      config: { breadth: 100 },
      tasks: [
        ...many.map((name) => ({ name, kind: 'condition', if: 'true', then: [] })),
        { name: 'a', dependsOn: many },
        { name: 'b', dependsOn: ['a'] },
      ],
    });
    await write('a', 'k', 'mine');
    await bench.complete('a');
    const writes = Promise.all(many.map((value) => of('b').set('k', value)));
    await bench.settle();
    expect((await writes).length).toBe(600);
    await bench.complete('b');
    const fork = await bench.fork(run, { point: { fromTask: 'b' } });
    expect(await shared(fork)).toEqual({ k: `"mine" (1) by a in ${run}` });
    expect(bench.running).toEqual(['b']);
    const anew = await bench.fork(run, { point: { fromTask: 'c7' } });
    expect(await shared(anew)).toEqual({});
  });

  it('begins with 1,234 values, page by page, before a task of it does', async () => {
    const values = Object.fromEntries(Array.from({ length: 1_234 }, (_, n) => [`k${n}`, n]));
    const run = await bench.start({
      tasks: [
        { name: 'a', outputs: { shared: { ...values, big: 'result' } } },
        { name: 'b', dependsOn: ['a'] },
        { name: 'root' },
      ],
    });
    const big = 'ä'.repeat(1_000_000);
    await bench.complete('a', big);
    await bench.complete('b');
    await bench.complete('root');
    const fork = await bench.fork(run, { point: { fromTask: 'root' } });
    const types = (await bench.facts(fork)).map(({ type }) => type);
    expect(types.lastIndexOf('shared_changed')).toBeLessThan(types.findIndex((type) => type.startsWith('task_')));
    expect(types.filter((type) => type === 'shared_changed')).toHaveLength(1_235);
    await bench.complete('root');
    await bench.fermata.runtime.delete(run);
    expect((await bench.fermata.runtime.sharedValue(fork, 'big'))?.value, 'the origin is gone').toBe(big);
    expect((await bench.fermata.runtime.sharedValue(fork, 'k1233'))?.value).toBe(1_233);
  });
});

describe('forks of forks, with edits in between', () => {
  const NAMES = ['a', 'b', 'c', 'd'];
  const resultsOf = async (run: string): Promise<ReadonlyMap<unknown, unknown>> =>
    new Map(
      (await bench.facts(run)).flatMap(({ type, data }) =>
        type === 'task_completed' ? [[data['task'], data['result']] as const] : [],
      ),
    );
  /** Lives a run to its end. Whichever task runs sees what the one before it gave in this very run. */
  const live = async (run: string): Promise<void> => {
    for (let task = bench.running[0]; task !== undefined; task = bench.running[0]) {
      const before = NAMES[NAMES.indexOf(task) - 1];
      const seen = await of(task).get('k');
      expect(seen, `what ${task} of ${run} sees`).toEqual((await resultsOf(run)).get(before));
      await bench.complete(task, `${task} of ${run}`);
    }
    expect((await bench.read(run)).status).toBe('completed');
    expect((await bench.fermata.runtime.sharedValue(run, 'k'))?.value).toEqual((await resultsOf(run)).get('d'));
  };

  it('begin with what the task before their point gave, whoever gave it', async () => {
    const step = fc.record({
      of: fc.nat(5),
      at: fc.oneof(fc.constantFrom(...NAMES), fc.nat(20)),
      edit: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 6 }), async (steps) => {
        const tasks = NAMES.map((name, at) => ({
          name,
          dependsOn: NAMES.slice(Math.max(0, at - 1), at),
          outputs: { shared: { k: 'result' } },
        }));
        const runs = [await bench.start({ tasks })];
        await live(runs[0] ?? '');
        for (const { of: which, at, edit } of steps) {
          const from = runs[which % runs.length] ?? '';
          const { facts } = await bench.read(from);
          const point = typeof at === 'string' ? { fromTask: at } : { atSeq: at % (facts + 1) };
          const edits = edit === undefined ? {} : { edits: { [edit]: { output: `given in fork ${runs.length}` } } };
          runs.push(await bench.fork(from, { point, ...edits }));
          await live(runs.at(-1) ?? '');
        }
      }),
      // What a failure leaves would run on beside smaller ones.
      { numRuns: 8, seed: 77, endOnFailure: true },
    );
  });
});
