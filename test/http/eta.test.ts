/** When a run will have ended, by the front door: tasks take as long as the test says, and time is the test's. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { held, holdFunctions, type HeldFunctions } from '../harness/held-functions.ts';

interface Stage extends HeldFunctions {
  readonly harness: Harness;
  readonly clock: ManualClock;
  start(document: object, input?: object): Promise<string>;
  /** Time goes on. */
  pass(seconds: number): Promise<void>;
  /** A call ends now. */
  ends(key: string, value?: unknown): Promise<void>;
  /** What `…/status` says of the ETA. */
  eta(runId: string): Promise<Readonly<Record<string, unknown>>>;
}

async function stage(): Promise<Stage> {
  const clock = new ManualClock();
  const calls = holdFunctions();
  const harness = await openFermata({ clock, config: { functions: calls.functions } });
  const { runtime } = harness.fermata;
  // What a function gives becomes an outcome some turns of the loop later.
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await runtime.idle();
    }
  };
  return {
    ...calls,
    harness,
    clock,
    async start(document, input = {}) {
      const { runId } = await harness.fermata.start(document as never, { input });
      await settle();
      return runId;
    },
    pass: (seconds) => clock.advance(seconds * 1_000, settle),
    async ends(key, value) {
      calls.end(key, value);
      await settle();
    },
    async eta(runId) {
      const { status, body } = await harness.call('GET', `/runs/${runId}/status`);
      expect(status).toBe(200);
      const entries = Object.entries(body as object).filter(([name]) => name.startsWith('eta'));
      return Object.fromEntries(entries);
    },
  };
}

const timed = (name: string, estimatedDurationSeconds: number, over: object = {}): object =>
  held(name, { estimatedDurationSeconds, ...over });

describe('the ETA of a run', () => {
  it('follows the graph with its breadth, and time', async () => {
    const { start, pass, ends, eta, harness } = await stage();
    const tasks = [timed('a', 10), timed('b', 20, { dependsOn: ['a'] }), timed('c', 5), timed('d', 8)];
    const runId = await start({ name: 'w', config: { breadth: 2 }, tasks });
    // a and c begin; c gives its place to d, b comes after a.
    expect(await eta(runId)).toEqual({ etaSeconds: 30, etaFrom: 'declared' });
    await pass(4);
    expect(await eta(runId)).toEqual({ etaSeconds: 26, etaFrom: 'declared' });
    await pass(1);
    await ends('c');
    await pass(5);
    await ends('a');
    expect(await eta(runId)).toEqual({ etaSeconds: 20, etaFrom: 'declared' });
    expect((await harness.call('GET', `/runs/${runId}`)).body).toMatchObject({ etaSeconds: 20, etaFrom: 'declared' });
    await pass(8);
    await ends('d');
    await pass(12);
    await ends('b');
    expect(await eta(runId)).toEqual({ etaSeconds: null });
  });

  it('is corrected by what tasks have taken, and says of a late one that it takes a little more', async () => {
    const { start, pass, ends, eta } = await stage();
    const runId = await start({ name: 'w', tasks: [timed('a', 10), timed('b', 30, { dependsOn: ['a'] })] });
    await pass(15);
    expect(await eta(runId)).toMatchObject({ etaSeconds: 31.5 });
    await pass(5);
    await ends('a');
    // Twice as long as expected: with two that went as expected, a third more.
    expect(await eta(runId)).toMatchObject({ etaSeconds: 40 });
    await ends('b');
  });

  it('is null with a reason where it depends on people or events, and says how long the rest takes at least', async () => {
    const { start, pass, ends, eta, harness } = await stage();
    const runId = await start({
      name: 'w',
      tasks: [
        timed('a', 10),
        timed('deploy', 5, { dependsOn: ['a'], requiresApproval: true }),
        { name: 'paid', kind: 'wait', event: { type: 'paid' }, dependsOn: ['deploy'] },
      ],
    });
    expect(await eta(runId)).toEqual({
      etaSeconds: null,
      etaReason: 'will ask for approval of "deploy" (and 1 more)',
      etaAtLeastSeconds: 15,
    });
    await ends('a');
    expect(await eta(runId)).toMatchObject({
      etaReason: 'waits for approval of "deploy" (and 1 more)',
      // It took no time at all, which is two thirds of what was expected.
      etaAtLeastSeconds: 3.3,
    });
    await harness.call('POST', `/runs/${runId}/tasks/deploy/approve`, { approved: true });
    await pass(1);
    expect(await eta(runId)).toMatchObject({
      etaReason: 'will wait for the event "paid" (paid)',
      etaAtLeastSeconds: 2.3,
    });
    await ends('deploy');
    expect(await eta(runId)).toEqual({
      etaSeconds: null,
      etaReason: 'waits for the event "paid" (paid)',
      etaAtLeastSeconds: 0,
    });
    await harness.call('POST', `/runs/${runId}/events`, { type: 'paid' });
    await pass(0);
    expect(await eta(runId)).toEqual({ etaSeconds: null });
  });

  it('knows dates: of waits and of back-offs', async () => {
    const { start, pass, ends, fail, eta, harness } = await stage();
    const date = new Date(Date.UTC(2026, 0, 1, 0, 1)).toISOString();
    const runId = await start({
      name: 'w',
      tasks: [
        { name: 'nap', kind: 'wait', seconds: 30 },
        { name: 'later', kind: 'wait', until: date, dependsOn: ['nap'] },
        timed('a', 5, { dependsOn: ['later'], retry: { maxRetries: 1, initialSeconds: 40, maxSeconds: 40 } }),
      ],
    });
    expect(await eta(runId)).toEqual({ etaSeconds: 65, etaFrom: 'declared' });
    await pass(30);
    expect(await eta(runId)).toMatchObject({ etaSeconds: 35 });
    await pass(32);
    fail('a', new Error('not yet'));
    await pass(0);
    // Chance says how long it backs off.
    const { body } = await harness.call('GET', `/runs/${runId}/journal`);
    const delay = (body.items as { type: string; data: { delaySeconds: number } }[]).find(
      ({ type }) => type === 'task_retrying',
    )?.data.delaySeconds;
    const { etaSeconds } = await eta(runId);
    expect(etaSeconds).toBeCloseTo(Number(delay) + 5, 0);
    await pass(Number(delay));
    expect(await eta(runId)).toMatchObject({ etaSeconds: 5 });
    await ends('a');
  });

  it('is not made up, but learned from earlier runs: not from their failures, back-offs and waits for people', async () => {
    const { start, pass, ends, fail, eta, harness } = await stage();
    const document = {
      name: 'w',
      tasks: [held('a'), held('b', { dependsOn: ['a'], requiresApproval: true })],
    };
    const first = await start(document);
    expect(await eta(first)).toMatchObject({ etaSeconds: null, etaAtLeastSeconds: 0 });
    await pass(100);
    fail('a', new Error('not yet'));
    await pass(3);
    await pass(7);
    await ends('a');
    await pass(3_600);
    await harness.call('POST', `/runs/${first}/tasks/b/approve`, { approved: true });
    await pass(4);
    await ends('b');
    await pass(20);

    const plain = { name: 'w', tasks: [held('a'), held('b', { dependsOn: ['a'] })] };
    const { etaSeconds, ...rest } = await eta(await start(plain));
    expect(rest).toEqual({ etaFrom: 'learned' });
    // The second call of a, which began some time in those three seconds, and the call of b.
    expect(etaSeconds).toBeGreaterThanOrEqual(11);
    expect(etaSeconds).toBeLessThanOrEqual(14);
    await ends('a');
    await ends('b');
  });

  it('names a task of which nobody knows how long it takes, until one like it has ended', async () => {
    const { start, pass, ends, eta } = await stage();
    const runId = await start({ name: 'w', tasks: [held('a'), held('b', { dependsOn: ['a'] })] });
    const { etaReason } = await eta(runId);
    expect(etaReason).toBe(
      'nobody knows how long "a" takes (nor of 1 more): write estimatedDurationSeconds, or let the workflow complete once',
    );
    await pass(6);
    await ends('a');
    expect(await eta(runId)).toEqual({ etaSeconds: 6, etaFrom: 'default' });
    await ends('b');
  });

  it('counts the items of a map, those that have ended and those at once', async () => {
    const { start, pass, ends, eta } = await stage();
    const item = { kind: 'code', function: 'hold', input: { key: 'item' }, estimatedDurationSeconds: 10 };
    const runId = await start(
      {
        name: 'w',
        config: { breadth: 5 },
        tasks: [{ name: 'each', kind: 'map', items: 'input.list', concurrency: 2, task: item }],
      },
      { list: ['k0', 'k1', 'k2', 'k3', 'k4'] },
    );
    expect(await eta(runId)).toMatchObject({ etaSeconds: 30 });
    await pass(10);
    await ends('k0');
    await ends('k1');
    expect(await eta(runId)).toMatchObject({ etaSeconds: 20 });
    await pass(4);
    expect(await eta(runId)).toMatchObject({ etaSeconds: 16 });
    for (const key of ['k2', 'k3', 'k4']) await ends(key);
  });

  it('leaves out what a condition has not chosen, and takes half of what it may yet choose', async () => {
    const { start, ends, eta } = await stage();
    const tasks = [
      timed('kind', 10),
      { name: 'which', kind: 'condition', if: 'tasks.kind.output == "long"', then: ['long'], else: ['short'] },
      timed('long', 100),
      timed('short', 2),
    ];
    const runId = await start({ name: 'w', config: { breadth: 1 }, tasks });
    expect(await eta(runId)).toMatchObject({ etaSeconds: 61 });
    await ends('kind', 'short');
    // It took no time, which makes the others a third shorter.
    expect(await eta(runId)).toMatchObject({ etaSeconds: 1.3 });
    await ends('short');
  });

  it('of a sub-workflow is its own: before it begins, while it goes on, and why nobody knows', async () => {
    const { start, pass, ends, eta, harness } = await stage();
    const child = {
      name: 'child',
      tasks: [timed('c', 20), timed('d', 4, { dependsOn: ['c'], requiresApproval: true })],
    };
    await harness.call('POST', '/workflows', child);
    const simple = { name: 'simple', tasks: [timed('e', 8)] };
    await harness.call('POST', '/workflows', simple);
    const runId = await start({
      name: 'parent',
      tasks: [
        timed('a', 1),
        { name: 'one', kind: 'subworkflow', workflow: 'simple', dependsOn: ['a'] },
        { name: 'two', kind: 'subworkflow', workflow: 'child', dependsOn: ['one'], estimatedDurationSeconds: 30 },
      ],
    });
    expect(await eta(runId)).toEqual({ etaSeconds: 39, etaFrom: 'learned' });
    await pass(1);
    await ends('a');
    await pass(3);
    expect(await eta(runId)).toMatchObject({ etaSeconds: 35 });
    await pass(5);
    await ends('e');
    await ends('c');
    const { etaSeconds, etaReason } = await eta(runId);
    expect([etaSeconds, etaReason]).toEqual([null, '"two": waits for approval of "d"']);
    await harness.call('POST', `/runs/${runId}/cancel`, { reason: 'enough' });
    await pass(0);
  });

  it('expects tasks that are still to join, and knows those that have', async () => {
    const { start, pass, ends, eta } = await stage();
    const added = (name: string, over: object = {}) => ({ ...held(name), estimatedDurationSeconds: 6, ...over });
    const tasks = [
      timed('plan', 4, { onComplete: { addTasks: 'fromOutput', allow: { functions: ['hold'] } } }),
      timed('sum', 2, { dependsOn: ['plan'] }),
    ];
    const runId = await start({ name: 'w', tasks });
    // Three are taken for granted, as long as the task itself: it says that this is a guess.
    expect(await eta(runId)).toEqual({ etaSeconds: 4 + 4 + 2, etaFrom: 'default' });
    await pass(4);
    await ends('plan', { tasks: [added('x'), added('y', { dependsOn: ['x'] })] });
    expect(await eta(runId)).toEqual({ etaSeconds: 6 + 6 + 2, etaFrom: 'declared' });
    await pass(6);
    await ends('x');
    expect(await eta(runId)).toMatchObject({ etaSeconds: 6 + 2 });
    await ends('y');
    await ends('sum');
  });

  it('stands still while the run is paused, and never says less than nothing', async () => {
    const { start, pass, ends, eta, harness, clock } = await stage();
    const runId = await start({ name: 'w', tasks: [timed('a', 10), timed('b', 10, { dependsOn: ['a'] })] });
    await harness.call('POST', `/runs/${runId}/pause`);
    await pass(2);
    expect(await eta(runId)).toEqual({ etaSeconds: null, etaReason: 'the run is paused', etaAtLeastSeconds: 18 });
    await harness.call('POST', `/runs/${runId}/resume`);
    clock.jump(-3_600_000);
    expect(await eta(runId)).toMatchObject({ etaSeconds: 20 });
    clock.jump(24 * 3_600_000);
    // As though it took very long: it is expected to take as long as it would, once more, and no hours.
    expect(await eta(runId)).toMatchObject({ etaSeconds: 20 });
    await ends('a');
    await ends('b');
    expect(await eta(runId)).toEqual({ etaSeconds: null });
  });
});

describe('the ETA in the stream of a run', () => {
  it('comes behind facts and every few seconds, without an id, for who asks for it', async () => {
    const { start, pass, ends, harness } = await stage();
    const runId = await start({ name: 'w', tasks: [timed('a', 10), timed('b', 20, { dependsOn: ['a'] })] });
    const leave = new AbortController();
    const facts: unknown[] = [];
    const told: [id: unknown, seconds: unknown][] = [];
    const watching = (async () => {
      for await (const { event, id, data } of harness.client.streamWithEta(runId, { signal: leave.signal }))
        if (event === 'eta') told.push([id, (data as { readonly etaSeconds?: unknown }).etaSeconds]);
        else facts.push(event);
    })();
    await pass(0);
    expect(told).toEqual([[undefined, 30]]);
    // Soon after the second fact, and then while nothing happens.
    await pass(5);
    await pass(5);
    expect(told.slice(1).map(([, seconds]) => seconds)).toEqual([29.5, 24.5]);
    await ends('a');
    await pass(1);
    expect(told.slice(3).map(([, seconds]) => seconds)).toEqual([20, 19.5]);
    await ends('b');
    await watching;
    expect(facts.filter((event) => event !== 'progress')).toEqual([
      'run_started',
      'task_started',
      'task_completed',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
    const plain = harness.client.stream(runId);
    for await (const { event } of plain) expect(event).not.toBe('eta');
    expect((await harness.call('GET', `/runs/${runId}/stream?eta=yes`)).status).toBe(400);
  });
});
