/** Runs, live or over, as the Stately Inspector is told of them. */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { assign, fromPromise, sendParent, sendTo, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { FORMAT_VERSION } from '../../inspector/messages.ts';
import { statelyBridge } from '../../inspector/bridge.ts';
import { Workbench } from '../harness/documents.ts';
import { openRuntime } from '../harness/runtime.ts';
import { rootEnded, serveBridge, story, TOKEN } from './bridge-server.ts';

const waiter = setup({}).createMachine({
  id: 'waiter',
  initial: 'listening',
  states: {
    listening: { on: { order: { actions: sendParent({ type: 'noted' }), target: 'resting' } } },
    resting: { type: 'final' },
  },
});

/** A machine with a child, an effect and a pause in between. */
const kitchen = setup({
  types: {} as { context: { dish: string; made: unknown }; input: { dish: string } },
  actors: { waiter, cook: fromPromise(({ input }: { input: string }) => Promise.resolve(`hot ${input}`)) },
}).createMachine({
  id: 'kitchen',
  context: ({ input }) => ({ dish: input.dish, made: undefined }),
  initial: 'open',
  states: {
    open: {
      invoke: { src: 'waiter', id: 'waiter' },
      entry: sendTo('waiter', { type: 'order' }),
      on: { noted: 'paused' },
    },
    paused: { on: { start: 'cooking' } },
    cooking: {
      invoke: {
        src: 'cook',
        id: 'cook',
        input: ({ context }) => context.dish,
        onDone: { target: 'done', actions: assign({ made: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.made,
});

const begun = [
  'actor /',
  'event outside → / xstate.init',
  'snapshot / "open"',
  'actor /waiter',
  'event / → /waiter xstate.init',
  'snapshot /waiter "listening"',
  'event / → /waiter order',
  'snapshot /waiter "resting"',
  'event /waiter → / noted',
  'snapshot / "paused"',
  'event /waiter → / xstate.done.actor.waiter',
  'snapshot / "paused"',
];
const cooked = [
  'event outside → / start',
  'snapshot / "cooking"',
  'actor /cook',
  'event / → /cook xstate.init',
  'snapshot /cook "active"',
  'event /cook → /cook xstate.promise.resolve',
  'snapshot /cook "done"',
  'event /cook → / xstate.done.actor.cook',
  'snapshot / "done"',
];

describe('the Stately bridge', () => {
  it('speaks the format of the package it is for', () => {
    const path = new URL('../../node_modules/@statelyai/inspect/package.json', import.meta.url);
    expect((JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version).toBe(FORMAT_VERSION);
  });

  it('tells a finished run from its journal, in order', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen } });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    await under.runtime.send(runId, { type: 'start' });
    await under.runtime.waitFor(runId);

    const messages = await (await serveBridge({ runtime: under.runtime })).receive(runId, rootEnded);

    expect(story(messages, runId)).toEqual([...begun, ...cooked]);
    const [root] = messages;
    expect(root).toMatchObject({
      type: '@xstate.actor',
      name: 'kitchen',
      sessionId: `${runId}/`,
      rootId: `${runId}/`,
      _version: FORMAT_VERSION,
      snapshot: { status: 'active', value: 'open', context: { dish: 'soup' }, tags: [], children: {} },
    });
    expect(root?.createdAt).toMatch(/^\d{13}$/);
    const definition = JSON.parse(root?.type === '@xstate.actor' ? (root.definition ?? '') : '') as { states: object };
    expect(Object.keys(definition.states)).toEqual(['open', 'paused', 'cooking', 'done']);
    expect(messages.at(-1)).toMatchObject({ snapshot: { status: 'done', output: 'hot soup' } });
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  });

  it('tells a live run as it goes on, and every reader from the beginning', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen } });
    const server = await serveBridge({ runtime: under.runtime });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    const paused = (messages: readonly unknown[]): boolean => messages.length >= begun.length;
    const early = server.receive(runId, rootEnded);
    await server.receive(runId, paused);
    await under.runtime.send(runId, { type: 'start' });
    const told = story(await early, runId);
    expect(told.slice(0, begun.length)).toEqual(begun);
    expect(told.slice(-cooked.length)).toEqual(cooked);
  });

  it('shows a run that another process went on with as the same actors', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen } });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    const before = await (
      await serveBridge({ runtime: under.runtime })
    ).receive(runId, (messages) => messages.length >= begun.length);
    await under.restart();
    await under.runtime.send(runId, { type: 'start' });
    const after = await (await serveBridge({ runtime: under.runtime })).receive(runId, rootEnded);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(new Set(after.map(({ sessionId }) => sessionId))).toEqual(
      new Set([`${runId}/`, `${runId}/waiter`, `${runId}/cook`]),
    );
  });

  it('shows the tasks of a workflow as its actors, and their calls as theirs', async () => {
    const bench = await Workbench.open();
    const runId = await bench.start({ tasks: [{ name: 'plan' }, { name: 'write', dependsOn: ['plan'] }] });
    await bench.complete('plan');
    await bench.complete('write', 'the end');
    const messages = await (await serveBridge({ runtime: bench.fermata.runtime })).receive(runId, rootEnded);
    await bench.close();
    const parents = messages.flatMap((message) =>
      message.type === '@xstate.actor' ? [[message.sessionId, message.parentId]] : [],
    );
    expect(parents).toEqual([
      [`${runId}/`, undefined],
      [`${runId}/plan`, `${runId}/`],
      [`${runId}/plan/call`, `${runId}/plan`],
      [`${runId}/write`, `${runId}/`],
      [`${runId}/write/call`, `${runId}/write`],
    ]);
    expect(story(messages, runId)).toContain('event /plan → / xstate.done.actor.plan');
  });

  it('lets no secret leave, wherever it stands', async () => {
    const canary = 'canary-5f1d';
    const known = 'known-value-77';
    const vault = setup({
      types: {} as { context: { given: unknown; settings: object; tokens: object }; input: unknown },
      actors: {
        fetch: fromPromise(({ input }: { input: unknown }) =>
          Promise.resolve({ password: canary, echo: input, key: known }),
        ),
      },
    }).createMachine({
      id: 'vault',
      context: ({ input }) => ({
        settings: { apiKey: canary, header: `Bearer ${canary}` },
        given: input,
        tokens: { inputTokens: 12 },
      }),
      initial: 'password',
      states: {
        password: {
          meta: { secret: canary, note: `the key ${known}` },
          invoke: {
            src: 'fetch',
            id: 'fetch',
            input: ({ context }: { context: { given: unknown } }) => context.given,
            onDone: 'token',
          },
        },
        token: { type: 'final' },
      },
      output: ({ context }) => ({
        clientSecret: canary,
        note: `${known}!`,
        count: context.tokens,
      }),
    });
    const under = await openRuntime({ machines: { 'vault@1': vault } });
    const { runId } = await under.runtime.start('vault', {
      input: {
        Authorization: canary,
        text: `{"access_token": "${canary}"} https://x:${canary}@host/?api_key=${canary}`,
      },
    });
    await under.runtime.waitFor(runId);
    const server = await serveBridge({ runtime: under.runtime, secrets: [known, undefined] });
    const messages = await server.receive(runId, rootEnded);
    const text = JSON.stringify(messages);
    expect(text).not.toContain(canary);
    expect(text).not.toContain(known);
    const [root] = messages;
    const definition = root?.type === '@xstate.actor' ? (root.definition ?? '') : '';
    // States may be called what they like, and counts of tokens are none.
    expect(Object.keys((JSON.parse(definition) as { states: object }).states)).toEqual(['password', 'token']);
    expect(messages.at(-1)).toMatchObject({
      snapshot: {
        value: 'token',
        output: { clientSecret: '[redacted]', note: '[redacted]!', count: { inputTokens: 12 } },
      },
    });
  });

  it('refuses a wrong token, a foreign origin, a foreign name and an unknown run', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen }, leavesWork: true });
    const server = await serveBridge({ runtime: under.runtime });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    const status = async (url: string, headers: Record<string, string> = {}): Promise<number | 'open'> => {
      const socket = new WebSocket(url, { headers });
      return new Promise((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
        socket.on('error', () => {});
        socket.on('open', () => resolve('open'));
      });
    };
    expect(await status(server.relay(runId))).toBe('open');
    expect(await status(server.relay(runId), { origin: server.origin })).toBe('open');
    expect(await status(server.relay(runId, 'wrong-token-of-this-test'))).toBe(401);
    expect(await status(server.relay(runId, ''))).toBe(401);
    expect(await status(server.relay(runId), { origin: 'https://evil.example' })).toBe(403);
    expect(await status(server.relay(runId), { origin: 'null' })).toBe(403);
    expect(await status(server.relay(runId), { host: 'evil.example' })).toBe(403);
    expect(await status(server.relay('nobody'))).toBe(404);
  });

  it('serves a page that holds the inspector and gives it nothing of the address', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen }, leavesWork: true });
    const server = await serveBridge({ runtime: under.runtime, url: 'https://inspector.example/ui' });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    const page = await fetch(server.bridge.link(server.origin, runId));
    expect(page.status).toBe(200);
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('content-security-policy')).toContain('frame-src https://inspector.example;');
    expect(await page.text()).toContain(`/inspect/stately/ws?run=${runId}`);
    const list = await fetch(server.bridge.link(server.origin));
    expect(await list.text()).toContain(`run=${runId}`);
    expect((await fetch(`${server.origin}/inspect/stately?run=${runId}`)).status).toBe(401);
    expect((await fetch(server.bridge.link(server.origin, 'nobody'))).status).toBe(404);
  });

  it('links the runs that belong together, both ways', async () => {
    const bench = await Workbench.open();
    const inner = { name: 'inner', tasks: [{ name: 'deep', kind: 'code', function: 'work', maxRetries: 0 }] };
    const run = await bench.start({
      tasks: [{ name: '<phase>', kind: 'subworkflow', workflow: inner, maxRetries: 0 }],
    });
    await bench.fail('deep');
    const fork = await bench.fork(run, { point: { retry: true } });
    const { runtime } = bench.fermata;
    const childOf = async (id: string): Promise<string> =>
      (await runtime.list({ parent: id, limit: 1 }))[0]?.runId ?? '';
    const [child, again] = [await childOf(run), await childOf(fork)];
    const { bridge, origin } = await serveBridge({ runtime });
    const pageOf = async (id: string): Promise<string> => (await fetch(bridge.link(origin, id))).text();
    const link = (id: string): string =>
      `<a href="/inspect/stately?run=${id}&#38;token=${TOKEN}"><code>${id}</code></a>`;
    expect(await pageOf(run)).toContain(
      `Begun by its tasks: ${link(child)} (task &#60;phase&#62;) <span class="failed">failed</span></p>`,
    );
    expect(await pageOf(run)).toContain(`Take over from it: ${link(fork)} <span class="waiting">waiting</span>`);
    expect(await pageOf(again)).toContain(`Begun by: ${link(fork)} (task &#60;phase&#62;)`);
    expect(await pageOf(again)).toContain(`Takes over from: ${link(child)} <span class="failed">failed</span>`);
    expect(await pageOf(child)).toContain(`Begun by: ${link(run)} (task &#60;phase&#62;)`);
    await bench.complete('deep');
    await runtime.delete(run);
    expect(await pageOf(child)).toContain(
      `Begun by: <code>${run}</code> (task &#60;phase&#62;) <span class="deleted">deleted</span>`,
    );
    await bench.close();
  });

  it('tells readers that the server stops', async () => {
    const under = await openRuntime({ machines: { 'kitchen@1': kitchen }, leavesWork: true });
    const server = await serveBridge({ runtime: under.runtime });
    const { runId } = await under.runtime.start('kitchen', { input: { dish: 'soup' } });
    const socket = new WebSocket(server.relay(runId));
    await once(socket, 'open');
    server.bridge.close();
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1001);
  });

  it('wants a real token and a real address', () => {
    const runtime = {} as Parameters<typeof statelyBridge>[0]['runtime'];
    expect(() => statelyBridge({ runtime, token: 'short' })).toThrow(/16 random/);
    expect(() => statelyBridge({ runtime, token: TOKEN, url: 'nowhere' })).toThrow(/expected a URL/);
  });
});
