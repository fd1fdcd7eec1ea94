/** Events from outside: which task takes one, or for which it is kept; and what the run says where it takes none. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { compose } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import { MOST_KEPT } from '../../src/document/waits.ts';
import { FermataError } from '../../src/errors.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { folderInMemory } from '../harness/database.ts';
import { ManualClock } from '../harness/clock.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());

type Outside = { readonly type: string; readonly [field: string]: unknown };

const paid = (name: string, more: object = {}) => ({ name, kind: 'wait', event: { type: 'paid' }, ...more });
const filtered = (name: string, filter: string, more: object = {}) =>
  paid(name, { event: { type: 'paid', filter }, ...more });
async function start(tasks: readonly object[], more: object = {}, request: object = {}): Promise<string> {
  const run = await bench.start({ ...more, tasks }, request);
  // A call that is left over would be made again in the process after the next.
  onTestFinished(async () => {
    if ((await bench.read(run)).endedAt === null) await bench.fermata.runtime.cancel(run);
    await bench.settle();
  });
  return run;
}

async function send(run: string, event: Outside): Promise<number> {
  const { id } = event;
  const { seq } = await bench.fermata.runtime.send(run, event, typeof id === 'string' ? { id } : {});
  await bench.settle();
  return seq;
}

async function refusal(work: Promise<unknown>): Promise<FermataError> {
  const thrown = await work.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  );
  return thrown instanceof FermataError ? thrown : expect.fail(String(thrown));
}

/** Outputs of the tasks that have completed, by name. */
async function outputs(run: string): Promise<Record<string, unknown>> {
  const { runtime } = bench.fermata;
  const found: Record<string, unknown> = {};
  for (const { name, resultSeq } of await runtime.tasks(run, { limit: 100 }))
    if (resultSeq !== null) found[name] = ((await runtime.entry(run, resultSeq)) as { result: unknown }).result;
  return found;
}

async function ends(run: string): Promise<unknown> {
  const { status, output } = await bench.read(run);
  return { status, output };
}

describe('an event', () => {
  it('ends a wait, and is its output without its id', async () => {
    const run = await start([paid('p')]);
    expect((await bench.read(run)).status).toBe('waiting');
    expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    await send(run, { type: 'paid', id: 'm1', amount: 3 });
    expect(await ends(run)).toEqual({ status: 'completed', output: { type: 'paid', amount: 3 } });
  });

  it('E1: is taken by one task, the first in document order whose filter is true', async () => {
    const run = await start(
      [
        filtered('large', 'event.amount > 100.0'),
        paid('second', { dependsOn: ['first'] }),
        filtered('small', 'event.amount > double(input.least)'),
        paid('other', { event: { type: 'other' } }),
        { name: 'first' },
      ],
      {},
      { input: { least: 5 } },
    );
    await send(run, { type: 'paid', amount: 10 });
    expect(await outputs(run)).toEqual({ small: { type: 'paid', amount: 10 } });
    await send(run, { type: 'paid', amount: 1_000 });
    expect(Object.keys(await outputs(run))).toEqual(['large', 'small']);
  });

  it('is filtered by what earlier tasks found', async () => {
    const run = await start([{ name: 'bill' }, filtered('p', 'event.amount == tasks.bill.output.amount')]);
    await bench.complete('bill', { amount: 7 });
    expect((await refusal(send(run, { type: 'paid', amount: 6 }))).message).toContain(
      'Task "p" waits for it, and no filter is true of this event.',
    );
    await send(run, { type: 'paid', amount: 7 });
    expect(await ends(run)).toEqual({ status: 'completed', output: { type: 'paid', amount: 7 } });
  });

  it('twice with the same id is taken once, also after a restart; another event of that id is refused', async () => {
    const run = await start([paid('a'), paid('b')]);
    const first = await send(run, { type: 'paid', id: 'm', n: 1 });
    expect(await send(run, { type: 'paid', id: 'm', n: 1 })).toBe(first);
    await bench.restart();
    expect(await send(run, { type: 'paid', id: 'm', n: 1 })).toBe(first);
    expect((await refusal(send(run, { type: 'paid', id: 'm', n: 2 }))).code).toBe('idempotencyConflict');
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'running' });
  });
});

describe('an event that comes early', () => {
  it('E2: is kept, and taken in the order in which it came, by whom it is meant for', async () => {
    const run = await start([
      { name: 'first' },
      filtered('a', 'event.n != 1.0', { dependsOn: ['first'] }),
      paid('b', { dependsOn: ['a'] }),
      paid('c', { dependsOn: ['b'] }),
    ]);
    for (const n of [1, 2, 3]) await send(run, { type: 'paid', n, id: `m${n}` });
    await bench.complete('first');
    const event = (n: number) => ({ type: 'paid', n });
    expect(await outputs(run)).toEqual({ first: 'first done', a: event(2), b: event(1), c: event(3) });
  });

  it('is taken once where it came twice, across restarts, and after an approval', async () => {
    const run = await start([paid('a', { requiresApproval: true }), paid('b', { dependsOn: ['a'] })]);
    const seq = await send(run, { type: 'paid', id: 'm' });
    await bench.restart();
    expect(await send(run, { type: 'paid', id: 'm' })).toBe(seq);
    await bench.decide(run, 'a', true);
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'running' });
    expect(await send(run, { type: 'paid', id: 'm' })).toBe(seq);
    expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'running' });
  });

  it('is taken once also by a task whose outputs cannot be told, which says what it took', async () => {
    const outputs = { shared: { bad: 'result.missing' } };
    const run = await start(
      [{ name: 'first' }, paid('a', { dependsOn: ['first'], outputs }), paid('b', { dependsOn: ['first'] })],
      { config: { onTaskFailure: 'continue' } },
    );
    await send(run, { type: 'paid', id: 'm', n: 1 });
    await bench.complete('first');
    expect(await bench.statuses(run)).toEqual({ first: 'completed', a: 'failed', b: 'running' });
    const failed = (await bench.facts(run)).find(({ type }) => type === 'task_failed');
    expect(failed?.data).toMatchObject({ task: 'a', event: { type: 'paid', n: 1 } });
    expect(failed?.data['keptEvent']).toEqual(expect.any(Number));
  });

  it('is kept beside a task that waits and whose filter is false', async () => {
    const run = await start([
      filtered('strict', 'event.amount > 10.0'),
      { name: 'first' },
      paid('any', { dependsOn: ['first'] }),
    ]);
    await send(run, { type: 'paid', amount: 1 });
    await bench.complete('first');
    await send(run, { type: 'paid', amount: 11 });
    expect(await outputs(run)).toMatchObject({ strict: { amount: 11 }, any: { amount: 1 } });
  });

  it(`${MOST_KEPT} of them are kept and taken in order; one more is refused`, async () => {
    const run = await start([
      { name: 'first' },
      filtered('a', `event.n == ${MOST_KEPT - 1}.0`, { dependsOn: ['first'] }),
      paid('b', { dependsOn: ['a'] }),
    ]);
    const { runtime } = bench.fermata;
    await Promise.all(Array.from({ length: MOST_KEPT }, (_, n) => runtime.send(run, { type: 'paid', n })));
    const { code, status, data } = await refusal(send(run, { type: 'paid', n: -1 }));
    expect([code, status, data]).toEqual(['tooManyEvents', 409, { type: 'paid', kept: MOST_KEPT, most: MOST_KEPT }]);
    expect(await runtime.acceptedEvents(run)).toEqual([]);
    await bench.complete('first');
    expect(await outputs(run)).toMatchObject({ a: { n: MOST_KEPT - 1 }, b: { n: 0 } });
  });
});

describe('E4: a filter that throws', () => {
  it('is the answer where nobody takes the event, and changes nothing', async () => {
    const run = await start([filtered('p', 'event.amount > 10.0')]);
    const { code, status, message, data } = await refusal(send(run, { type: 'paid' }));
    expect([code, status]).toEqual(['expressionFailed', 422]);
    expect(message).toMatch(
      /^Task "p" waits for "paid", and its filter failed on this event: The expression "event.amount > 10.0".*amount/,
    );
    expect(data).toMatchObject({ task: 'p', expression: 'event.amount > 10.0' });
    await send(run, { type: 'paid', amount: 11 });
    expect((await bench.read(run)).status).toBe('completed');
  });

  it.each([
    ['now', 'a'],
    ['early', 'b'],
  ])('does not keep the event from others, and is stated: %s', async (when) => {
    const run = await start([
      { name: 'first' },
      filtered('a', 'event.amount > 10.0', { dependsOn: ['first'] }),
      paid('b', { dependsOn: ['first'] }),
    ]);
    if (when === 'now') await bench.complete('first');
    await send(run, { type: 'paid', note: 'no amount' });
    if (when === 'early') await bench.complete('first');
    expect(await outputs(run)).toMatchObject({ b: { note: 'no amount' } });
    const refused = (await bench.facts(run)).filter(({ type }) => type === 'event_refused');
    expect(refused.map(({ data }) => data)).toMatchObject([{ task: 'a', error: { code: 'expressionFailed' } }]);
    await send(run, { type: 'paid', amount: 11 });
    expect((await bench.read(run)).status).toBe('completed');
  });

  it('also where it gives something else than true or false', async () => {
    const run = await start([filtered('p', 'event.amount')]);
    expect((await refusal(send(run, { type: 'paid', amount: 3 }))).message).toContain(
      'gives 3; expected true or false',
    );
  });
});

describe('an event that nobody takes is refused, with what is legal', () => {
  it.each([
    ['late', [paid('a')], 'No task waits for it any more: "a" (completed).'],
    [
      'of a skipped task',
      [{ name: 'f' }, paid('a', { dependsOn: ['f'] })],
      'No task waits for it any more: "a" (skipped).',
    ],
    ['of a cancelled task', [paid('a')], 'No task waits for it any more: "a" (cancelled).'],
    ['of an unknown type', [], 'No task of the workflow waits for it.'],
  ])('%s', async (what, tasks, reason) => {
    const run = await start([...tasks, paid('z', { event: { type: 'other' } })], {
      config: { onTaskFailure: 'continue' },
    });
    if (what === 'late') await send(run, { type: 'paid' });
    if (what === 'of a skipped task') await bench.fail('f', new FermataError('codeRefused', 'no'));
    if (what === 'of a cancelled task')
      await bench.fermata.runtime.control(run, '/', { type: 'fermata.task.cancel', task: 'a' });
    const { code, status, message, data } = await refusal(send(run, { type: 'paid' }));
    expect([code, status, data]).toEqual(['eventNotAccepted', 409, { accepts: ['other'], reason }]);
    expect(message).toMatch(/It accepts: other\.$/);
    expect(await bench.fermata.runtime.acceptedEvents(run)).toEqual(['other']);
  });

  it('of a run that has ended', async () => {
    const run = await start([paid('a'), { name: 'call' }]);
    await bench.fermata.runtime.cancel(run);
    await bench.settle();
    expect((await refusal(send(run, { type: 'paid' }))).code).toBe('runEnded');
    expect(await bench.fermata.runtime.acceptedEvents(run)).toEqual([]);
  });
});

describe('a run that is paused', () => {
  it('takes events all the same, and begins nothing', async () => {
    const run = await start([paid('a'), { name: 'next', dependsOn: ['a'] }, paid('b', { dependsOn: ['next'] })]);
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.pause' });
    await send(run, { type: 'paid', n: 1 });
    await send(run, { type: 'paid', n: 2 });
    expect(await bench.statuses(run)).toMatchObject({ a: 'completed', next: 'pending' });
    await bench.fermata.runtime.control(run, '/', { type: 'fermata.resume' });
    await bench.settle();
    await bench.complete('next');
    expect(await ends(run)).toEqual({ status: 'completed', output: { type: 'paid', n: 2 } });
  });
});

describe('what a run says about events', () => {
  it('is legal, and why, or why not', async () => {
    const run = await start([
      paid('a'),
      { name: 'first' },
      paid('b', { event: { type: 'shipped' }, dependsOn: ['first'] }),
      paid('c', { event: { type: 'signed' } }),
    ]);
    await send(run, { type: 'signed' });
    await send(run, { type: 'shipped' });
    expect(await bench.fermata.runtime.outsideEvents(run)).toEqual([
      { type: 'paid', accepted: true, reason: 'Task "a" waits for it.' },
      {
        type: 'shipped',
        accepted: true,
        reason: 'A task has still to begin to wait for it; until then it is kept. 1 is kept already.',
      },
      { type: 'signed', accepted: false, reason: 'No task waits for it any more: "c" (completed).' },
    ]);
  });
});

it('what is kept and can never be taken is told', async () => {
  const run = await start([{ name: 'f' }, paid('a', { dependsOn: ['f'] }), { name: 'g' }], {
    config: { onTaskFailure: 'continue' },
  });
  await send(run, { type: 'paid' });
  await bench.fail('f', new FermataError('codeRefused', 'no'));
  expect(await bench.fermata.runtime.outsideEvents(run)).toEqual([
    {
      type: 'paid',
      accepted: false,
      reason: 'No task waits for it any more: "a" (skipped). 1 is kept that nobody took.',
    },
  ]);
  await bench.complete('g');
  expect(await bench.fermata.runtime.outsideEvents(run)).toEqual([
    { type: 'paid', accepted: false, reason: 'The run has ended. 1 is kept that nobody took.' },
  ]);
});

describe('R3: an event costs the same beside ten tasks that wait and beside 10,000', () => {
  it('in reads and in rows', async () => {
    const [few, many] = [await costOfEvent(10), await costOfEvent(10_000)];
    expect(few.reads).toBeGreaterThan(1);
    expect(many).toEqual(few);
  });
});

/** What an event asks of the store and writes into it, where `count` tasks wait, half of them for its type. */
async function costOfEvent(count: number): Promise<{ reads: number; rows: number }> {
  const cost = { reads: 0, rows: 0 };
  const folder = folderInMemory();
  const store = sqliteStore(join(folder, 'waits.db'));
  const counted =
    <Args extends unknown[], Answer>(ask: (...args: Args) => Answer) =>
    (...args: Args): Answer => {
      cost.reads++;
      return ask(...args);
    };
  const { workflows, runtime, close } = await compose({
    store: {
      ...store,
      row: counted(store.row) as typeof store.row,
      actor: counted(store.actor),
      openWaits: counted(store.openWaits),
      keptEvents: counted(store.keptEvents),
      commit: (group) => {
        for (const { entries, actors, rows } of group.runs) cost.rows += entries.length + actors.length + rows.length;
        return store.commit(group);
      },
    },
    clock: new ManualClock(),
  });
  const tasks = Array.from({ length: count }, (_, n) => ({
    name: `w${n}`,
    kind: 'wait' as const,
    event: { type: n % 2 === 0 ? 'paid' : `t${n}` },
  }));
  const workflow = await workflows.create({ name: 'waits', config: { breadth: 2 }, tasks });
  const { runId } = await execute(runtime, workflow, await workflows.definition(workflow.id, 1), {});
  await runtime.waitFor(runId, ({ status }) => status === 'waiting');
  await runtime.idle();
  Object.assign(cost, { reads: 0, rows: 0 });
  await runtime.send(runId, { type: 'paid' });
  await runtime.idle();
  expect((await runtime.task(runId, 'w0'))?.status).toBe('completed');
  expect((await runtime.task(runId, 'w2'))?.status).toBe('running');
  const found = { ...cost };
  await close();
  rmSync(folder, { recursive: true, force: true });
  return found;
}
