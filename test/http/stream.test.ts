import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { emit, setup } from 'xstate';
import { ManualClock } from '../harness/clock.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';
import { holding, startRun } from './documents.ts';

interface Connection {
  readonly response: Response;
  /** Everything that came, until the stream ended. */
  rest(): Promise<Message[]>;
  /** Events so far, once there are that many. */
  take(count: number): Promise<Message[]>;
  leave(): Promise<void>;
  /** Raw text so far. */
  text(): string;
}
interface Message extends EventSourceMessage {
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into data of every event
  readonly json: any;
}

async function connect(
  { app }: Pick<Harness, 'app'>,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Connection> {
  const response = await app.request(`/api/v1${path}`, { headers });
  const messages: Message[] = [];
  let text = '';
  const parser = createParser({
    onEvent: (event) => void messages.push({ ...event, json: JSON.parse(event.data) as unknown }),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const pull = async (): Promise<boolean> => {
    const { done, value = '' } = (await reader?.read()) ?? { done: true };
    text += value;
    parser.feed(value);
    return !done;
  };
  return {
    response,
    text: () => text,
    async rest() {
      while (await pull());
      return messages;
    },
    async take(count) {
      while (messages.length < count && (await pull()));
      return messages;
    },
    async leave() {
      await reader?.cancel();
    },
  };
}

const code = (name: string, more: object = {}) => ({ name, kind: 'code', function: 'now', ...more });
const { config } = holding();

describe('the stream of a run', () => {
  it('sends its facts flat, with ids, and closes after the last one', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, {
      tasks: [code('a', { description: 'First' }), code('b', { dependsOn: ['a'] })],
    });
    const { response, rest } = await connect(harness, `/runs/${runId}/stream`);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = await rest();
    expect(events.map(({ event }) => event)).toEqual([
      'run_started',
      'task_started',
      'task_completed',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
    expect(events.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6']);
    for (const { id, json } of events)
      expect(json).toMatchObject({
        runId,
        seq: Number(id),
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        progress: expect.any(Number),
      });
    expect(events[2]?.json).toMatchObject({ task: 'a', description: 'First', result: 'now', progress: 50 });
    expect(events[5]?.json).toMatchObject({ output: 'now', progress: 100 });
  });

  it('goes on behind Last-Event-ID or ?after=, which wins', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [code('a')] });
    const all = await (await connect(harness, `/runs/${runId}/stream`)).rest();
    const third = all[2]?.id ?? '';
    expect(await (await connect(harness, `/runs/${runId}/stream`, { 'last-event-id': third })).rest()).toEqual(
      all.slice(3),
    );
    expect(
      await (await connect(harness, `/runs/${runId}/stream?after=${third}`, { 'last-event-id': '1' })).rest(),
    ).toEqual(all.slice(3));
    expect(await (await connect(harness, `/runs/${runId}/stream?after=0`)).rest()).toEqual(all);
    const over = await connect(harness, `/runs/${runId}/stream`, { 'last-event-id': all.at(-1)?.id ?? '' });
    expect(over.response.status).toBe(204);
  });

  it('refuses a cursor that is none: 400', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [code('a')] });
    await harness.fermata.runtime.waitFor(runId);
    for (const path of [
      `/runs/${runId}/stream?after=x`,
      `/runs/${runId}/stream?after=-1`,
      '/stream?after=12',
      '/stream?after=cDF4',
    ]) {
      expect([path, (await harness.call('GET', path)).body]).toMatchObject([
        path,
        { status: 400, code: 'invalidRequest', errors: [{ path: 'query.after' }] },
      ]);
    }
    expect((await harness.call('GET', '/stream', undefined, { 'last-event-id': '%%' })).body.errors[0].path).toBe(
      'header.last-event-id',
    );
  });

  it('refuses to go on behind an event that has not been: 400', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    const query = await harness.call('GET', `/runs/${runId}/stream?after=9999`);
    expect(query.body).toMatchObject({ status: 400, errors: [{ path: 'query.after' }] });
    expect(query.body.detail).toMatch(/expected at most \d+, the id of the run's last event, came 9999/);
    const header = await harness.call('GET', `/runs/${runId}/stream`, undefined, { 'last-event-id': '9999' });
    expect(header.body).toMatchObject({ status: 400, errors: [{ path: 'header.last-event-id' }] });
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
  });

  it('HEAD answers the headers and leaves nothing behind', async () => {
    const clock = new ManualClock();
    const harness = await openFermata({ config, clock });
    const { runId, workflowId } = await startRun(harness, { tasks: [code('a')] });
    await harness.fermata.runtime.waitFor(runId);
    await harness.fermata.runtime.idle();
    const before = clock.armed;
    for (const path of ['/stream', `/runs/${runId}/stream`, `/workflows/${workflowId}/stream`]) {
      const { status, headers, body } = await harness.call('HEAD', path);
      expect([path, status, headers.get('content-type'), body]).toEqual([path, 200, 'text/event-stream', '']);
    }
    expect((await harness.app.request('/api/v1/runs/none/stream', { method: 'HEAD' })).status).toBe(404);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(clock.armed).toBe(before);
  });

  it('sends text as it comes, without ids; who joins late gets what was said so far', async () => {
    const harness = await openFermata({ script: [{ prompt: '', answers: [{ text: 'abcdefghijkl' }] }] });
    const { runId } = await startRun(harness, { tasks: [{ name: 'say', prompt: 'Say' }] });
    const events = await (await connect(harness, `/runs/${runId}/stream`)).rest();
    const deltas = events.filter(({ event }) => event === 'task_delta');
    expect(deltas.length).toBeGreaterThan(0);
    expect(deltas[0]?.json).toEqual({ runId, task: 'say', attempt: 1, offset: 0, delta: expect.any(String) });
    expect(deltas.every(({ id }) => id === undefined)).toBe(true);
    expect(deltas.map(({ json }) => json.delta).join('')).toBe('abcdefghijkl');
    const again = await (await connect(harness, `/runs/${runId}/stream`)).rest();
    expect(again.map(({ event }) => event)).not.toContain('task_delta');
  });

  it('follows a run live, and frees everything when the client goes away', async () => {
    const hold = holding();
    const clock = new ManualClock();
    const harness = await openFermata({ config: hold.config, clock });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    const connection = await connect(harness, `/runs/${runId}/stream`);
    expect((await connection.take(2)).map(({ event }) => event)).toEqual(['run_started', 'task_started']);
    const before = clock.armed;
    await connection.leave();
    // A few turns of the event loop, until word of it has come through the streams in between.
    while (clock.armed !== before - 1) await new Promise(setImmediate);
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
  });

  it('keeps the connection alive', async () => {
    const hold = holding();
    const clock = new ManualClock();
    const harness = await openFermata({ config: hold.config, clock });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    const connection = await connect(harness, `/runs/${runId}/stream`);
    await connection.take(2);
    const rest = connection.rest();
    for (let beat = 0; beat < 2; beat++) await clock.advance(15_000, () => turnsOfTheLoop());
    hold.release();
    await rest;
    expect(connection.text().match(/^: still here$/gm)).toHaveLength(2);
  });

  it('ends when the server stops, and nothing new is taken', async () => {
    const hold = holding();
    const stop = new AbortController();
    const harness = await openFermata({ config: hold.config, stopping: stop.signal });
    const { runId } = await startRun(harness, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    const connection = await connect(harness, `/runs/${runId}/stream`);
    await connection.take(2);
    stop.abort();
    expect((await connection.rest()).map(({ event }) => event)).toEqual(['run_started', 'task_started']);
    const refused = await harness.call('GET', '/runs');
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'shuttingDown', '1']);
    expect((await harness.call('GET', '/readyz')).status).toBe(503);
    expect((await harness.call('GET', '/healthz')).status).toBe(200);
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
  });

  it('ends when its run is deleted', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [code('a')] });
    await harness.fermata.runtime.waitFor(runId);
    const connection = await connect(harness, `/runs/${runId}/stream`);
    await harness.fermata.runtime.delete(runId);
    expect((await connection.rest()).length).toBeLessThanOrEqual(4);
  });

  it('carries what a machine of ones own emits', async () => {
    const bell = setup({
      types: {} as { events: { type: 'ring' }; emitted: { type: 'rang'; times: number } },
    }).createMachine({
      id: 'bell',
      initial: 'still',
      states: { still: { on: { ring: 'done' } }, done: { type: 'final', entry: emit({ type: 'rang', times: 2 }) } },
    });
    const harness = await openFermata({ config: { machines: { 'bell@1': bell } } });
    const { runId } = (await harness.call('POST', '/machines/bell/runs')).body;
    await harness.call('POST', `/runs/${runId}/events`, { type: 'ring' });
    const events = await (await connect(harness, `/runs/${runId}/stream`)).rest();
    expect(events.find(({ event }) => event === 'emitted')?.json).toMatchObject({
      runId,
      event: { type: 'rang', times: 2 },
    });
  });
});

describe('the stream of all runs', () => {
  it('is in commit order with opaque cursors, and goes on behind each of them', async () => {
    const harness = await openFermata({ config });
    const { runId: one } = await startRun(harness, { name: 'one', tasks: [code('a')] });
    const { runId: two } = await startRun(harness, { name: 'two', tasks: [code('a')] });
    for (const runId of [one, two]) await harness.fermata.runtime.waitFor(runId);
    const connection = await connect(harness, '/stream');
    const events = await connection.take(8);
    expect(events).toHaveLength(8);
    expect(new Set(events.map(({ json }) => json.runId))).toEqual(new Set([one, two]));
    expect(new Set(events.map(({ id }) => id)).size).toBe(8);
    await connection.leave();
    const later = await connect(harness, '/stream', { 'last-event-id': events[4]?.id ?? '' });
    expect(await later.take(3)).toEqual(events.slice(5));
    await later.leave();
  });
});
