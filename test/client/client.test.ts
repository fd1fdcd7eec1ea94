import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { createClient, FermataClientError, type Run, type StreamEvent } from '../../src/client/index.ts';
import { openFermata } from '../harness/fermata.ts';
import { holding, startRun } from '../http/documents.ts';

const { config } = holding();
const NOW = { name: 'a', kind: 'code', function: 'now' } as const;

describe('calls', () => {
  it('go through the whole life of a workflow, typed', async () => {
    const { client, fermata } = await openFermata({ config });
    const text = readFileSync(new URL('../../examples/01-research.yaml', import.meta.url), 'utf8');
    expect(await client.validate(text)).toMatchObject({ valid: true, name: 'research', tasks: 5 });
    const workflow = await client.createWorkflow({ name: 'w', tags: ['t'], tasks: [NOW] });
    expect(await client.updateWorkflow(workflow.id, { name: 'w', tasks: [NOW, { ...NOW, name: 'b' }] })).toMatchObject({
      version: 2,
    });
    expect((await client.versions(workflow.id)).items).toHaveLength(2);
    expect((await client.workflow(workflow.id, 1)).tasks).toBe(1);
    expect((await client.workflows({ q: 'w', limit: '5' })).items[0]?.name).toBe('w');
    expect((await client.graph(workflow.id)).stages).toEqual([['a', 'b']]);
    const { runId } = await client.execute(workflow.id, { input: { x: 1 }, tags: ['r'] }, 'key');
    expect((await client.execute(workflow.id, { tags: ['r'], input: { x: 1 } }, 'key')).runId).toBe(runId);
    await fermata.runtime.waitFor(runId);
    const run = await client.run(runId);
    expectTypeOf(run).toEqualTypeOf<Run>();
    expectTypeOf(run.tasks[0]?.status).extract<string>().toEqualTypeOf<Run['tasks'][number]['status']>();
    expect(run).toMatchObject({ status: 'completed', output: { a: 'now', b: 'now' } });
    expect((await client.results(runId)).tasks).toHaveLength(2);
    expect((await client.journal(runId, { limit: '1' })).items).toHaveLength(1);
    expect((await client.snapshot(runId)).status).toBe('done');
    expect((await client.status(runId)).progress).toBe(100);
    expect((await client.runs({ status: 'completed' })).items).toHaveLength(1);
    // Numbers are numbers in a program, and texts only in a URL.
    const [first, second] = (await client.results(runId, { limit: 1 })).tasks;
    expect([first?.name, second]).toEqual(['a', undefined]);
    expect((await client.journal(runId, { after: 1, limit: 2 })).items.map(({ seq }) => seq)).toEqual([2, 3]);
    expect((await client.machines()).items[0]?.name).toBe('workflow');
    await client.deleteRun(runId);
    await client.deleteWorkflow(workflow.id);
    expect((await client.workflows()).items).toEqual([]);
  });

  it('throw what the server says', async () => {
    const { client } = await openFermata();
    const failed = await client.createWorkflow({ name: '', tasks: [] }).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(FermataClientError);
    expect(failed).toMatchObject({
      code: 'invalidDocument',
      status: 422,
      requestId: expect.any(String),
      errors: expect.arrayContaining([{ path: 'name', message: expect.any(String) }]),
    });
    await expect(client.run('none')).rejects.toMatchObject({
      code: 'notFound',
      status: 404,
      message: expect.stringContaining('No run "none"'),
    });
    await expect(client.deleteRun('none')).rejects.toMatchObject({ status: 404 });
  });

  it.each([200, 404])('say that the server is gone where it dies in the middle of its answer (%i)', async (status) => {
    const dying = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"items":', () => response.destroy());
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void dying.close());
    await once(dying, 'listening');
    const { port } = dying.address() as AddressInfo;
    const failed = await createClient({ baseUrl: `http://127.0.0.1:${port}` })
      .runs()
      .catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(FermataClientError);
    expect(failed).toMatchObject({ code: 'unreachable', status: 0, message: expect.stringContaining('cut off') });
  });

  it.each(['.', '..', ''])('refuse the name %j, which no URL can carry', async (name) => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { client } = harness;
    const { runId } = await startRun(harness, { tasks: [{ ...NOW, function: 'hold' }] });
    const refused = { code: 'invalidRequest', status: 0, message: expect.stringContaining('stand in a URL') };
    await expect(client.cancelTask(runId, name, 'only this one')).rejects.toMatchObject(refused);
    await expect(client.approve(runId, name, { approved: true })).rejects.toMatchObject(refused);
    await expect(client.deleteRun(name)).rejects.toMatchObject(refused);
    await expect(Array.fromAsync(client.stream(name))).rejects.toMatchObject(refused);
    expect((await client.run(runId)).status).toBe('running');
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
  });

  it('say where nobody answers, and what is not Fermata', async () => {
    const nobody = createClient({
      baseUrl: 'http://127.0.0.1:1',
      fetch: () => Promise.reject(new TypeError('fetch failed')),
    });
    await expect(nobody.runs()).rejects.toMatchObject({
      code: 'unreachable',
      status: 0,
      message: expect.stringContaining('fermata serve'),
    });
    const dying = createServer((request) => request.socket.destroy()).listen(0, '127.0.0.1');
    onTestFinished(() => void dying.close());
    await once(dying, 'listening');
    const cut = createClient({ baseUrl: `http://127.0.0.1:${(dying.address() as AddressInfo).port}` });
    await expect(cut.execute('w')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('may have been done. Ask again, with the same Idempotency-Key'),
    });
    const proxy = createClient({
      baseUrl: 'http://x',
      fetch: async () => new Response('<h1>Bad Gateway</h1>', { status: 502 }),
    });
    await expect(proxy.runs()).rejects.toMatchObject({
      code: 'unknown',
      status: 502,
      message: expect.stringContaining('Bad Gateway'),
    });
  });

  it('refuse a key that no header can carry', async () => {
    const { client } = await openFermata({ config });
    const { id } = await client.createWorkflow({ name: 'w', tasks: [NOW] });
    await expect(client.execute(id, {}, 'café-1')).resolves.toMatchObject({ runId: expect.any(String) });
    await expect(client.execute(id, {}, '10 €')).rejects.toMatchObject({
      name: 'FermataClientError',
      code: 'invalidRequest',
      message: expect.stringContaining('"10 €"'),
    });
  });

  it('send the headers they are given', async () => {
    const seen: Headers[] = [];
    const client = createClient({
      baseUrl: 'http://x/',
      headers: { authorization: 'Bearer k' },
      fetch: async (input, init) => (
        seen.push(new Headers(init?.headers)),
        expect(input).toBe('http://x/api/v1/runs'),
        Response.json({ items: [] })
      ),
    });
    await client.runs();
    expect(seen[0]?.get('authorization')).toBe('Bearer k');
  });
});

describe('streams', () => {
  it('yield each fact once, however often the connection is cut', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [NOW, { ...NOW, name: 'b', dependsOn: ['a'] }] });
    await harness.fermata.runtime.waitFor(runId);
    const asked: (string | null)[] = [];
    const waits: number[] = [];
    const client = createClient({
      baseUrl: 'http://localhost',
      wait: (ms) => (waits.push(ms), Promise.resolve()),
      // Every connection breaks after two events; every third attempt does not even connect.
      fetch: async (input, init) => {
        asked.push(new Headers(init?.headers).get('last-event-id'));
        if (asked.length % 3 === 0) throw new TypeError('fetch failed');
        const response = await harness.app.request(input, init);
        return response.status === 204
          ? response
          : new Response(response.body?.pipeThrough(cutAfter(2)) ?? null, response);
      },
    });
    const events = await Array.fromAsync(client.stream(runId));
    expect(events.map(({ event }) => event)).toEqual([
      'run_started',
      'task_started',
      'task_completed',
      'task_started',
      'task_completed',
      'run_completed',
    ]);
    expect(asked[0]).toBeNull();
    expect(asked).toContain(events[1]?.id);
    expect(waits.length).toBeGreaterThan(0);
  });

  it('begin behind `after`, and stop when told to', async () => {
    const hold = holding();
    const harness = await openFermata({ config: hold.config });
    const { runId } = await startRun(harness, { tasks: [{ ...NOW, function: 'hold' }] });
    const leave = new AbortController();
    const seen: StreamEvent[] = [];
    for await (const event of harness.client.stream(runId, { after: 1, signal: leave.signal })) {
      seen.push(event);
      expectTypeOf(event.data.progress).toEqualTypeOf<number | undefined>();
      leave.abort();
    }
    expect(seen.map(({ event }) => event)).toEqual(['task_started']);
    hold.release();
    await harness.fermata.runtime.waitFor(runId);
    const left: string[] = [];
    for await (const { event } of harness.client.stream(runId)) {
      left.push(event);
      break;
    }
    expect(left).toEqual(['run_started']);
  });

  it('of all runs go on until told to stop', async () => {
    const harness = await openFermata({ config });
    const { runId } = await startRun(harness, { tasks: [NOW] });
    const leave = new AbortController();
    const seen: string[] = [];
    for await (const { event, data } of harness.client.streamAll({ signal: leave.signal })) {
      expect(data.runId).toBe(runId);
      seen.push(event);
      if (event === 'run_completed') leave.abort();
    }
    expect(seen).toEqual(['run_started', 'task_started', 'task_completed', 'run_completed']);
  });

  it('wait longer each time nothing comes, and give up on what another try cannot mend', async () => {
    // Unread by a server that stood still, one of too many, and stopping.
    const passing = [408, 429, 503];
    const bounds: number[] = [];
    let tries = 0;
    const client = createClient({
      baseUrl: 'http://x',
      wait: (ms) => (bounds.push(ms), Promise.resolve()),
      fetch: async () =>
        ++tries <= 8
          ? new Response('busy', { status: passing[tries % passing.length] ?? 503 })
          : Response.json({ code: 'notFound' }, { status: 404 }),
    });
    await expect(Array.fromAsync(client.stream('r'))).rejects.toMatchObject({ code: 'notFound' });
    expect(bounds).toHaveLength(8);
    for (const [index, ms] of bounds.entries())
      expect(ms).toBeLessThanOrEqual(Math.min(15_000, 250 * 2 ** (index + 1)));
  });
});

/** Breaks a stream of events after so many of them. */
function cutAfter(events: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let left = events;
  return new TransformStream({
    transform(chunk, controller) {
      const isEvent = new TextDecoder().decode(chunk).startsWith('event:');
      if (isEvent && left-- === 0) controller.error(new TypeError('terminated'));
      else controller.enqueue(chunk);
    },
  });
}
