/**
 * The task machine on the real runtime: of the simple paths from its beginning to an end (attempts capped at 2) those that
 * take every step of them, and what it takes without leaving its state. Each title is a path. Together they take every
 * transition of the machine. All paths are walked by `npm run walks`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { taskMachine } from '../../machines/task.ts';
import { FermataError } from '../../src/errors.ts';
import type { ForkEdit } from '../../src/document/fork/record.ts';
import { Workbench } from '../harness/documents.ts';
import { answerWith, startRawModelServer, type RawModelServer } from '../harness/raw-model-server.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';
import { BUDGET_WALKS } from './budget-walks.ts';
import { CHOOSING_WALKS } from './choosing-walks.ts';
import { CHILD_WALKS } from './child-run-walks.ts';
import { COMPARING_WALKS } from './comparing-walks.ts';
import { covering } from './covering.ts';
import { inShort, pathsOf, stateOf, type TaskKind, type TaskPath } from './task-paths.ts';
import { SHARING_WALKS } from './sharing-walks.ts';
import { callerOf, expectSettled, modelCaller, walkTask, type Caller } from './task-walk.ts';

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

const walkAndNote = async (kind: TaskKind, path: TaskPath): Promise<void> => {
  const run = await walkTask(bench, callerOf(kind, bench, server), kind, path);
  await taken.note(bench.fermata.runtime, run);
};

const most = (paths: readonly TaskPath[]): readonly TaskPath[] => covering(paths, inShort);

/** A crash is the dear part of a walk, and the same for both kinds of call. */
const withoutCrash = (paths: readonly TaskPath[]): readonly TaskPath[] =>
  paths.filter(({ steps }) => steps.every(({ step }) => step.event.type !== 'fermata.inDoubt'));

describe.each([
  { calls: 'code', approval: true, paths: pathsOf({ calls: 'code', approval: true }) },
  { calls: 'model', approval: true, paths: withoutCrash(pathsOf({ calls: 'model', approval: true })) },
  { calls: 'model', approval: false, paths: withoutCrash(pathsOf({ calls: 'model', approval: false })) },
] as const)('a task with a call of $calls, approval: $approval', ({ paths, ...kind }) => {
  for (const path of most(paths)) it(path.title, () => walkAndNote(kind, path));
});

describe.each<TaskKind>([
  { calls: 'map', approval: true, onItemFailure: 'stop' },
  { calls: 'map', approval: false, onItemFailure: 'continue' },
  { calls: 'map', approval: false, onItemFailure: 'collect' },
  { calls: 'map', approval: true, items: 0 },
])('a map %o', (kind) => {
  for (const path of most(pathsOf(kind))) it(path.title, () => walkAndNote(kind, path));
});

/** What happens to a task that adds none is walked above. */
const thatAdd = (paths: readonly TaskPath[]): readonly TaskPath[] =>
  paths.filter(({ steps }) => steps.some(({ leadsTo }) => ['addingTasks', 'choosingTasks'].includes(stateOf(leadsTo))));

const isShort = ({ steps }: TaskPath): boolean => steps.length <= 5;

/** Of the walks with a crash, those on which nothing but the function that chooses is cut off. */
const crashedChoosing = (paths: readonly TaskPath[]): readonly TaskPath[] =>
  paths.filter(({ steps }) => {
    const crashed = steps.flatMap(({ step }, at) => (step.event.type === 'fermata.inDoubt' ? [at] : []));
    const [only = 0] = crashed;
    return crashed.length === 1 && stateOf(steps[only - 1]?.leadsTo ?? { value: '' }) === 'choosingTasks';
  });

describe.each<TaskKind>([
  { calls: 'code', approval: false, adds: 'fromOutput' },
  { calls: 'code', approval: false, adds: 'work' },
  { calls: 'model', approval: false, adds: 'fromOutput' },
  { calls: 'model', approval: false, adds: 'work' },
])('a task that adds tasks %o', (kind) => {
  const paths = thatAdd(pathsOf(kind));
  const cut = kind.adds === 'work' && kind.calls === 'code' ? crashedChoosing(paths).filter(isShort) : [];
  for (const path of [...most(withoutCrash(paths)), ...most(cut)]) it(path.title, () => walkAndNote(kind, path));
});

describe.each([
  { calls: 'time', approval: true },
  { calls: 'missedTime', approval: false, onTimeout: 'fail' },
  { calls: 'missedTime', approval: false, onTimeout: 'continue' },
  { calls: 'event', approval: true, onTimeout: 'continue' },
  { calls: 'event', approval: false, onTimeout: 'skip' },
] as const)('a task that waits for: $calls, approval: $approval, onTimeout: $onTimeout', (kind) => {
  for (const path of most(pathsOf(kind))) it(path.title, () => walkAndNote(kind, path));
});

describe.each<TaskKind>([
  { calls: 'map', approval: true, adds: 'work' },
  { calls: 'map', approval: false, adds: 'work', items: 0 },
  { calls: 'reduce', approval: false, adds: 'work' },
  { calls: 'condition', approval: false, adds: 'work' },
  { calls: 'time', approval: false, adds: 'work' },
  { calls: 'event', approval: false, adds: 'work', onTimeout: 'continue' },
  { calls: 'event', approval: false, adds: 'fromOutput' },
])('a task that calls nobody itself and adds tasks %o', (kind) => {
  const paths = thatAdd(pathsOf(kind));
  for (const path of most(withoutCrash(paths)).filter(isShort)) it(path.title, () => walkAndNote(kind, path));
});

describe('a task that runs another workflow', () => {
  for (const { title, walk } of CHILD_WALKS)
    it(title, async () => taken.note(bench.fermata.runtime, await walk(bench)));
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
      await (end === 'answers' ? model.answer(7) : model.fail('never'));
      if (end === 'answers') expect(await asked).toMatchObject({ text: '7' });
      else await expect(asked).rejects.toMatchObject({ code: 'modelRefused' });
      await bench.complete('stays', []);
    });
    expect(statuses).toEqual({ stays: 'completed' });
  });

  it('when its model is asked to mend its answer', async () => {
    const model = modelCaller(bench, server);
    const usage = { prompt_tokens: 3, completion_tokens: 2 };
    const statuses = await walk(model.task, async (run) => {
      await model.called();
      answerWith(server.requests.at(-1) ?? expect.fail('no request'), 'no JSON', usage);
      await model.called();
      await model.answer({});
      await bench.fermata.runtime.waitFor(run);
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

describe('a task asks whether its answer is known', () => {
  const cached = { prompt: 'Walk', responseFormat: 'json', cache: { enabled: true } };
  const walk = async (tasks: readonly object[], events: (run: string, model: Caller) => Promise<void>) => {
    const model = modelCaller(bench, server);
    // Answers of other walks are none of this one's.
    const run = await bench.start({ name: `recalls ${server.requests.length}`, tasks });
    await events(run, model);
    await bench.fermata.runtime.waitFor(run);
    await expectSettled(bench, run);
    await taken.note(bench.fermata.runtime, run);
    return bench.statuses(run);
  };
  const answered = async (_: string, model: Caller) => {
    await model.called();
    await model.answer({});
  };
  const BOTH = { asks: 'completed', finds: 'completed' };

  it('it is not, and the next one finds it', async () => {
    const finds = { name: 'finds', dependsOn: ['asks'], ...cached };
    expect(await walk([{ name: 'asks', ...cached }, finds], answered)).toEqual(BOTH);
  });

  it('it is not, and the next one, which a person allows, finds it', async () => {
    const finds = { name: 'finds', dependsOn: ['asks'], requiresApproval: true, ...cached };
    const statuses = await walk([{ name: 'asks', ...cached }, finds], async (run, model) => {
      await answered(run, model);
      await bench.fermata.runtime.waitFor(run, ({ status }) => status === 'waiting');
      await bench.decide(run, 'finds', true);
    });
    expect(statuses).toEqual(BOTH);
  });

  it('another one is asking, and a crash cuts off the call', async () => {
    const statuses = await walk(
      [
        { name: 'asks', ...cached },
        { name: 'finds', ...cached },
      ],
      async (_, model) => {
        await model.called();
        await bench.restart();
        await model.called();
        await model.answer({});
      },
    );
    expect(statuses).toEqual(BOTH);
  });

  it('it is not, and the call fails and is made again', async () => {
    const statuses = await walk([{ name: 'asks', ...cached }], async (_, model) => {
      await model.called();
      await model.fail('backoff');
      await bench.settle();
      await bench.advance(60);
      await model.called();
      await model.answer({});
    });
    expect(statuses).toEqual({ asks: 'completed' });
  });

  it('nobody can say', async () => {
    bench.broken = 'recall';
    const statuses = await walk([{ name: 'asks', ...cached }], answered);
    bench.broken = undefined;
    expect(statuses).toEqual({ asks: 'completed' });
  });

  it.each(['it is not', 'nobody can say'])('%s, and a model is paid for it', async (said) => {
    if (said === 'nobody can say') bench.broken = 'recall';
    const model = modelCaller(bench, server);
    const prices = { openai: { '*': { input: 0, output: 10 } } };
    const config = { prices, budget: { maxCostDollars: 1 } };
    const run = await bench.start({ name: `pays ${said}`, config, tasks: [{ name: 'asks', ...cached }] });
    await answered(run, model);
    await bench.fermata.runtime.waitFor(run);
    bench.broken = undefined;
    await taken.note(bench.fermata.runtime, run);
    expect(await bench.statuses(run)).toEqual({ asks: 'completed' });
  });
});

it.each(COMPARING_WALKS)('a task that looks for similar questions $title', async ({ walk }) => {
  const run = await walk(bench, server);
  await expectSettled(bench, run);
  await taken.note(bench.fermata.runtime, run);
});

it.each(SHARING_WALKS)('a task shares: $title', async ({ walk }) => {
  await taken.note(bench.fermata.runtime, await walk(bench, () => modelCaller(bench, server)));
});

describe('a task of a fork whose outcome is known', () => {
  const added = [{ name: 'added', kind: 'code', function: 'work' }];
  const walk = async (onComplete: object | undefined, edits: Record<string, ForkEdit>, rest: () => Promise<void>) => {
    const grows = onComplete === undefined ? {} : { onComplete };
    const origin = await bench.start({
      tasks: [
        { name: 'known', ...grows },
        { name: 'last', dependsOn: ['known'] },
      ],
    });
    await bench.complete('known', { tasks: added });
    if (onComplete !== undefined && 'work' === (onComplete as { addTasks?: string }).addTasks)
      await bench.complete('known', added);
    if (onComplete !== undefined) await bench.complete('added');
    await bench.complete('last');
    const run = await bench.fork(origin, { point: { fromTask: 'last' }, edits });
    await rest();
    await expectSettled(bench, run);
    await taken.note(bench.fermata.runtime, run);
    return bench.statuses(run);
  };

  it('completes with it, and adds what it added', async () => {
    const once = () => bench.complete('last');
    expect(await walk(undefined, {}, once)).toEqual({ known: 'completed', last: 'completed' });
    const grown = { known: 'completed', added: 'completed', last: 'completed' };
    expect(await walk({ addTasks: 'fromOutput' }, {}, once)).toEqual(grown);
    expect(await walk({ addTasks: 'work' }, {}, once)).toEqual(grown);
  });

  it('asks its function anew where the output was given, and fails where that holds no tasks', async () => {
    const known = { output: { tasks: [] } };
    const asks = async (): Promise<void> => {
      await bench.complete('known', []);
      await bench.complete('last');
    };
    expect(await walk({ addTasks: 'work' }, { known }, asks)).toEqual({ known: 'completed', last: 'completed' });
    const wrong = { known: { output: 'none' } };
    expect(await walk({ addTasks: 'fromOutput' }, wrong, async () => {})).toEqual({ known: 'failed' });
  });
});

it('a reduction in a tree begins its next level when one has ended', async () => {
  const work = { kind: 'code', function: 'work' };
  const run = await bench.start({
    config: { breadth: 9 },
    tasks: [
      { name: 'each', ...work },
      { name: 'all', kind: 'reduce', dependsOn: ['each'], prompt: '{{ tasks.each.output | json }}', arity: 2 },
    ],
  });
  const before = server.requests.length;
  await bench.complete('each', ['a', 'b', 'c']);
  for (const [level, calls] of [2, 1].entries()) {
    const from = before + 2 * level;
    for (let turn = 0; server.requests.length < from + calls && turn < 2_000; turn++) await bench.settle();
    for (const exchange of server.requests.slice(from)) answerWith(exchange, `level ${level}`);
  }
  expect(await bench.fermata.runtime.waitFor(run)).toMatchObject({ status: 'completed', output: 'level 1' });
  await taken.note(bench.fermata.runtime, run);
});

it('a reduction in a tree two of whose calls end in one turn goes on once', async () => {
  const models = await Workbench.openHolding();
  try {
    const prompt = '{{ tasks.list.output | json }}';
    const origin = await models.start({
      config: { breadth: 5 },
      tasks: [
        { name: 'list', kind: 'code', function: 'work' },
        { name: 'all', kind: 'reduce', dependsOn: ['list'], prompt, arity: 2 },
      ],
    });
    await models.complete('list', ['a', 'b', 'c', 'd']);
    for (const call of ['all[0]', 'all[1]', 'all[2]']) await models.complete(call);
    // The first level is taken over.
    const run = await models.fork(origin, { point: { fromTask: 'all[2]' }, edits: {} });
    expect(models.running).toEqual(['all[2]']);
    await models.complete('all[2]', 'again');
    expect(await models.read(run)).toMatchObject({ status: 'completed', output: 'again' });
    const added = (await models.facts(run)).filter(({ type }) => type === 'task_added');
    expect(added).toHaveLength(2);
    await taken.note(models.fermata.runtime, run);
  } finally {
    await models.close();
  }
});

it.each([
  ['to its answer, though its first plan is refused', {}],
  ['to its answer, which it shares', { outputs: { shared: { k: 'result' } } }],
  ['until a plan fails, after a person let it begin', { requiresApproval: true }],
])('a task that works in rounds goes on %s', async (_, gate) => {
  const models = await Workbench.openHolding();
  try {
    const run = await models.start({ tasks: [{ name: 'walked', kind: 'planExecuteReflect', goal: 'Walk', ...gate }] });
    if ('requiresApproval' in gate) {
      await models.decide(run, 'walked', true);
      await models.fail('walked.plan 1', new FermataError('modelRefused', 'refused'));
    } else {
      await models.complete('walked.plan 1', {});
      await models.complete('walked.plan 1 again', { tasks: [] });
      await models.complete('walked.answer');
    }
    await expectSettled(models, run);
    await taken.note(models.fermata.runtime, run);
  } finally {
    await models.close();
  }
});

it.each([...BUDGET_WALKS, ...CHOOSING_WALKS])('a task is paid for: $title', async ({ walk }) => {
  const models = await Workbench.openHolding();
  try {
    const run = await walk(models);
    await taken.note(models.fermata.runtime, run);
  } finally {
    await models.close();
  }
});

/** Transitions that nothing can take, and why they are there. */
const NEVER: Readonly<Record<string, string>> = {
  ': fermata.shared.answer':
    'who writes is answered in the turn that asks; a fault of ours would leave others unstopped',
  'running.workingInRounds: xstate.error.actor.rounds → failed':
    'the machine of rounds throws nowhere; if it did, its run would not hang',
};

it('every transition of the task machine was taken', () => {
  const left = transitionsOf(taskMachine).filter((name) => !taken.of(taskMachine).has(name));
  expect(left, 'transitions that no walk takes: add the step that takes them to task-paths.ts').toEqual(
    Object.keys(NEVER),
  );
});
