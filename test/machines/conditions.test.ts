/** Tasks that are skipped, and tasks that choose: what follows for the others, for slots, counts and the end of the run. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
let asked: number;
beforeEach(async () => {
  asked = 0;
  bench = await Workbench.open(
    {},
    {
      isLarge: ({ tasks }) => {
        asked++;
        return Number(tasks['a']?.output) > 5;
      },
      broken: () => {
        throw new TypeError('no such thing');
      },
    },
  );
});
afterEach(() => bench.close());

const task = (name: string, fields: object = {}) => ({ name, ...fields });
const never = (name: string, fields: object = {}) => task(name, { when: 'false', ...fields });

describe('when', () => {
  it('is asked when its turn has come; where it is false, what depends on the task runs without its output', async () => {
    const run = await bench.start({
      tasks: [
        task('a'),
        task('b', { when: 'tasks.a.output.n > 5', input: { x: 'tasks.a.output.n' } }),
        task('c', { dependsOn: ['b'], input: { b: 'tasks.b.status', x: 'tasks.b.?output.orValue("nothing")' } }),
      ],
    });
    await bench.complete('a', { n: 3 });
    expect(bench.call('c').input).toEqual({ b: 'skipped', x: 'nothing' });
    await bench.complete('c', 'done');
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'skipped', c: 'completed' });
    expect(await bench.read(run)).toMatchObject({
      status: 'completed',
      output: 'done',
      progress: 100,
      counts: { settled: 3, completed: 2, skipped: 1 },
    });
    expect((await bench.facts(run)).filter(({ type }) => type === 'task_skipped')).toMatchObject([
      {
        data: {
          task: 'b',
          reason: 'Its condition is false: tasks.a.output.n > 5.',
          condition: { expression: 'tasks.a.output.n > 5', values: { 'tasks.a.output.n': 3 } },
        },
      },
    ]);
  });

  it('runs the task where it is true', async () => {
    const run = await bench.start({ tasks: [task('a'), task('b', { when: 'tasks.a.output == 7' })] });
    await bench.complete('a', 7);
    await bench.complete('b');
    expect((await bench.read(run)).output).toBe('b done');
  });

  it('comes before the approval, and before texts that read what only then is there', async () => {
    const run = await bench.start({
      tasks: [
        task('a'),
        never('b', { requiresApproval: true, approvalPrompt: '{{ tasks.a.output.missing }}?', dependsOn: ['a'] }),
        task('c', { when: 'tasks.a.output.n == 1', requiresApproval: true }),
      ],
    });
    await bench.complete('a', { n: 1 });
    expect(await bench.statuses(run)).toMatchObject({ b: 'skipped', c: 'awaitingApproval' });
    await bench.decide(run, 'c', true);
    await bench.complete('c');
    expect(await bench.story(run)).not.toContain('approval_requested b');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', counts: { skipped: 1 } });
  });

  it('that fails is a failure of its task: with the expression and the missing key, never silently false', async () => {
    const run = await bench.start({
      config: { onTaskFailure: 'continue' },
      tasks: [task('a'), task('b', { when: 'tasks.a.output.timeline > 5' }), task('c', { dependsOn: ['b'] })],
    });
    await bench.complete('a', { n: 1 });
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'failed', c: 'skipped' });
    expect(await bench.read(run)).toMatchObject({
      status: 'failed',
      reason: {
        code: 'expressionFailed',
        data: { expression: 'tasks.a.output.timeline > 5', column: 16, missing: 'timeline' },
      },
    });
    expect(bench.began).toEqual(['a']);
  });

  it('that gives neither true nor false is a failure too', async () => {
    const run = await bench.start({ tasks: [task('a'), task('b', { when: 'tasks.a.output.n' })] });
    await bench.complete('a', { n: 'yes' });
    expect((await bench.read(run)).reason).toMatchObject({
      code: 'expressionFailed',
      message: expect.stringContaining('gives a text ("yes"), and a condition has to give true or false'),
    });
  });

  it('may be a registered predicate, asked once: after a restart the journal knows what it said', async () => {
    const run = await bench.start({
      tasks: [
        task('a'),
        task('b', { dependsOn: ['a'], when: { predicate: 'isLarge' } }),
        task('c', { dependsOn: ['b'] }),
      ],
    });
    await bench.complete('a', 3);
    await bench.restart();
    await bench.complete('c');
    expect([asked, (await bench.statuses(run))['b']]).toEqual([1, 'skipped']);
    const [skipped] = (await bench.facts(run)).filter(({ type }) => type === 'task_skipped');
    expect(skipped?.data['condition']).toEqual({ predicate: 'isLarge' });
  });

  it('a predicate that throws, or is gone, is a failure of its task', async () => {
    const config = { config: { onTaskFailure: 'continue' } };
    const tasks = [task('a'), task('b', { dependsOn: ['a'], when: { predicate: 'broken' } })];
    const threw = await bench.start({ ...config, tasks });
    await bench.complete('a');
    expect((await bench.read(threw)).reason).toMatchObject({
      code: 'expressionFailed',
      message: 'The predicate "broken" threw: no such thing.',
    });
    const gone = await bench.start({
      ...config,
      tasks: [task('a'), task('b', { dependsOn: ['a'], when: { predicate: 'x' } })],
    });
    await bench.complete('a');
    expect((await bench.read(gone)).reason).toMatchObject({ code: 'functionMissing' });
  });
});

describe('a skipped task', () => {
  it('gives its slot to the next: a chain of 1,000 of them in one go', async () => {
    const chain = Array.from({ length: 1_000 }, (_, index) =>
      never(`t${index}`, index === 0 ? {} : { dependsOn: [`t${index - 1}`] }),
    );
    const run = await bench.start({ config: { breadth: 1 }, tasks: [...chain, task('end', { dependsOn: ['t999'] })] });
    expect(bench.running).toEqual(['end']);
    await bench.complete('end');
    expect(await bench.read(run)).toMatchObject({ status: 'completed', counts: { skipped: 1_000, completed: 1 } });
  });

  it('that is the last one leaves the run without an output; of several, those that ran are the output', async () => {
    const one = await bench.start({ tasks: [task('a'), never('b', { dependsOn: ['a'] })] });
    await bench.complete('a');
    const { status, output } = await bench.read(one);
    expect({ status, output }).toEqual({ status: 'completed', output: undefined });
    const all = await bench.start({ tasks: [never('a'), never('b')] });
    expect(await bench.read(all)).toMatchObject({ status: 'completed', output: {}, progress: 100 });
    const some = await bench.start({ tasks: [never('a'), task('b')] });
    await bench.complete('b');
    expect(await bench.read(some)).toMatchObject({ status: 'completed', output: { b: 'b done' } });
  });

  it('takes along what depends on it, where its policy is to cascade; the run goes on otherwise', async () => {
    const run = await bench.start({
      tasks: [
        never('a', { skipPolicy: 'cascade' }),
        task('b', { dependsOn: ['a', 'other'] }),
        task('c', { dependsOn: ['b'], description: 'See {{ tasks.b.output }}' }),
        task('other'),
        task('last', { dependsOn: ['other'] }),
      ],
    });
    expect(bench.running).toEqual(['other']);
    await bench.complete('other');
    await bench.complete('last');
    expect(await bench.statuses(run)).toEqual({
      a: 'skipped',
      b: 'skipped',
      c: 'skipped',
      other: 'completed',
      last: 'completed',
    });
    expect((await bench.read(run)).status).toBe('completed');
    const reasons = (await bench.facts(run)).map(({ data }) => data['reason']).filter((reason) => reason !== undefined);
    expect(reasons).toEqual(['Its condition is false: false.', ...Array(2).fill('It needs "a", which was skipped.')]);
  });

  it('cascades past what merely comes later: sequential goes on', async () => {
    const run = await bench.start({
      config: { strategy: 'sequential' },
      tasks: [never('a', { skipPolicy: 'cascade' }), task('b', { dependsOn: ['a'] }), task('c'), never('d'), task('e')],
    });
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
    await bench.complete('e');
    expect(await bench.statuses(run)).toEqual({
      a: 'skipped',
      b: 'skipped',
      c: 'completed',
      d: 'skipped',
      e: 'completed',
    });
  });

  it('stays skipped where the run is cancelled afterwards', async () => {
    const run = await bench.start({
      tasks: [never('a'), task('b', { dependsOn: ['a'] }), task('c', { dependsOn: ['b'] })],
    });
    await bench.fermata.runtime.cancel(run);
    await bench.settle();
    expect(await bench.statuses(run)).toMatchObject({ a: 'skipped', b: 'cancelled' });
    expect((await bench.read(run)).status).toBe('cancelled');
  });

  it('is skipped after a pause, not in it', async () => {
    const run = await bench.start({
      tasks: [task('a'), never('b', { dependsOn: ['a'] }), task('c', { dependsOn: ['b'] })],
    });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.pause' });
    await bench.settle();
    await bench.complete('a');
    expect((await bench.statuses(run))['b']).toBe('pending');
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    expect(bench.running).toEqual(['c']);
    await bench.complete('c');
    expect((await bench.read(run)).status).toBe('completed');
  });
});

describe('a condition', () => {
  const choice = (fields: object) => ({ name: 'choice', kind: 'condition', ...fields });

  it('chooses a branch, holds a slot for no time, and gives what it decided', async () => {
    const run = await bench.start({
      tasks: [
        task('a'),
        choice({ if: 'tasks.a.output.risk == "high"', then: ['stocks', 'options'], else: ['bonds'] }),
        task('stocks'),
        task('options'),
        task('bonds', { requiresApproval: true }),
        task('sum', { dependsOn: ['stocks', 'bonds'], input: { chosen: 'tasks.choice.output.chosen' } }),
      ],
    });
    await bench.complete('a', { risk: 'high' });
    expect(bench.running).toEqual(['stocks', 'options']);
    for (const name of ['stocks', 'options']) await bench.complete(name);
    expect(bench.call('sum').input).toEqual({ chosen: ['stocks', 'options'] });
    await bench.complete('sum');
    expect(await bench.statuses(run)).toMatchObject({ choice: 'completed', bonds: 'skipped' });
    const facts = await bench.facts(run);
    const condition = {
      expression: 'tasks.a.output.risk == "high"',
      values: { 'tasks.a.output.risk': 'high' },
      value: true,
      branch: 'then',
    };
    expect(facts.find(({ type, data }) => type === 'task_completed' && data['task'] === 'choice')?.data).toMatchObject({
      result: { value: true, branch: 'then', chosen: ['stocks', 'options'] },
      condition,
    });
    expect(facts.find(({ type }) => type === 'task_skipped')?.data).toMatchObject({
      task: 'bonds',
      reason: 'The condition "choice" chose then: tasks.a.output.risk == "high" is true.',
      condition: { task: 'choice', ...condition },
    });
  });

  it('inside a branch of another one chooses nothing where it was not chosen itself', async () => {
    const run = await bench.start({
      tasks: [
        choice({ if: 'false', then: ['inner'] }),
        { name: 'inner', kind: 'condition', if: 'true', then: ['x'], else: ['y'] },
        task('x'),
        task('y'),
        task('end', { dependsOn: ['x', 'y'] }),
      ],
    });
    await bench.complete('end');
    expect(await bench.statuses(run)).toEqual({
      choice: 'completed',
      inner: 'skipped',
      x: 'skipped',
      y: 'skipped',
      end: 'completed',
    });
    const reasons = (await bench.facts(run)).flatMap(({ type, data }) =>
      type === 'task_skipped' ? data['reason'] : [],
    );
    expect(reasons).toEqual([
      'The condition "choice" has no branch for this: false is false.',
      'The condition "inner" is skipped and has chosen nothing.',
      'The condition "inner" is skipped and has chosen nothing.',
    ]);
  });

  it('that was refused by a person whose author said skip chooses nothing', async () => {
    const run = await bench.start({
      tasks: [choice({ if: 'true', then: ['x'], requiresApproval: true, onReject: 'skip' }), task('x')],
    });
    await bench.decide(run, 'choice', false);
    expect(await bench.statuses(run)).toEqual({ choice: 'rejected', x: 'skipped' });
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('that is approved after a restart decides what it had found', async () => {
    const run = await bench.start({
      tasks: [
        choice({ if: { predicate: 'isLarge' }, dependsOn: ['a'], else: ['x'], requiresApproval: true }),
        task('a'),
        task('x'),
      ],
    });
    await bench.complete('a', 2);
    await bench.restart();
    await bench.decide(run, 'choice', true);
    await bench.complete('x');
    expect(asked).toBe(1);
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('that fails takes its branches along, or ends the run', async () => {
    const tasks = [task('a'), choice({ if: 'tasks.a.output.zz', then: ['x'], else: ['y'] }), task('x'), task('y')];
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks });
    await bench.complete('a', {});
    expect(await bench.statuses(run)).toEqual({ a: 'completed', choice: 'failed', x: 'skipped', y: 'skipped' });
    const stopped = await bench.start({ tasks });
    await bench.complete('a', {});
    expect(await bench.read(stopped)).toMatchObject({ status: 'failed', reason: { code: 'expressionFailed' } });
  });

  it('a task that two conditions name runs where one of them chooses it, and its own condition holds', async () => {
    const conditions = (one: boolean, other: boolean) => [
      { name: 'one', kind: 'condition', if: String(one), then: ['x'] },
      { name: 'other', kind: 'condition', if: String(other), then: ['x', 'y'] },
    ];
    const both = [task('x'), task('y', { when: 'false' })];
    const run = await bench.start({ tasks: [...conditions(false, true), ...both] });
    await bench.complete('x');
    expect(await bench.statuses(run)).toMatchObject({ x: 'completed', y: 'skipped' });
    const none = await bench.start({ tasks: [...conditions(false, false), ...both] });
    expect(await bench.statuses(none)).toMatchObject({ x: 'skipped', y: 'skipped' });
  });
});
