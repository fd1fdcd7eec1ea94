/** Tasks that run another workflow: begun once, waited for without a slot, told once, cancelled along. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunView } from '../../src/runtime/runtime.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const work = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'work', ...more });
const child = { name: 'review', input: { type: 'object' }, tasks: [work('read', { input: { q: 'input.q' } })] };

/** Runs that a run has begun, oldest first. */
async function childrenOf(run: string): Promise<RunView[]> {
  return [...(await bench.fermata.runtime.list({ parent: run, limit: 100 }))].toReversed();
}

async function onlyChild(run: string): Promise<RunView> {
  const children = await childrenOf(run);
  expect(children).toHaveLength(1);
  return children[0] as RunView;
}

describe('a sub-workflow', () => {
  it('runs as a run of its own, whose output is the output of its task', async () => {
    await bench.fermata.workflows.create(child);
    const run = await bench.start(
      {
        tasks: [{ name: 'phase', kind: 'subworkflow', workflow: 'review', input: { q: 'about {{ input.topic }}' } }],
      },
      { input: { topic: 'tea' } },
    );
    const begun = await onlyChild(run);
    expect(begun).toMatchObject({
      status: 'running',
      workflow: { name: 'review', version: 1 },
      parent: { run, task: 'phase', attempt: 1, depth: 1, awaited: true },
      input: { q: 'about tea' },
    });
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    await bench.complete('read', 'read it');
    expect(await bench.read(begun.runId)).toMatchObject({ status: 'completed', output: 'read it' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'read it' });
    expect(await bench.story(run)).toEqual([
      'run_started',
      'task_started phase',
      'child_run_started phase',
      'run_waiting',
      'task_completed phase',
      'run_completed',
    ]);
    const facts = await bench.facts(run);
    expect(facts[2]?.data).toMatchObject({ childRunId: begun.runId, workflow: 'review', version: 1 });
    expect(facts[4]?.data).toMatchObject({ childRunId: begun.runId, result: 'read it' });
  });

  it('gives values their types: a text that is one {{ … }} is the value itself', async () => {
    const run = await bench.start(
      {
        tasks: [
          { name: 'list', kind: 'code', function: 'echo', input: { items: '[1, 2]' } },
          {
            name: 'phase',
            kind: 'subworkflow',
            workflow: child,
            input: {
              q: '{{ tasks.list.output.items }}',
              n: '{{ input.n }}',
              text: 'n = {{ input.n }}',
              deep: [{ flag: true, many: ['{{ input.n }}'] }],
            },
          },
        ],
      },
      { input: { n: 3 } },
    );
    expect((await onlyChild(run)).input).toEqual({
      q: [1, 2],
      n: 3,
      text: 'n = 3',
      deep: [{ flag: true, many: [3] }],
    });
    await bench.complete('read');
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('keeps an inline document once, however often it is run, and hides it from lists', async () => {
    const tasks = ['one', 'two'].map((name) => ({ name, kind: 'subworkflow', workflow: child, input: { q: name } }));
    const run = await bench.start({ tasks });
    const children = await childrenOf(run);
    expect(new Set(children.map(({ workflow }) => workflow?.id)).size).toBe(1);
    expect(children[0]?.workflow?.name).toBe('review');
    expect((await bench.fermata.workflows.list({ limit: 10 })).map(({ name }) => name)).not.toContain('review');
    await bench.complete('read', 1);
    await bench.complete('read', 2);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { one: 1, two: 2 } });
  });

  it('goes on at once with { runId } where nobody waits, and the other run does not end with this one', async () => {
    const run = await bench.start({
      tasks: [{ name: 'phase', kind: 'subworkflow', workflow: child, input: { q: 1 }, wait: false }],
    });
    const begun = await onlyChild(run);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { runId: begun.runId } });
    expect(begun.status).toBe('running');
    await bench.complete('read');
    expect((await bench.read(begun.runId)).status).toBe('completed');
  });

  it('holds no slot of breadth while it waits, and its run has a breadth of its own', async () => {
    const wide = { name: 'wide', config: { breadth: 2 }, tasks: [work('a'), work('b'), work('c')] };
    const run = await bench.start({
      config: { breadth: 1 },
      tasks: [{ name: 'phase', kind: 'subworkflow', workflow: wide }, work('other')],
    });
    expect(bench.running.toSorted()).toEqual(['a', 'b', 'other']);
    for (const task of ['a', 'b', 'c', 'other']) await bench.complete(task);
    expect((await bench.read(run)).status).toBe('completed');
  });
});

describe('a run that does not complete', () => {
  const once = { name: 'once', tasks: [work('read', { maxRetries: 0 })] };
  const phase = (more: object = {}) => ({ name: 'phase', kind: 'subworkflow', workflow: once, ...more });

  it('fails its task, with an error that names the run and what went wrong there', async () => {
    const run = await bench.start({ tasks: [phase({ maxRetries: 0 })] });
    const { runId } = await onlyChild(run);
    await bench.fail('read', new Error('no paper'));
    const { status, reason } = await bench.read(run);
    expect([status, reason?.code]).toEqual(['failed', 'childRunFailed']);
    expect(reason?.message).toMatch(new RegExp(`^Run ${runId} of workflow "once" failed: .*no paper`));
  });

  it('is tried again as often as the task says', async () => {
    const run = await bench.start({ tasks: [phase({ maxRetries: 1 })] });
    await bench.fail('read');
    expect(await bench.statuses(run)).toEqual({ phase: 'retrying' });
    await bench.advance(5);
    const [first, second] = await childrenOf(run);
    expect([first?.status, second?.status]).toEqual(['failed', 'running']);
    expect(second?.parent).toMatchObject({ attempt: 2 });
    await bench.complete('read', 'at last');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'at last' });
    expect((await bench.fermata.runtime.task(run, 'phase'))?.attempts).toBe(2);
  });

  it('is not tried again after an error that says never, nor after somebody cancelled it', async () => {
    const refused = {
      name: 'refused',
      tasks: [{ name: 'x', kind: 'code', function: 'echo', input: { v: 'input.none' } }],
    };
    const run = await bench.start({ tasks: [phase({ workflow: refused, maxRetries: 3 })] });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'childRunFailed' } });
    const other = await bench.start({ tasks: [phase({ maxRetries: 3 })] });
    await bench.fermata.runtime.cancel((await onlyChild(other)).runId, 'not today');
    await bench.settle();
    const { status, reason } = await bench.read(other);
    expect([status, reason?.code]).toEqual(['failed', 'childRunCancelled']);
    expect(reason?.message).toContain('was cancelled: not today');
    expect(await childrenOf(other)).toHaveLength(1);
  });

  it.each(['the run', 'the task'])('is cancelled with %s that waits for it', async (which) => {
    const { runtime } = bench.fermata;
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks: [phase(), work('other')] });
    const { runId } = await onlyChild(run);
    if (which === 'the run') await runtime.cancel(run, 'enough');
    else await runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'phase', reason: 'enough' });
    await bench.settle();
    expect(await bench.read(runId)).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Task "phase", which waited for it, ended: enough' },
    });
    expect(bench.running).toEqual(which === 'the run' ? [] : ['other']);
    if (which === 'the task') await bench.complete('other');
    expect((await bench.statuses(run))['phase']).toBe('cancelled');
  });

  it('is cancelled three deep', async () => {
    const middle = { name: 'middle', tasks: [phase({ name: 'inner' })] };
    const run = await bench.start({ tasks: [phase({ workflow: middle })] });
    const second = await onlyChild(run);
    const third = await onlyChild(second.runId);
    expect(third.parent?.depth).toBe(2);
    await bench.fermata.runtime.cancel(run, 'enough');
    await bench.settle();
    expect([(await bench.read(second.runId)).status, (await bench.read(third.runId)).status]).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(bench.running).toEqual([]);
  });

  it('is cancelled when the time of its task is over, which counts over all attempts', async () => {
    const run = await bench.start({ tasks: [phase({ timeoutSeconds: 10, maxRetries: 3 })] });
    await bench.advance(6);
    await bench.fail('read');
    await bench.advance(3);
    const [, second] = await childrenOf(run);
    expect(second?.status).toBe('running');
    await bench.advance(2);
    expect(await bench.statuses(run)).toEqual({ phase: 'timedOut' });
    expect((await bench.read(run)).reason?.message).toContain('Task "phase" took longer than 10 s');
    expect((await bench.read(second?.runId ?? '')).status).toBe('cancelled');
  });

  it('is cancelled in the commit that deletes a run which can do nothing any more, and not where that is refused', async () => {
    const run = await bench.start({ tasks: [phase(), work('other')] });
    const { runId } = await onlyChild(run);
    const fork = await bench.fork(run, { point: { atSeq: 0 } });
    await bench.restartWithout(run);
    await expect(bench.fermata.runtime.delete(run)).rejects.toMatchObject({ code: 'runHasForks' });
    await bench.settle();
    expect((await bench.read(runId)).status).toBe('running');
    await bench.fermata.runtime.cancel(fork);
    await bench.fermata.runtime.delete(run);
    await bench.settle();
    expect(await bench.read(runId)).toMatchObject({
      status: 'cancelled',
      reason: { message: `Run ${run}, which waited for it, was deleted.` },
    });
    await expect(bench.fermata.runtime.delete(run)).rejects.toMatchObject({ code: 'notFound' });
  });

  it('fails its task where the workflow was deleted meanwhile', async () => {
    const { workflows } = bench.fermata;
    const { id } = await workflows.create({ ...once, name: 'gone' });
    const run = await bench.start({ tasks: [work('first'), phase({ workflow: 'gone', dependsOn: ['first'] })] });
    await workflows.delete(id);
    await bench.complete('first');
    const { status, reason } = await bench.read(run);
    expect([status, reason?.code]).toEqual(['failed', 'workflowMissing']);
    expect(reason?.message).toBe(
      'Task "phase" runs the workflow "gone", which does not exist. Create it first (POST /api/v1/workflows), or write its document in place of its name.',
    );
  });

  it('fails its task where it refuses the input', async () => {
    const typed = { ...once, input: { type: 'object', properties: { n: { type: 'integer' } } } };
    const run = await bench.start({ tasks: [phase({ workflow: typed, input: { n: 'many' } })] });
    expect((await bench.read(run)).reason).toMatchObject({ code: 'invalidInput' });
  });
});

describe('names', () => {
  const tasks = [work('read')];

  it('mean the newest version when the task begins, and name@version that one', async () => {
    const { workflows } = bench.fermata;
    const { id } = await workflows.create({ name: 'review', tasks });
    await workflows.addVersion(id, { name: 'review', tasks: [work('again')] });
    const run = await bench.start({
      tasks: [
        { name: 'newest', kind: 'subworkflow', workflow: 'review' },
        { name: 'first', kind: 'subworkflow', workflow: 'review@1' },
      ],
    });
    expect(bench.running.toSorted()).toEqual(['again', 'read']);
    expect((await childrenOf(run)).map(({ workflow }) => workflow?.version)).toEqual([2, 1]);
    await bench.complete('again');
    await bench.complete('read');
  });

  it('that are unknown are refused when the document is stored, each with its place', async () => {
    const { workflows } = bench.fermata;
    await workflows.create({ name: 'review', input: { type: 'object', required: ['q'] }, tasks });
    const document = {
      name: 'caller',
      tasks: [
        { name: 'a', kind: 'subworkflow', workflow: 'revew' },
        { name: 'b', kind: 'subworkflow', workflow: 'review@7' },
        { name: 'c', kind: 'subworkflow', workflow: 'review' },
        { name: 'd', kind: 'map', items: '[1]', task: { kind: 'subworkflow', workflow: 'nothing' } },
        {
          name: 'e',
          kind: 'subworkflow',
          workflow: { name: 'in', tasks: [{ name: 'f', kind: 'subworkflow', workflow: 'none' }] },
        },
      ],
    };
    const refused = await workflows.create(document).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'workflowMissing',
      faults: [
        {
          path: 'tasks[0].workflow',
          message: expect.stringContaining('no workflow "revew" exists: did you mean "review"?'),
        },
        { path: 'tasks[1].workflow', message: expect.stringContaining('has no version 7') },
        { path: 'tasks[3].task.workflow' },
        { path: 'tasks[4].workflow.tasks[0].workflow' },
        {
          path: 'tasks[2].input',
          message: 'the workflow "review" requires "q" in its input, and the task does not give it',
        },
      ],
    });
  });

  it('of itself are known, and end at depth 8 with an error that says so', async () => {
    const { workflows } = bench.fermata;
    const forever = await workflows.create({
      name: 'forever',
      tasks: [{ name: 'again', kind: 'subworkflow', workflow: 'forever' }],
    });
    const run = await bench.start({ tasks: [{ name: 'top', kind: 'subworkflow', workflow: 'forever' }] });
    for (let round = 0; round < 20; round++) await bench.settle();
    const { status, reason } = await bench.read(run);
    expect([status, reason?.code]).toEqual(['failed', 'childRunFailed']);
    const runs = await bench.fermata.runtime.list({ workflowId: forever.id, limit: 100 });
    expect(runs.map(({ parent }) => parent?.depth)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(runs[0]?.reason).toMatchObject({ code: 'tooDeep' });
    // The cause is told once, not each run on the way to it.
    const [lowest, highest] = [runs.at(0)?.runId, runs.at(-1)?.runId];
    expect(reason?.message).toMatch(
      new RegExp(`^Run ${highest} of workflow "forever" failed: run ${lowest}, 7 below it, failed: `),
    );
    expect(reason?.message.match(/failed:/g)).toHaveLength(2);
    expect((await bench.read(run)).reason?.message).toContain('let a condition end the recursion');
  });
});

describe('pausing', () => {
  it('pauses and resumes the run that is waited for', async () => {
    const { runtime } = bench.fermata;
    const two = { name: 'two', tasks: [work('a'), work('b', { dependsOn: ['a'] })] };
    const run = await bench.start({ tasks: [{ name: 'phase', kind: 'subworkflow', workflow: two }] });
    const { runId } = await onlyChild(run);
    await runtime.control(run, '/', { type: 'fermata.pause' });
    await bench.settle();
    expect((await bench.read(runId)).status).toBe('paused');
    await bench.complete('a');
    expect(bench.running).toEqual([]);
    await runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    expect(bench.running).toEqual(['b']);
    await bench.complete('b', 'done');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'done' });
  });
});

describe('a crash', () => {
  it('in which the process ended finds the same run, and is told of its end once', async () => {
    const run = await bench.start({
      tasks: [{ name: 'phase', kind: 'subworkflow', workflow: child, input: { q: 1 } }],
    });
    const { runId } = await onlyChild(run);
    await bench.restart();
    expect((await onlyChild(run)).runId).toBe(runId);
    await bench.complete('read', 'after all');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'after all' });
    expect((await bench.story(run)).filter((line) => line === 'task_completed phase')).toHaveLength(1);
  });
});

describe('many and much', () => {
  it('items of a map may each be a run', async () => {
    const run = await bench.start(
      {
        config: { breadth: 10 },
        tasks: [
          {
            name: 'each',
            kind: 'map',
            items: 'input.list',
            task: {
              kind: 'subworkflow',
              workflow: {
                name: 'double',
                tasks: [{ name: 'x', kind: 'code', function: 'echo', input: { v: 'input.v * 2.0' } }],
              },
              input: { v: '{{ item }}' },
            },
          },
        ],
      },
      { input: { list: Array.from({ length: 40 }, (_, at) => at) } },
    );
    for (let round = 0; round < 30; round++) await bench.settle();
    const { status, output } = await bench.read(run);
    expect(status).toBe('completed');
    expect(output).toEqual(Array.from({ length: 40 }, (_, at) => ({ v: at * 2 })));
  });

  it('an output of 10 MB is passed on', async () => {
    const run = await bench.start({
      tasks: [{ name: 'phase', kind: 'subworkflow', workflow: child, input: { q: 1 } }],
    });
    const big = 'x'.repeat(10_000_000);
    await bench.complete('read', big);
    expect((await bench.read(run)).output === big).toBe(true);
    await bench.fermata.runtime.delete((await onlyChild(run)).runId);
    expect((await bench.read(run)).output === big).toBe(true);
  });
});

describe('progress', () => {
  const steps = (...names: string[]) =>
    names.map((name, at) => work(name, at === 0 ? {} : { dependsOn: [names[at - 1]] }));
  const progressOf = async (run: string): Promise<number> => (await bench.read(run)).progress;

  it('follows that of the run that is waited for, however deep, a message a second at most', async () => {
    const low = { name: 'low', tasks: steps('a', 'b', 'c', 'd') };
    const middle = { name: 'middle', tasks: [{ name: 'm', kind: 'subworkflow', workflow: low }, work('n')] };
    const run = await bench.start({ tasks: [{ name: 'phase', kind: 'subworkflow', workflow: middle }, work('other')] });
    const second = await onlyChild(run);
    // What is quick says nothing.
    await bench.complete('a');
    expect([await progressOf(second.runId), await progressOf(run)]).toEqual([0, 0]);
    await bench.advance(2);
    await bench.complete('b');
    expect([await progressOf(second.runId), await progressOf(run)]).toEqual([25, 12]);
    await bench.complete('c');
    expect(await progressOf(second.runId)).toBe(25);
    await bench.advance(2);
    await bench.complete('n');
    expect([await progressOf(second.runId), await progressOf(run)]).toEqual([75, 37]);
    await bench.complete('d');
    expect(await progressOf(run)).toBe(50);
    await bench.complete('other');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100, counts: { share: 0 } });
    const said = (await bench.facts(run)).filter(({ type }) => type === 'progress').map(({ data }) => data);
    expect(said).toEqual([
      { task: 'phase', description: 'phase', percent: 25, progress: 12 },
      { task: 'phase', description: 'phase', percent: 75, progress: 37 },
    ]);
  });

  it('is told where the run comes to rest; another attempt and what joins do not make it fall', async () => {
    const asks = {
      name: 'asks',
      tasks: [...steps('a', 'b'), work('c', { dependsOn: ['b'], requiresApproval: true, maxRetries: 0 })],
    };
    const run = await bench.start({ tasks: [{ name: 'phase', kind: 'subworkflow', workflow: asks }, work('other')] });
    const { runId } = await onlyChild(run);
    await bench.complete('a');
    await bench.complete('b');
    expect([await progressOf(runId), await progressOf(run)]).toEqual([66, 33]);
    await bench.decide(runId, 'c', true);
    await bench.fail('c');
    expect(await bench.statuses(run)).toMatchObject({ phase: 'retrying' });
    await bench.restart();
    await bench.advance(5);
    expect(await progressOf(run)).toBe(33);
    const [, again] = await childrenOf(run);
    await bench.decide(again?.runId ?? '', 'c', true);
    await bench.complete('c');
    expect(await progressOf(run)).toBe(50);
    await bench.complete('other');
    expect((await bench.read(run)).progress).toBe(100);
  });
});
