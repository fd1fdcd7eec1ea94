/** Shared values as users see them: over HTTP, in the stream, and in the terminal. */
import { describe, expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';

const DOCUMENT = {
  name: 'shares',
  tasks: [
    {
      name: 'a',
      kind: 'code',
      function: 'make',
      outputs: { shared: { 'é/ü': 'result.x', b: 'result', c: 3 } },
    },
    { name: 'p', prompt: 'Say {{ shared.c }} {{ shared["é/ü"] }}', dependsOn: ['a'] },
  ],
};

async function ran(document: object = DOCUMENT) {
  const fermata = await openFermata({
    config: { functions: { make: () => ({ x: [1, 2] }) } },
    script: [{ prompt: '', answers: [{ text: 'said' }] }],
  });
  const { body: workflow } = await fermata.call('POST', '/workflows', document);
  const { body: started } = await fermata.call('POST', `/workflows/${workflow.id}/execute`, {});
  await fermata.fermata.runtime.waitFor(started.runId);
  return { ...fermata, runId: started.runId as string };
}

describe('GET /runs/{id}/shared', () => {
  it('lists them in the order of their keys, page by page', async () => {
    const { call, runId, client } = await ran();
    const first = await call('GET', `/runs/${runId}/shared?limit=2`);
    const value = (key: string, of: unknown) => ({
      key,
      revision: 1,
      value: of,
      by: 'a',
      writtenAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect(first.body).toEqual({
      items: [value('b', { x: [1, 2] }), value('c', 3)],
      nextCursor: expect.any(String) as string,
    });
    const rest = await call('GET', `/runs/${runId}/shared?cursor=${first.body.nextCursor}`);
    expect(rest.body).toEqual({ items: [value('é/ü', [1, 2])], nextCursor: null });
    expect((await client.shared(runId)).items.map(({ key }) => key)).toEqual(['b', 'c', 'é/ü']);
    expect((await call('GET', `/runs/${runId}`)).body.links.shared).toBe(`/api/v1/runs/${runId}/shared`);
    const journal = (await call('GET', `/runs/${runId}/journal?limit=1000`)).body.items;
    expect(JSON.stringify(journal), 'what a prompt read is on record').toContain('Say 3 [1,2]');
  });

  it('of a fork says what it began with, and where that was written', async () => {
    const { call, runId, fermata } = await ran();
    const { body: fork } = await call('POST', `/runs/${runId}/fork`, { fromTask: 'p' });
    await fermata.runtime.waitFor(fork.runId);
    const { items } = (await call('GET', `/runs/${fork.runId}/shared`)).body;
    const facts = (await fermata.runtime.journal(runId, { limit: 100, kind: 'fact' })).map(
      ({ data }) => data as { key?: string },
    );
    for (const { key, reused } of items) {
      expect(reused).toEqual({ runId, seq: expect.any(Number) as number });
      expect(facts[reused.seq - 1]?.key).toBe(key);
    }
    expect(items.map(({ key, revision }: { key: string; revision: number }) => [key, revision])).toEqual([
      ['b', 1],
      ['c', 1],
      ['é/ü', 1],
    ]);
  });

  it('knows no run of another name, and no cursor of another list', async () => {
    const { call, runId } = await ran();
    expect((await call('GET', '/runs/none/shared')).status).toBe(404);
    expect((await call('GET', `/runs/${runId}/shared?cursor=abc`)).status).toBe(400);
  });
});

it('the actor behind them is there to be looked at, while it lives and afterwards', async () => {
  const { call, runId } = await ran();
  const { body } = await call('GET', `/runs/${runId}/snapshot?actor=${encodeURIComponent('/%2Fshared')}`);
  expect(body).toMatchObject({ value: 'open', context: { keys: 3, writes: 3 } });
  expect((await call('GET', `/runs/${runId}/why`)).body.actors).toEqual([]);
});

describe('a document is refused', () => {
  it.each([
    [{ prompt: '{{ shared }}' }, 'tasks[0].prompt', /reads all of "shared": write shared\.KEY/],
    [{ prompt: '{{ shared[input.k] }}' }, 'tasks[0].prompt', /whose key is computed/],
    [
      { prompt: '{{ result }}' },
      'tasks[0].prompt',
      /reads "result", which does not exist: known are "input", "tasks" and "shared"/,
    ],
    [{ cancelWhen: 'shared.a +' }, 'tasks[0].cancelWhen', /cannot be evaluated/],
    [{ cancelWhen: '1 + 1' }, 'tasks[0].cancelWhen', /gives a number: a condition has to give true or false/],
    [{ cancelWhen: { predicate: 'x' } }, 'tasks[0].cancelWhen', /expected a text/],
    [{ outputs: { shared: { k: 'result +' } } }, 'tasks[0].outputs.shared.k', /cannot be evaluated/],
    [{ outputs: { shared: { k: 'results' } } }, 'tasks[0].outputs.shared.k', /did you mean "result"/],
    [{ outputs: { shared: { k: 'result.x' } } }, 'tasks[0].outputs.shared.k', /reads "x" of result, which is a text/],
    [{ outputs: { shared: { '': '1' } } }, 'tasks[0].outputs.shared', /expected 1 to 200 characters/],
    [
      { outputs: { shared: JSON.parse('{"__proto__": "1"}') as object } },
      'tasks[0].outputs.shared.__proto__',
      /must not be "__proto__"/,
    ],
    [{ outputs: { share: {} } }, 'tasks[0].outputs.share', /did you mean "shared"/],
  ])('%j', async (fields, path, message) => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', {
      name: 'w',
      tasks: [{ name: 'a', prompt: 'Go', ...fields }],
    });
    expect(status).toBe(422);
    expect(body.errors).toContainEqual({
      path: expect.stringContaining(path) as string,
      message: expect.stringMatching(message) as string,
    });
  });

  it('where what it shares waits for itself', async () => {
    const { call } = await openFermata();
    const tasks = [
      { name: 'a', prompt: 'Go', outputs: { shared: { k: 'tasks.b.output' } } },
      { name: 'b', prompt: '{{ tasks.a.output }}' },
    ];
    const { body } = await call('POST', '/workflows', { name: 'w', tasks });
    expect(body.errors[0].message).toContain('depends on itself in a cycle');
  });
});
