/**
 * The task machine on the real runtime: every simple path from its beginning to an end (attempts capped at 2), and what it
 * takes without leaving its state. Each title is a path. Together they take every transition of the machine.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taskMachine } from '../../machines/task.ts';
import { Workbench } from '../harness/documents.ts';
import { startRawModelServer, type RawModelServer } from '../harness/raw-model-server.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';
import { pathsOf, type TaskPath } from './task-paths.ts';
import { codeCaller, expectSettled, modelCaller, waiter, walkTask } from './task-walk.ts';

let server: RawModelServer;
let bench: Workbench;
const taken = new TransitionsTaken();

beforeAll(async () => {
  server = await startRawModelServer(() => {});
  bench = await Workbench.open({ openai: { apiKey: 'none', baseUrl: server.baseUrl } });
});
afterAll(async () => {
  await bench.close();
  await server.stop();
});

/** A crash is the dear part of a walk, and the same for both kinds of call: those of models are in the soak. */
const withoutCrash = (paths: readonly TaskPath[]): readonly TaskPath[] =>
  paths.filter(({ steps }) => steps.every(({ step }) => step.event.type !== 'fermata.inDoubt'));

describe.each([
  { calls: 'code', approval: true, paths: pathsOf({ calls: 'code', approval: true }) },
  { calls: 'model', approval: true, paths: withoutCrash(pathsOf({ calls: 'model', approval: true })) },
  { calls: 'model', approval: false, paths: withoutCrash(pathsOf({ calls: 'model', approval: false })) },
] as const)('a task with a call of $calls, approval: $approval', ({ paths, ...kind }) => {
  for (const path of paths)
    it(path.title, async () => {
      const caller = kind.calls === 'code' ? codeCaller(bench) : modelCaller(bench, server);
      const run = await walkTask(bench, caller, kind, path);
      await taken.note(bench.fermata.runtime, run);
    });
});

describe.each([
  { calls: 'time', approval: true },
  { calls: 'missedTime', approval: false, onTimeout: 'fail' },
  { calls: 'missedTime', approval: false, onTimeout: 'continue' },
  { calls: 'event', approval: true, onTimeout: 'continue' },
  { calls: 'event', approval: false, onTimeout: 'skip' },
] as const)('a task that waits for: $calls, approval: $approval, onTimeout: $onTimeout', (kind) => {
  for (const path of pathsOf(kind))
    it(path.title, async () => {
      const run = await walkTask(bench, waiter(kind), kind, path);
      await taken.note(bench.fermata.runtime, run);
    });
});

describe('a task stays where it is, and ends', () => {
  const walk = async (task: object, events: (run: string) => Promise<void>, more: readonly object[] = []) => {
    const run = await bench.start({ tasks: [{ name: 'stays', ...task }, ...more] });
    await events(run);
    await expectSettled(bench, run);
    await taken.note(bench.fermata.runtime, run);
    return bench.statuses(run);
  };

  it('when the call tells how far it is', async () => {
    const statuses = await walk({}, async () => {
      bench.call('stays').context.progress(50);
      await bench.complete('stays');
    });
    expect(statuses).toEqual({ stays: 'completed' });
  });

  it.each([
    ['answers', {}],
    ['fails', {}],
    ['answers', { onComplete: { addTasks: 'work' } }],
    ['fails', { onComplete: { addTasks: 'work' } }],
  ] as const)('when its function asks a model, which %s: %j', async (end, more) => {
    const statuses = await walk(more, async () => {
      if ('onComplete' in more) await bench.complete('stays');
      const model = modelCaller(bench, server);
      const asked = bench.call('stays').context.model({ prompt: 'Walk' });
      await model.called();
      await (end === 'answers' ? model.answer() : model.fail('never'));
      if (end === 'answers') expect(await asked).toMatchObject({ text: 'done' });
      else await expect(asked).rejects.toMatchObject({ code: 'modelRefused' });
      await bench.complete('stays', []);
    });
    expect(statuses).toEqual({ stays: 'completed' });
  });

  it.each([
    ['retry', 'completed'],
    ['fail', 'failed'],
  ] as const)('when a crash cuts its call off, onInDoubt: %s → %s', async (onInDoubt, status) => {
    const statuses = await walk({ onInDoubt }, async () => {
      await bench.restart();
      if (onInDoubt === 'retry') await bench.complete('stays');
    });
    expect(statuses).toEqual({ stays: status });
  });

  it('when nobody can make its call, and when the call that was never made is made', async () => {
    const statuses = await walk({ requiresApproval: true, onInDoubt: 'ask' }, async (run) => {
      await bench.restart({ functions: {} });
      await bench.decide(run, 'stays', true);
      await bench.restart();
      await bench.complete('stays');
    });
    expect(statuses).toEqual({ stays: 'completed' });
  });

  it.each([
    ['if', {}],
    ['if, and only when somebody has allowed it', { requiresApproval: true }],
  ])('when it only decides: %s', async (_, gate) => {
    const decides = { kind: 'condition', if: 'true', then: ['chosen'], else: ['other'], ...gate };
    const walked = walk(
      decides,
      async (run) => {
        if ('requiresApproval' in gate) await bench.decide(run, 'stays', true);
        await bench.complete('chosen');
      },
      [{ name: 'chosen' }, { name: 'other' }],
    );
    expect(await walked).toEqual({ stays: 'completed', chosen: 'completed', other: 'skipped' });
  });

  it('or ends before it begins, where it cannot be made ready', async () => {
    const statuses = await walk({}, () => bench.complete('stays', {}), [
      { name: 'unready', prompt: '{{ tasks.stays.output.missing }}' },
    ]);
    expect(statuses).toEqual({ stays: 'completed', unready: 'failed' });
  });
});

it('every transition of the task machine was taken', () => {
  const left = transitionsOf(taskMachine).filter((name) => !taken.of(taskMachine).has(name));
  expect(left, 'transitions that no walk takes: add the step that takes them to task-paths.ts').toEqual([]);
});
