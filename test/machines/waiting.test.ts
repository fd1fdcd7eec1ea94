/** Tasks that wait, and what follows: dates, timeouts, downtime, cancellation. Events are in outside-events.test.ts. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());

const HOUR = 3_600;
const MONTH = 30 * 24 * HOUR;
const wait = (name: string, more: object) => ({ name, kind: 'wait', ...more });
const isoIn = (seconds: number): string => new Date(bench.clock.now() + seconds * 1_000).toISOString();

async function start(tasks: readonly object[], more: object = {}, request: object = {}): Promise<string> {
  const run = await bench.start({ ...more, tasks }, request);
  onTestFinished(async () => {
    if ((await bench.read(run)).endedAt === null) await bench.fermata.runtime.cancel(run);
    await bench.settle();
  });
  return run;
}

async function ends(run: string): Promise<unknown> {
  const { status, output } = await bench.read(run);
  return { status, output };
}

/** The process is down for so long. */
async function down(seconds: number): Promise<void> {
  await bench.fermata.close();
  bench.clock.jump(seconds * 1_000);
  await bench.restart();
}

describe('a wait for a time', () => {
  it('holds no slot and no memory, and its output is the date', async () => {
    const run = await start([wait('nap', { seconds: HOUR }), { name: 'work' }], { config: { breadth: 1 } });
    const due = isoIn(HOUR);
    expect(bench.running).toEqual(['work']);
    await bench.complete('work');
    expect((await bench.read(run)).status).toBe('waiting');
    expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    await bench.advance(HOUR - 1);
    expect((await bench.read(run)).status).toBe('waiting');
    await bench.advance(1);
    expect(await ends(run)).toEqual({ status: 'completed', output: { nap: due, work: 'work done' } });
    const facts = await bench.facts(run);
    expect(facts.find(({ type, data }) => type === 'task_started' && data['task'] === 'nap')?.data).toMatchObject({
      waitsFor: { date: due },
    });
  });

  it.each([
    ['a date', { until: '2026-01-20T00:00:00Z' }, '2026-01-20T00:00:00.000Z'],
    ['CEL', { until: 'input.at' }, '2026-01-21T00:00:00.000Z'],
  ])('until %s', async (_, until, date) => {
    const run = await start([wait('w', until)], {}, { input: { at: '2026-01-21' } });
    expect(bench.clock.now()).toBeLessThan(Date.parse(date));
    expect((await bench.read(run)).status).toBe('waiting');
    bench.clock.jump(Date.parse(date) - bench.clock.now() - 1);
    await bench.advance(HOUR);
    expect(await ends(run)).toEqual({ status: 'completed', output: date });
  });

  it('is over at once where the date has passed', async () => {
    const run = await start([wait('w', { until: '2020-02-29' })]);
    await bench.advance(0);
    expect(await ends(run)).toEqual({ status: 'completed', output: '2020-02-29T00:00:00.000Z' });
  });

  it('fails, and says why, where its expression gives no date', async () => {
    const run = await start([wait('w', { until: 'input.at' })], {}, { input: { at: 'soon' } });
    const { status, reason } = await bench.read(run);
    expect([status, reason?.code]).toEqual(['failed', 'expressionFailed']);
    expect(reason?.message).toContain('The expression "input.at" gives "soon"; expected a date');
  });

  it('begins after its approval, not before', async () => {
    const run = await start([wait('w', { seconds: HOUR, requiresApproval: true })]);
    await bench.advance(10 * HOUR);
    const due = isoIn(HOUR);
    await bench.decide(run, 'w', true);
    await bench.advance(HOUR - 1);
    expect((await bench.read(run)).status).toBe('waiting');
    await bench.advance(1);
    expect(await ends(run)).toEqual({ status: 'completed', output: due });
  });
});

describe('R10: a wait keeps its date across downtime', () => {
  it('and what came due meanwhile is over at once', async () => {
    const due = isoIn(MONTH / 2);
    const past = await start([wait('w', { seconds: MONTH / 2 })]);
    const timeout = await start([
      wait('w', { event: { type: 'paid' }, timeoutSeconds: MONTH - 1, onTimeout: 'continue' }),
    ]);
    const later = await start([wait('w', { seconds: MONTH + HOUR })]);
    await down(MONTH);
    await bench.advance(0);
    expect(await ends(past)).toEqual({ status: 'completed', output: due });
    expect(await ends(timeout)).toEqual({ status: 'completed', output: null });
    await bench.advance(HOUR - 1);
    expect((await bench.read(later)).status).toBe('waiting');
    await bench.advance(1);
    expect((await bench.read(later)).status).toBe('completed');
  });
});

describe('onTimeout, where nothing came in time', () => {
  const tasks = (onTimeout?: string) => [
    wait('w', { event: { type: 'paid' }, timeoutSeconds: 60, ...(onTimeout === undefined ? {} : { onTimeout }) }),
    { name: 'after', dependsOn: ['w'], input: { got: 'tasks.w.?output.orValue("nothing")' } },
  ];
  const runOf = async (onTimeout?: string, config: object = {}): Promise<string> => {
    const run = await start(tasks(onTimeout), { config });
    await bench.advance(60);
    return run;
  };

  it.each([[undefined], ['fail']])('%s: it ends timedOut, as after a failed task', async (onTimeout) => {
    const run = await runOf(onTimeout);
    const { status, reason } = await bench.read(run);
    expect([status, reason?.code]).toEqual(['failed', 'waitTimedOut']);
    expect(reason?.message).toBe(
      'No event "paid" that it takes came for task "w" within 60 s. Raise timeoutSeconds, or say with onTimeout what is to follow.',
    );
    expect(await bench.statuses(run)).toEqual({ w: 'timedOut' });
  });

  it('fail, where the run goes on after failures: what depends on it is skipped', async () => {
    const run = await runOf('fail', { onTaskFailure: 'continue' });
    expect(await bench.statuses(run)).toEqual({ w: 'timedOut', after: 'skipped' });
  });

  it('skip: it ends timedOut, and what depends on it runs', async () => {
    const run = await runOf('skip');
    expect(bench.call('after').input).toEqual({ got: 'nothing' });
    await bench.complete('after');
    expect((await bench.read(run)).status).toBe('completed');
    expect(await bench.statuses(run)).toEqual({ w: 'timedOut', after: 'completed' });
  });

  it('continue: it completes with null', async () => {
    const run = await runOf('continue');
    expect(bench.call('after').input).toEqual({ got: null });
    await bench.complete('after');
    expect(await bench.statuses(run)).toEqual({ w: 'completed', after: 'completed' });
  });

  it('bounds a time as well', async () => {
    const run = await start([wait('w', { seconds: HOUR, timeoutSeconds: 60 })]);
    await bench.advance(60);
    expect((await bench.read(run)).reason?.message).toContain('Its time did not come for task "w" within 60 s.');
  });

  it('an event that came in time leaves no timer behind', async () => {
    const run = await start([...tasks(), { name: 'work' }]);
    await bench.fermata.runtime.send(run, { type: 'paid' });
    await bench.settle();
    const { pendingTimers } = await bench.fermata.runtime.snapshot(run);
    expect(pendingTimers.map(({ event }) => event)).not.toContain('fermata.task.waitTimedOut');
    await bench.advance(60);
    expect(await bench.statuses(run)).toMatchObject({ w: 'completed', after: 'running' });
  });
});

it('a wait is cancelled, alone and with its run', async () => {
  const tasks = [wait('a', { event: { type: 'paid' }, timeoutSeconds: 60 }), wait('b', { seconds: 60 })];
  const run = await start(tasks, { config: { onTaskFailure: 'continue' } });
  await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'a', reason: 'not needed' });
  await bench.settle();
  expect(await bench.statuses(run)).toEqual({ a: 'cancelled', b: 'running' });
  await bench.fermata.runtime.cancel(run);
  await bench.settle();
  expect(await bench.statuses(run)).toEqual({ a: 'cancelled', b: 'cancelled' });
  expect((await bench.fermata.runtime.snapshot(run)).pendingTimers).toEqual([]);
});
