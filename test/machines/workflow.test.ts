import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const after = (name: string, ...dependsOn: string[]) => ({ name, dependsOn });

describe('order', () => {
  it('runs the graph: a task begins when all it depends on have completed', async () => {
    const run = await bench.start({
      config: { breadth: 10 },
      tasks: [{ name: 'a' }, { name: 'b' }, after('c', 'a', 'b'), after('d', 'c')],
    });
    expect(bench.running).toEqual(['a', 'b']);
    await bench.complete('a');
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
    await bench.complete('d', { answer: 42 });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', progress: 100, output: { answer: 42 } });
  });

  it('R3: a task that only waits for what it depends on is neither a row nor an actor', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }, after('b', 'a')] });
    const { runtime } = bench.fermata;
    const actors = async () => (await runtime.why(run)).actors.map(({ actor }) => actor);
    expect(await runtime.task(run, 'b')).toBeUndefined();
    expect(await actors()).toEqual(['/', '/a']);
    await bench.complete('a');
    expect(await runtime.task(run, 'b')).toMatchObject({ live: true });
    expect(await actors()).toEqual(['/', '/b']);
    await bench.complete('b');
  });

  it('never has more than `breadth` in flight, and goes in document order', async () => {
    const run = await bench.start({ config: { breadth: 2 }, tasks: ['a', 'b', 'c', 'd'].map((name) => ({ name })) });
    expect(bench.running).toEqual(['a', 'b']);
    await bench.complete('b');
    expect(bench.running).toEqual(['a', 'c']);
    await bench.complete('a');
    expect(bench.running).toEqual(['c', 'd']);
    await bench.complete('d');
    await bench.complete('c');
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: { a: 'a done', b: 'b done', c: 'c done', d: 'd done' },
    });
  });

  it('takes a ready task before a later root', async () => {
    await bench.start({ config: { breadth: 1 }, tasks: [{ name: 'a' }, after('b', 'a'), { name: 'c' }] });
    await bench.complete('a');
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
  });

  it('sequential: one after the other in document order, also past one that waits', async () => {
    const run = await bench.start({
      config: { strategy: 'sequential', breadth: 5 },
      tasks: [{ name: 'a', requiresApproval: true }, { name: 'b' }],
    });
    expect(bench.running).toEqual([]);
    await bench.decide(run, 'a', true);
    expect(bench.running).toEqual(['a']);
    await bench.complete('a');
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
  });

  it('an execution may have another breadth than the document', async () => {
    await bench.start({ config: { breadth: 1 }, tasks: [{ name: 'a' }, { name: 'b' }] }, { config: { breadth: 2 } });
    expect(bench.running).toEqual(['a', 'b']);
    await bench.complete('a');
    await bench.complete('b');
  });

  it('M6: an execution is held to the limits of a document', async () => {
    const document = { tasks: [{ name: 'a' }] };
    await expect(bench.start(document, { config: { timeoutSeconds: 1e300 } })).rejects.toMatchObject({
      code: 'invalidRequest',
      faults: [{ path: 'config.timeoutSeconds', message: 'expected at most 1000000000, came a number (1e+300)' }],
    });
    const typo = { bredth: 2 } as object;
    await expect(bench.start(document, { config: typo })).rejects.toMatchObject({
      faults: [{ path: 'config.bredth', message: 'unknown field "bredth": did you mean "breadth"?' }],
    });
  });

  it('gathers the output of very many last tasks', async () => {
    const names = Array.from({ length: 1_200 }, (_, index) => `t${index}`);
    const echo = { kind: 'code', function: 'echo' };
    const run = await bench.start({
      config: { breadth: 1_000 },
      tasks: names.map((name) => ({ name, ...echo, input: { name: JSON.stringify(name) } })),
    });
    await bench.settle();
    const { status, output } = await bench.read(run);
    expect(status).toBe('completed');
    expect(output).toEqual(Object.fromEntries(names.map((name) => [name, { name }])));
  });

  it('passes outputs on as the arguments of code tasks', async () => {
    const run = await bench.start(
      {
        tasks: [
          { name: 'a' },
          {
            name: 'b',
            kind: 'code',
            function: 'echo',
            input: { x: 'tasks.a.output.n', fixed: 7, topic: 'input.topic' },
          },
        ],
      },
      { input: { topic: 'tea' } },
    );
    await bench.complete('a', { n: 5 });
    expect((await bench.read(run)).output).toEqual({ x: 5, fixed: 7, topic: 'tea' });
  });
});

describe('retry', () => {
  const retry = { maxRetries: 2, initialSeconds: 10, factor: 2, maxSeconds: 60 };

  it('backs off and tries again, at most maxRetries times', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', retry }] });
    await bench.fail('a');
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toEqual({ a: 'retrying' });
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    await bench.advance(10);
    expect(bench.running).toEqual(['a']);
    await bench.fail('a');
    await bench.advance(20);
    await bench.fail('a', new Error('still broken'));
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: { code: 'codeFailed', message: expect.stringContaining('still broken') as string },
    });
    expect(bench.began).toEqual(['a', 'a', 'a']);
  });

  it('a task that backs off holds no slot', async () => {
    await bench.start({ config: { breadth: 1 }, tasks: [{ name: 'a', retry }, { name: 'b' }] });
    await bench.fail('a');
    expect(bench.running).toEqual(['b']);
    await bench.advance(10);
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    expect(bench.running).toEqual(['a']);
    await bench.complete('a');
  });

  it('an error that says never is not tried again', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', retry }] });
    await bench.fail('a', new FermataError('functionMissing', 'gone'));
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'functionMissing' } });
  });

  it('waits as long as the other side asks', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', retry }] });
    await bench.fail('a', new FermataError('modelRateLimited', 'slow down', { retryAfterMs: 45_000 }));
    await bench.advance(44);
    expect(bench.running).toEqual([]);
    await bench.advance(1);
    expect(bench.running).toEqual(['a']);
    await bench.complete('a');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('each attempt has its own key, a retry counts as a new attempt', async () => {
    await bench.start({ tasks: [{ name: 'a', retry }] });
    const first = bench.call('a').context;
    await bench.fail('a');
    await bench.advance(10);
    const second = bench.call('a').context;
    expect(first.idempotencyKey).not.toBe(second.idempotencyKey);
    expect([first.attempt, second.attempt]).toEqual([1, 2]);
    await bench.complete('a');
  });
});

describe('timeouts', () => {
  it('an attempt that takes too long is aborted and tried again; then the task ends timedOut', async () => {
    const run = await bench.start({
      tasks: [{ name: 'a', timeoutSeconds: 5, retry: { maxRetries: 1, initialSeconds: 1 } }],
    });
    const { signal } = bench.call('a').context;
    await bench.advance(5);
    expect(signal.aborted).toBe(true);
    await bench.advance(2);
    expect(bench.running).toEqual(['a']);
    await bench.advance(5);
    expect(await bench.statuses(run)).toEqual({ a: 'timedOut' });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'taskTimedOut' } });
  });

  it('a run that takes too long fails and stops what is alive', async () => {
    const run = await bench.start({ config: { timeoutSeconds: 60 }, tasks: [{ name: 'a' }, after('b', 'a')] });
    await bench.advance(60);
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toMatchObject({ a: 'cancelled' });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'runTimedOut' } });
  });

  it('R10: the deadline of a run keeps its date across downtime', async () => {
    const run = await bench.start({ config: { timeoutSeconds: 60 }, tasks: [{ name: 'a', timeoutSeconds: 1_000 }] });
    bench.clock.jump(61_000);
    await bench.restart();
    await bench.advance(0);
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'runTimedOut' } });
  });
});

describe('failure', () => {
  const none = { maxRetries: 0 };

  it('stop: the rest is cancelled, the run fails', async () => {
    const run = await bench.start({
      config: { breadth: 3 },
      tasks: [{ name: 'a', ...none }, { name: 'b' }, { name: 'c' }, { name: 'd' }],
    });
    await bench.fail('a');
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toEqual({ a: 'failed', b: 'cancelled', c: 'cancelled' });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'codeFailed' } });
    expect(bench.began).toEqual(['a', 'b', 'c']);
  });

  it('continue: what needs it is skipped, the rest goes on', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [{ name: 'a', ...none }, { name: 'b' }, after('c', 'a'), after('d', 'c'), after('e', 'b')],
    });
    await bench.fail('a');
    await bench.complete('b');
    await bench.complete('e');
    expect(await bench.statuses(run)).toEqual({
      a: 'failed',
      b: 'completed',
      c: 'skipped',
      d: 'skipped',
      e: 'completed',
    });
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { e: 'e done' } });
  });

  it('continue: a run none of whose last tasks completed has failed', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [{ name: 'a', ...none }, after('b', 'a')],
    });
    await bench.fail('a');
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'codeFailed' } });
  });

  it('a task that breaks while it waits has no slot to give back: its run fails, and counts on rightly', async () => {
    const waiting = { requiresApproval: true, retry: { maxRetries: 0 } };
    const decision = { type: 'fermata.approve', decision: { approved: false, by: { toString: 'no text' } } };
    const stopped = await bench.start({ tasks: [{ name: 'a', ...waiting }] });
    await bench.fermata.runtime.control(stopped, childAddress('/', 'a'), decision);
    await bench.settle();
    expect(await bench.read(stopped)).toMatchObject({ status: 'failed', reason: { code: 'actorFailed' } });

    const continued = await bench.start({
      config: { breadth: 1, onTaskFailure: 'continue' },
      tasks: [{ name: 'a', ...waiting }, { name: 'b' }, { name: 'c' }],
    });
    await bench.fermata.runtime.control(continued, childAddress('/', 'a'), decision);
    await bench.settle();
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    await bench.complete('c');
    expect(await bench.statuses(continued)).toEqual({ a: 'failed', b: 'completed', c: 'completed' });
    expect(await bench.read(continued)).toMatchObject({ status: 'completed' });
  });

  it('continue: what needs a task that fails as it begins does not begin, whatever else begins with it', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue', breadth: 2 },
      tasks: [
        { name: 'a' },
        { name: 'b', dependsOn: ['a'], requiresApproval: true },
        { name: 'c', dependsOn: ['a'], prompt: '{{ tasks.a.output.missing }}' },
        after('d', 'c'),
      ],
    });
    await bench.complete('a', { there: 1 });
    expect(bench.running).toEqual([]);
    expect(await bench.statuses(run)).toMatchObject({ b: 'awaitingApproval', c: 'failed', d: 'skipped' });
    await bench.decide(run, 'b', true);
    await bench.complete('b');
    expect(bench.began).toEqual(['a', 'b']);
    expect(await bench.read(run)).toMatchObject({ status: 'completed', output: { b: 'b done' } });
  });

  it('continue, in sequence: what comes after a skipped task begins', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue', strategy: 'sequential' },
      tasks: [{ name: 'a', ...none }, after('b', 'a'), { name: 'c' }],
    });
    await bench.fail('a');
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
    expect(await bench.statuses(run)).toEqual({ a: 'failed', b: 'skipped', c: 'completed' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('in sequence: what comes after a task that was cancelled before it began does not wait for it', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue', strategy: 'sequential', breadth: 2 },
      tasks: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'b' });
    await bench.settle();
    expect(bench.running).toEqual(['a', 'c']);
    await bench.complete('a');
    await bench.complete('c');
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('a prompt that cannot be rendered fails its task, not the process', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b', prompt: '{{ tasks.a.output.missing }}' }] });
    await bench.complete('a', { there: 1 });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'promptFailed' } });
  });
});

describe('approval', () => {
  const gate = { requiresApproval: true, approvalPrompt: 'May {{ input.who }}?' };

  it('is asked before the call, with its prompt rendered; siblings go on', async () => {
    const run = await bench.start(
      { config: { breadth: 1 }, tasks: [{ name: 'a', ...gate }, { name: 'b' }] },
      { input: { who: 'I' } },
    );
    expect(bench.running).toEqual(['b']);
    expect(await bench.fermata.runtime.approval(run, 'a')).toMatchObject({ status: 'pending', prompt: 'May I?' });
    await bench.decide(run, 'a', true, { by: 'ann' });
    expect(await bench.statuses(run)).toMatchObject({ a: 'pending' });
    await bench.complete('b');
    expect(bench.running).toEqual(['a']);
    await bench.complete('a');
    expect(await bench.fermata.runtime.approval(run, 'a')).toMatchObject({ status: 'approved' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('holds no memory while it waits', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', ...gate }] }, { input: { who: 'I' } });
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    await bench.fermata.runtime.cancel(run);
  });

  it('is decided once', async () => {
    const run = await bench.start({ tasks: [{ name: 'a', ...gate }] }, { input: { who: 'I' } });
    await bench.decide(run, 'a', true);
    await expect(bench.decide(run, 'a', false)).rejects.toMatchObject({ code: 'eventNotAccepted' });
    await bench.complete('a');
  });

  for (const [onReject, status, dependent] of [
    ['fail', 'failed', undefined],
    ['cancel', 'cancelled', undefined],
    ['skip', 'completed', 'completed'],
  ] as const) {
    it(`refused with onReject: ${onReject} → the task is rejected, the run ${status}`, async () => {
      const run = await bench.start(
        { tasks: [{ name: 'a', ...gate, onReject }, after('b', 'a')] },
        { input: { who: 'I' } },
      );
      await bench.decide(run, 'a', false, { reason: 'too dear' });
      if (onReject === 'skip') await bench.complete('b');
      expect(await bench.statuses(run)).toEqual({
        a: 'rejected',
        ...(dependent === undefined ? {} : { b: dependent }),
      });
      expect(await bench.read(run)).toMatchObject({ status });
      expect(bench.began).not.toContain('a');
    });
  }

  it.each([
    { refusal: 'refused', onReject: 'skip', status: 'completed' },
    { refusal: 'expired', onReject: 'skip', status: 'completed' },
    { refusal: 'refused', onReject: 'fail', status: 'failed' },
    { refusal: 'expired', onReject: 'fail', status: 'failed' },
  ] as const)('continue: a last task that is $refusal with onReject: $onReject leaves a run $status', async (how) => {
    const { refusal, onReject, status } = how;
    const run = await bench.start(
      {
        config: { onTaskFailure: 'continue' },
        tasks: [{ name: 'a', ...gate, onReject, approvalTimeoutSeconds: 300 }],
      },
      { input: { who: 'I' } },
    );
    if (refusal === 'refused') await bench.decide(run, 'a', false);
    else await bench.advance(300);
    expect(await bench.statuses(run)).toEqual({ a: refusal === 'refused' ? 'rejected' : 'timedOut' });
    expect(await bench.read(run)).toMatchObject({ status });
  });

  it('R10: expires on its date, also across downtime', async () => {
    const run = await bench.start(
      { tasks: [{ name: 'a', ...gate, approvalTimeoutSeconds: 300 }] },
      { input: { who: 'I' } },
    );
    await bench.advance(299);
    expect(await bench.read(run)).toMatchObject({ status: 'waiting' });
    bench.clock.jump(2_000);
    await bench.restart();
    await bench.advance(0);
    expect(await bench.statuses(run)).toEqual({ a: 'timedOut' });
    expect(await bench.read(run)).toMatchObject({ status: 'failed', reason: { code: 'approvalExpired' } });
    expect(bench.began).toEqual([]);
  });

  it('many at once wait, and run as slots are free', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const run = await bench.start(
      { config: { breadth: 2 }, tasks: names.map((name) => ({ name, ...gate })) },
      { input: { who: 'I' } },
    );
    expect(await bench.fermata.runtime.approvals({ limit: 100, status: 'pending' })).toHaveLength(20);
    for (const name of names) await bench.decide(run, name, true);
    expect(bench.running).toEqual(['t0', 't1']);
    for (const name of names) await bench.complete(name);
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});

describe('steering', () => {
  it('pause: what runs ends, nothing begins; resume: it goes on', async () => {
    const run = await bench.start({ config: { breadth: 1 }, tasks: [{ name: 'a' }, { name: 'b' }] });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.pause' });
    await bench.complete('a');
    expect(bench.running).toEqual([]);
    expect(await bench.read(run)).toMatchObject({ status: 'paused' });
    await bench.restart();
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    expect(bench.running).toEqual(['b']);
    await bench.complete('b');
    expect(await bench.story(run)).toContain('run_resumed');
  });

  it('cancel: calls are aborted, everything is cancelled, an answer after it changes nothing', async () => {
    const run = await bench.start({
      config: { breadth: 2 },
      tasks: [{ name: 'a' }, { name: 'b', requiresApproval: true }, { name: 'c' }],
    });
    const { context, resolve } = bench.call('a');
    await bench.fermata.runtime.cancel(run, 'changed my mind');
    await bench.settle();
    expect(context.signal.aborted).toBe(true);
    const { seq } = await bench.read(run);
    resolve('too late');
    await bench.settle();
    expect(await bench.read(run)).toMatchObject({
      status: 'cancelled',
      seq,
      reason: { code: 'cancelled', message: 'changed my mind' },
    });
    expect(await bench.statuses(run)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'cancelled' });
    expect(await bench.fermata.runtime.approval(run, 'b')).toMatchObject({ status: 'cancelled' });
    await expect(bench.fermata.runtime.cancel(run)).rejects.toMatchObject({ code: 'runEnded' });
  });

  it('cancel of a task that runs, and of one that has not begun', async () => {
    const run = await bench.start({
      config: { breadth: 1, onTaskFailure: 'continue' },
      tasks: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, after('d', 'b')],
    });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'b', reason: 'not needed' });
    await bench.fermata.runtime.control(run, '/a', { type: 'fermata.cancel', reason: 'too slow' });
    await bench.settle();
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
    expect(await bench.statuses(run)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'completed', d: 'skipped' });
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });
});

describe('facts', () => {
  it('tell the whole story, numbered without gaps together with the events, and progress never falls', async () => {
    const run = await bench.start(
      { tasks: [{ name: 'a', description: 'Looking at {{ input.x }}' }, after('b', 'a')] },
      { input: { x: 'tea' } },
    );
    await bench.complete('a', 'leaf');
    await bench.complete('b');
    expect(await bench.story(run)).toEqual([
      'run_started',
      'task_started a',
      'task_completed a',
      'task_started b',
      'task_completed b',
      'run_completed',
    ]);
    const entries = await bench.fermata.runtime.journal(run, { limit: 1_000 });
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    const facts = await bench.facts(run);
    expect(facts.map(({ data }) => data['progress'])).toEqual([0, 0, 50, 50, 100, 100]);
    expect(facts[2]?.data).toMatchObject({ task: 'a', description: 'Looking at tea', result: 'leaf', attempt: 1 });
  });

  it('L4: every fact about a task carries its description, or else its name', async () => {
    const run = await bench.start(
      {
        config: { breadth: 1, onTaskFailure: 'continue' },
        tasks: [
          { name: 'a', retry: { maxRetries: 1, initialSeconds: 0.001 } },
          { name: 'b', requiresApproval: true, approvalPrompt: 'b?' },
          after('c', 'a'),
          { name: 'd', dependsOn: ['a'], description: 'Telling of {{ input.x }}' },
          { name: 'e', dependsOn: ['a'], description: 'Telling of {{ tasks.a.output.x }}' },
          { name: 'f', description: 'Never {{ input.x }}' },
          { name: 'g' },
          { name: 'h' },
        ],
      },
      { input: { x: 'tea' } },
    );
    const { runtime } = bench.fermata;
    await runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'f' });
    await runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'g' });
    await bench.fail('a');
    await bench.decide(run, 'b', true);
    await bench.advance(1);
    await bench.complete('h');
    while (bench.running.length > 0) {
      if (bench.running.includes('a')) await bench.fail('a');
      else await bench.complete('b');
    }
    const facts = (await bench.facts(run)).filter(({ data }) => 'task' in data);
    const told = new Set(
      facts.map(({ type, data }) => `${type} ${String(data['task'])}: ${String(data['description'])}`),
    );
    expect([...told].toSorted()).toEqual(
      [
        ...['task_started', 'task_retrying', 'task_queued', 'task_failed'].map((type) => `${type} a: a`),
        ...['approval_requested', 'approval_resolved', 'task_queued', 'task_started', 'task_completed'].map(
          (type) => `${type} b: b`,
        ),
        'task_skipped c: c',
        'task_skipped d: Telling of tea',
        'task_skipped e: e',
        'task_cancelled f: Never tea',
        'task_cancelled g: g',
        'task_started h: h',
        'task_completed h: h',
      ].toSorted(),
    );
    expect(await bench.read(run)).toMatchObject({ status: 'completed' });
  });

  it('progress of a code task is a fact', async () => {
    const run = await bench.start({ tasks: [{ name: 'a' }] });
    bench.call('a').context.progress(40, 'almost');
    await bench.settle();
    expect((await bench.facts(run)).at(-1)).toMatchObject({
      type: 'progress',
      data: { task: 'a', percent: 40, note: 'almost' },
    });
    await bench.complete('a');
  });
});
