/** Sub-workflows and work in rounds that did not come to an end go on from where they were: in a fork, and at the next attempt. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';
import type { RunView } from '../../src/runtime/runtime.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.openHolding();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', maxRetries: 0, ...more });
const inner = { name: 'inner', tasks: [work('a'), work('b', { dependsOn: ['a'] }), work('c', { dependsOn: ['b'] })] };
const phase = (more: object = {}) => ({ name: 'phase', kind: 'subworkflow', workflow: inner, ...more });
const retry = { point: { retry: true } } as const;

/** The calls since this was asked the last time. */
function news(): string[] {
  return bench.began.splice(0);
}

async function lastChild(run: string): Promise<RunView> {
  const [newest] = await bench.fermata.runtime.list({ parent: run, limit: 1 });
  return bench.read(newest?.runId ?? '');
}

/** The runs from which one takes over, nearest first. */
function ancestors({ fork }: RunView): string[] {
  const { layers = [] } = (fork ?? {}) as { readonly layers?: readonly { readonly run: string }[] };
  return layers.map(({ run }) => run);
}

/** Tells which run is asked for, before it is. */
function watchingReads(asked: (store: Store, run: unknown) => void): (store: Store) => Store {
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...given: unknown[]): unknown => {
          asked(store, (given[0] as { readonly run?: unknown } | undefined)?.run);
          return Reflect.apply(method, target, given);
        };
      },
    });
}

describe('a fork of a run whose sub-workflow failed', () => {
  it('forks that run too: what it has found is not worked out again', async () => {
    const run = await bench.start({ tasks: [phase({ maxRetries: 0 }), work('last', { dependsOn: ['phase'] })] });
    await bench.complete('a');
    await bench.complete('b');
    await bench.fail('c');
    const failed = await lastChild(run);
    expect([(await bench.read(run)).status, failed.status]).toEqual(['failed', 'failed']);
    expect(news()).toEqual(['a', 'b', 'c']);
    const again = await bench.fork(run, retry);
    const child = await lastChild(again);
    expect(child).toMatchObject({ parent: { run: again, task: 'phase', attempt: 1, depth: 1 }, input: failed.input });
    expect(ancestors(child)).toEqual([failed.runId]);
    await bench.complete('c', 'at last');
    await bench.complete('last', 'end');
    expect(news()).toEqual(['c', 'last']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
    const begun = (await bench.facts(again)).find(({ type }) => type === 'child_run_started');
    expect(begun?.data).toMatchObject({ childRunId: child.runId, forkedFrom: failed.runId });
    const row = await bench.fermata.runtime.task(child.runId, 'a');
    expect(JSON.parse(row?.detailJson ?? '{}')).toMatchObject({ reused: { runId: failed.runId } });
  });

  it('however deep', async () => {
    const middle = { name: 'middle', tasks: [work('m'), phase({ name: 'low', dependsOn: ['m'], maxRetries: 0 })] };
    const tasks = [work('first'), phase({ workflow: middle, dependsOn: ['first'], maxRetries: 0 })];
    const run = await bench.start({ tasks });
    for (const task of ['first', 'm', 'a']) await bench.complete(task);
    await bench.fail('b');
    news();
    const again = await bench.fork(run, retry);
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    await bench.complete('c', 'end');
    expect(news()).toEqual(['b', 'c']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
  });

  it('also in a fork of a fork that was over before its turn came', async () => {
    const config = { breadth: 1, onTaskFailure: 'continue' };
    const run = await bench.start({ config, tasks: [work('slow'), phase({ maxRetries: 0 })] });
    await bench.fail('slow');
    await bench.complete('a');
    await bench.fail('b');
    const between = await bench.fork(run, retry);
    expect(bench.running).toEqual(['slow']);
    await bench.fermata.runtime.cancel(between);
    await bench.settle();
    news();
    const again = await bench.fork(between, retry);
    for (const task of ['slow', 'b', 'c']) await bench.complete(task);
    expect(news()).toEqual(['slow', 'b', 'c']);
    expect((await bench.read(again)).status).toBe('completed');
  });

  it('begins anew where it should: at the task itself, at a fact, with another input, with another version', async () => {
    const { workflows } = bench.fermata;
    const { id } = await workflows.create({ ...inner, input: { type: 'object' } });
    const run = await bench.start({
      tasks: [work('before'), phase({ workflow: 'inner', input: { q: '{{ tasks.before.output }}' }, maxRetries: 0 })],
    });
    await bench.complete('before', 'x');
    await bench.complete('a');
    await bench.fail('b');
    const points = [
      { point: { fromTask: 'phase' } },
      { point: { atSeq: (await bench.facts(run)).length } },
      { point: { fromTask: 'phase' }, edits: { before: { output: 'y' } } },
    ] as const;
    for (const request of points) {
      const anew = await bench.fork(run, request);
      expect(bench.running, JSON.stringify(request)).toEqual(['a']);
      expect(ancestors(await lastChild(anew))).toEqual([]);
      await bench.fermata.runtime.cancel(anew);
      await bench.settle();
    }
    const same = await bench.fork(run, { point: { retry: true }, edits: { before: { output: 'x' } } });
    // Given by hand, though it is the same: what depends on it runs anew, here as everywhere.
    expect(bench.running).toEqual(['a']);
    await bench.fermata.runtime.cancel(same);
    await bench.settle();
    await workflows.addVersion(id, { ...inner, input: { type: 'object' } });
    const newer = await bench.fork(run, retry);
    expect(await lastChild(newer)).toMatchObject({ workflow: { version: 2 } });
    expect(bench.running).toEqual(['a']);
    await bench.fermata.runtime.cancel(newer);
  });

  it('for each item of a map by itself', async () => {
    const task = { kind: 'subworkflow', workflow: inner, input: { of: '{{ item }}' }, maxRetries: 0 };
    const run = await bench.start({ tasks: [{ name: 'each', kind: 'map', items: '[1, 2]', task }] });
    await bench.complete('a');
    await bench.complete('a');
    for (const part of ['b', 'c']) await bench.complete(part);
    await bench.fail('b');
    expect((await bench.read(run)).status).toBe('failed');
    news();
    const again = await bench.fork(run, retry);
    await bench.complete('b');
    await bench.complete('c', 'end');
    expect(news()).toEqual(['b', 'c']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: ['c done', 'end'] });
  });

  it('begins anew where the run was deleted meanwhile', async () => {
    const run = await bench.start({ tasks: [phase({ maxRetries: 0 })] });
    await bench.complete('a');
    await bench.fail('b');
    await bench.fermata.runtime.delete((await lastChild(run)).runId);
    await bench.fork(run, retry);
    expect(bench.running).toEqual(['a']);
    await bench.fermata.runtime.cancel((await bench.fermata.runtime.list({ limit: 2 }))[1]?.runId ?? '');
    await bench.settle();
  });

  it('asks again what a person refused there', async () => {
    const asks = { name: 'asks', tasks: [work('a'), work('b', { dependsOn: ['a'], requiresApproval: true })] };
    const run = await bench.start({ tasks: [phase({ workflow: asks })] });
    await bench.complete('a');
    await bench.decide((await lastChild(run)).runId, 'b', false);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'childRunFailed' } });
    expect(await bench.fermata.runtime.list({ parent: run, limit: 9 })).toHaveLength(1);
    const again = await bench.fork(run, retry);
    await bench.decide((await lastChild(again)).runId, 'b', true);
    await bench.complete('b', 'end');
    expect(news()).toEqual(['a', 'b']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
  });
});

describe('another attempt of a sub-workflow', () => {
  it('goes on from where the failed run was; three of them where nothing is said', async () => {
    const run = await bench.start({ tasks: [phase()] });
    await bench.complete('a');
    for (let attempt = 1; attempt <= 4; attempt++) {
      await bench.fail('b');
      await bench.advance(10);
    }
    expect(news()).toEqual(['a', 'b', 'b', 'b', 'b']);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'childRunFailed' } });
    const children = await bench.fermata.runtime.list({ parent: run, limit: 9 });
    const found = await Promise.all(children.toReversed().map(({ runId }) => bench.read(runId)));
    const ids = found.map(({ runId }) => runId);
    expect(found.map(ancestors)).toEqual([[], [ids[0]], [ids[1], ids[0]], [ids[2], ids[1], ids[0]]]);
    // And so does a run that tries again.
    const again = await bench.fork(run, retry);
    await bench.complete('b');
    await bench.complete('c', 'end');
    expect(news()).toEqual(['b', 'c']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
  });

  it('goes on, or begins anew, where the failed run is deleted in that very moment, at whatever read of it', async () => {
    let deleted = true;
    for (let at = 1; deleted; at++) {
      const run = await bench.start({ tasks: [phase()] });
      await bench.complete('a');
      await bench.fail('b');
      const failed = (await lastChild(run)).runId;
      deleted = false;
      let reads = 0;
      bench.wrap = watchingReads((store, of) => {
        if (of !== failed || ++reads !== at) return;
        deleted = true;
        void store.deleteRun({ tenant: 'default', run: failed }).catch(() => {});
      });
      await bench.restart();
      await bench.advance(100);
      if (bench.running.length === 0) await bench.advance(100);
      const parts = bench.running[0] === 'b' ? ['b', 'c'] : ['a', 'b', 'c'];
      for (const part of parts) await bench.complete(part);
      expect(await bench.read(run), `deleted at read ${at}`).toMatchObject({ status: 'completed' });
    }
  });

  it('is one of the level next to the failure, and of no other', async () => {
    const middle = { name: 'middle', tasks: [phase({ name: 'low', maxRetries: 1 })] };
    const run = await bench.start({ tasks: [phase({ workflow: middle })] });
    await bench.fail('a');
    await bench.advance(10);
    await bench.fail('a');
    await bench.advance(100);
    expect(news()).toEqual(['a', 'a']);
    expect((await bench.read(run)).status).toBe('failed');
  });

  it('survives that the process ends between two attempts', async () => {
    const run = await bench.start({ tasks: [phase()] });
    await bench.complete('a');
    await bench.fail('b');
    await bench.restart();
    await bench.advance(10);
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    await bench.complete('c', 'end');
    expect(news()).toEqual(['a', 'b', 'b', 'c']);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end' });
  });
});

describe('depth', () => {
  /** Runs that are below one another: by name and inline in turn, down to one that has no other below it. */
  const nest = (levels: number): object =>
    levels === 0
      ? { name: 'leaf', tasks: [work('a')] }
      : { name: `level ${levels}`, tasks: [phase({ workflow: nest(levels - 1), maxRetries: 0 })] };

  it('counts the same in a fork, and 8 is the last that goes: by name and inline in turn', async () => {
    const { workflows } = bench.fermata;
    await workflows.create({ name: 'low', tasks: [phase({ workflow: nest(3), maxRetries: 0 })] });
    const tasks = (name: string) => [
      phase({ workflow: { name: 'x', tasks: [phase({ workflow: name, maxRetries: 0 })] } }),
    ];
    // Below the run: x, its named one, level 3, 2, 1, leaf are six deep.
    await workflows.create({ name: 'seven', tasks: [phase({ workflow: 'low', maxRetries: 0 })] });
    await workflows.create({ name: 'eight', tasks: [phase({ workflow: 'seven', maxRetries: 0 })] });
    await workflows.create({ name: 'nine', tasks: [phase({ workflow: 'eight', maxRetries: 0 })] });
    const deepest = await bench.start({ tasks: tasks('eight') });
    const depth = async (): Promise<number> =>
      Math.max(...(await bench.fermata.runtime.list({ limit: 100 })).map(({ parent }) => parent?.depth ?? 0));
    expect([bench.running, await depth()]).toEqual([['a'], 8]);
    await bench.fail('a', new FermataError('modelRefused', 'no'));
    expect((await bench.read(deepest)).status).toBe('failed');
    const again = await bench.fork(deepest, retry);
    expect([bench.running, await depth()]).toEqual([['a'], 8]);
    await bench.complete('a', 'end');
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
    const over = await bench.start({ tasks: tasks('nine') });
    expect(await bench.read(over)).toMatchObject({ status: 'failed', reason: { code: 'childRunFailed' } });
    const overAgain = await bench.fork(over, retry);
    expect((await bench.read(overAgain)).reason?.message).toContain('let a condition end the recursion');
    expect([bench.running, await depth()]).toEqual([[], 8]);
  });
});

describe('work in rounds', () => {
  const goal = { name: 'g', kind: 'planExecuteReflect', goal: 'Find it', maxRetries: 0 };
  const plan = (...names: string[]) => ({ tasks: names.map((name) => ({ name, prompt: `Do ${name}` })) });
  const notDone = { done: false, answer: null, next: 'more' };
  const done = { done: true, answer: null, next: null };

  async function failedAtReflection(): Promise<string> {
    const run = await bench.start({ tasks: [goal, work('last', { dependsOn: ['g'] })] });
    await bench.complete('g.plan 1', plan('x', 'y'));
    await bench.complete('g.1.x', 'X');
    await bench.complete('g.1.y', 'Y');
    await bench.complete('g.reflect 1', notDone);
    await bench.complete('g.plan 2', plan('z'));
    await bench.complete('g.2.z', 'Z');
    await bench.fail('g.reflect 2');
    expect((await bench.read(run)).status).toBe('failed');
    news();
    return run;
  }

  it('goes on with the part that failed: those before it are taken over', async () => {
    const run = await failedAtReflection();
    const again = await bench.fork(run, retry);
    expect(bench.running).toEqual(['g.reflect 2']);
    const { prompt } = bench.call('g.reflect 2').input as { readonly prompt: string };
    expect(prompt).toContain('## z (round 2, completed)\nAsked: Do z\nResult: Z');
    await bench.complete('g.reflect 2', done);
    await bench.complete('g.answer', 'found');
    await bench.complete('last', 'end');
    expect(news()).toEqual(['g.reflect 2', 'g.answer', 'last']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'end' });
    const of = (await bench.facts(again)).filter(({ type }) => type === 'task_completed').map(({ data }) => data);
    expect(of.find(({ task }) => task === 'g.1.x')).toMatchObject({ reused: { runId: run } });
  });

  it('runs one part anew, and what came after it: others of its plan that do not need it are taken over', async () => {
    const run = await failedAtReflection();
    await bench.fork(run, { point: { fromTask: 'g.1.x' } });
    expect(bench.running).toEqual(['g.1.x']);
    await bench.complete('g.1.x', 'X2');
    expect(bench.running).toEqual(['g.reflect 1']);
    await bench.complete('g.reflect 1', done);
    await bench.complete('g.answer', 'found');
    await bench.complete('last');
    expect(news()).toEqual(['g.1.x', 'g.reflect 1', 'g.answer', 'last']);
  });

  it('begins with the values that the parts have shared which it takes over', async () => {
    const run = await bench.start({ tasks: [{ ...goal, allow: { functions: ['work'], shared: ['found', 'lost'] } }] });
    const code = (name: string) => ({ name, kind: 'code', function: 'work', input: {} });
    await bench.complete('g.plan 1', { tasks: [code('x'), code('y')] });
    await bench.call('g.1.x').context.shared.set('found', 7);
    await bench.call('g.1.y').context.shared.set('lost', 8);
    await bench.complete('g.1.x');
    await bench.complete('g.1.y');
    await bench.fail('g.reflect 1');
    const both = await bench.fork(run, retry);
    const one = await bench.fork(run, { point: { fromTask: 'g.1.y' } });
    const anew = await bench.fork(run, { point: { fromTask: 'g' } });
    const shared = async (of: string): Promise<unknown[]> =>
      Promise.all(['found', 'lost'].map(async (key) => (await bench.fermata.runtime.sharedValue(of, key))?.value));
    expect([await shared(both), await shared(one), await shared(anew)]).toEqual([
      [7, 8],
      [7, undefined],
      [undefined, undefined],
    ]);
    for (const fork of [both, one, anew]) await bench.fermata.runtime.cancel(fork);
    await bench.settle();
  });

  it('begins from its first plan where the task itself is forked, or needs something that is', async () => {
    const run = await failedAtReflection();
    const fork = await bench.fork(run, { point: { fromTask: 'g' } });
    expect(bench.running).toEqual(['g.plan 1']);
    await bench.fermata.runtime.cancel(fork);
    await bench.settle();
  });

  it('asks again for a part that failed where a reflection had judged it, and for all that came after', async () => {
    const run = await bench.start({ tasks: [goal] });
    await bench.complete('g.plan 1', plan('x', 'y'));
    await bench.complete('g.1.x', 'X');
    await bench.fail('g.1.y');
    await bench.complete('g.reflect 1', notDone);
    await bench.fail('g.plan 2');
    news();
    await bench.fork(run, retry);
    expect(bench.running).toEqual(['g.1.y']);
    await bench.complete('g.1.y', 'Y');
    await bench.complete('g.reflect 1', done);
    await bench.complete('g.answer', 'found');
    expect(news()).toEqual(['g.1.y', 'g.reflect 1', 'g.answer']);
  });
});

describe('what ends at once, because it is known or skipped', () => {
  const goal = { name: 'g', kind: 'planExecuteReflect', goal: 'Find it', maxRetries: 0 };

  it('is told once: the levels of a tree', async () => {
    const echo = { kind: 'code', function: 'echo', input: { v: 'item' } };
    const run = await bench.start({
      tasks: [
        { name: 'list', kind: 'map', items: '[1, 2, 3, 4]', task: echo },
        {
          name: 'all',
          kind: 'reduce',
          dependsOn: ['list'],
          prompt: 'Join {{ tasks.list.output }}',
          arity: 2,
          maxRetries: 0,
        },
      ],
    });
    await bench.complete('all[0]', 'ab');
    await bench.complete('all[1]', 'cd');
    await bench.fail('all[2]');
    expect((await bench.read(run)).status).toBe('failed');
    news();
    const again = await bench.fork(run, retry);
    await bench.complete('all[2]', 'abcd');
    expect(news()).toEqual(['all[2]']);
    expect(await bench.read(again)).toMatchObject({ status: 'completed', output: 'abcd', counts: { total: 5 } });
  });

  it('is told once: the tasks of a plan', async () => {
    const run = await bench.start({ tasks: [goal] });
    const never = (name: string) => ({ name, prompt: 'Never', when: 'false' });
    await bench.complete('g.plan 1', { tasks: [never('x'), never('y')] });
    expect(bench.running).toEqual(['g.reflect 1']);
    await bench.complete('g.reflect 1', { done: true, answer: 'none', next: null });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'none' });
  });
});
