import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WorkflowSummaries } from '../../src/http/workflow-summaries.ts';
import { openFermata } from '../harness/fermata.ts';

const HELLO = {
  name: 'hello',
  description: 'Says hello',
  tags: ['a', 'b'],
  tasks: [{ name: 'greet', prompt: 'Greet {{ input.name }}' }],
};
const RESEARCH = readFileSync(new URL('../../examples/01-research.yaml', import.meta.url), 'utf8');

describe('POST /workflows', () => {
  it('creates from JSON', async () => {
    const { call } = await openFermata();
    const { status, headers, body } = await call('POST', '/workflows', HELLO);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.any(String),
      name: 'hello',
      version: 1,
      description: 'Says hello',
      tags: ['a', 'b'],
      tasks: 1,
      document: HELLO,
    });
    expect(headers.get('location')).toBe(`/api/v1/workflows/${body.id}`);
    expect((await call('GET', `/workflows/${body.id}`)).body).toEqual(body);
  });

  it.each(['application/yaml', 'text/yaml; charset=utf-8'])('creates from %s', async (type) => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', RESEARCH, { 'content-type': type });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'research', tasks: 5, document: { config: { breadth: 3 } } });
  });

  it.each([
    ['application/yaml', 'hello', 'expected an object with name and tasks, came a text ("hello")'],
    ['application/json', '"hello"', 'expected an object with name and tasks, came a text ("hello")'],
    ['application/json', JSON.stringify('name: a'), 'came a text ("name: a"). A document within a text is not read'],
    ['application/yaml', '42', 'expected an object, came a number (42)'],
    ['application/yaml', '- a', 'expected an object, came a list'],
  ])('answers 422 about what was sent: %s %s', async (type, sent, said) => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', sent, { 'content-type': type });
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'invalidDocument' });
    expect(body.errors).toEqual([{ path: '', message: expect.stringContaining(said) }]);
    expect(JSON.stringify(body)).not.toContain('parseText');
  });

  it('answers 409 with the id where the name is taken', async () => {
    const { call } = await openFermata();
    const { body: first } = await call('POST', '/workflows', HELLO);
    const { status, body } = await call('POST', '/workflows', HELLO);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'alreadyExists', id: first.id });
  });

  it('answers 422 with every fault of fields and of the graph, each with its path', async () => {
    const { call } = await openFermata();
    const tasks = [
      { name: 'a', prompt: '', dependson: ['b'] },
      { name: 'b', prompt: 'x', dependsOn: ['nobody'] },
    ];
    const { status, body } = await call('POST', '/workflows', { name: 'bad', tasks });
    expect(status).toBe(422);
    expect(body.code).toBe('invalidDocument');
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['tasks[0].prompt', 'tasks[0].dependson', 'tasks[1].dependsOn[0]']),
    );
    expect(JSON.stringify(body.errors)).toContain('did you mean \\"dependsOn\\"');
  });

  it('answers 422 notSupported for what a later version brings', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', {
      ...HELLO,
      tasks: [{ name: 'a', prompt: 'Hi', fallback: ['x'] }],
    });
    expect([status, body.code]).toEqual([422, 'notSupported']);
  });

  it('names line and column of a YAML fault', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', 'name: x\ntasks: [', {
      'content-type': 'application/yaml',
    });
    expect([status, body.code]).toEqual([422, 'invalidDocument']);
    expect(body.errors[0].path).toMatch(/^\d+:\d+$/);
  });

  it('?validate=only stores nothing', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows?validate=only', HELLO);
    expect([status, body]).toMatchObject([200, { valid: true, name: 'hello', tasks: 1 }]);
    expect((await call('GET', '/workflows')).body).toEqual({ items: [], nextCursor: null });
    expect((await call('POST', '/workflows?validate=only', { name: 'x', tasks: [] })).status).toBe(422);
  });
});

describe('GET /workflows', () => {
  it('filters by tags and text, and pages', async () => {
    const { call } = await openFermata();
    for (const [index, tags] of [['x'], ['x', 'y'], ['y']].entries())
      await call('POST', '/workflows', { ...HELLO, name: `w${index}`, tags });
    const names = async (query: string): Promise<string[]> =>
      (await call('GET', `/workflows?${query}`)).body.items.map(({ name }: { name: string }) => name);
    expect(await names('')).toEqual(['w0', 'w1', 'w2']);
    expect(await names('tags=x,y')).toEqual(['w1']);
    expect(await names('q=w2')).toEqual(['w2']);
    const { body: first } = await call('GET', '/workflows?limit=2');
    expect(first.items).toHaveLength(2);
    const { body: second } = await call('GET', `/workflows?limit=2&cursor=${first.nextCursor}`);
    expect([second.items[0].name, second.nextCursor]).toEqual(['w2', null]);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=nonsense', 'limt=3'])('refuses %s', async (query) => {
    const { call } = await openFermata();
    const { status, body } = await call('GET', `/workflows?${query}`);
    expect([status, body.code]).toEqual([400, 'invalidRequest']);
    expect(body.errors[0].path).toBe(`query.${query.split('=')[0]}`);
  });
});

describe('versions', () => {
  it('PUT stores a new version; the old one can be read', async () => {
    const { call } = await openFermata();
    const { body: created } = await call('POST', '/workflows', HELLO);
    const { status, body } = await call('PUT', `/workflows/${created.id}`, { ...HELLO, description: 'Twice' });
    expect([status, body.version, body.description]).toEqual([200, 2, 'Twice']);
    const { body: versions } = await call('GET', `/workflows/${created.id}/versions`);
    expect(versions.items.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
    expect((await call('GET', `/workflows/${created.id}?version=1`)).body.description).toBe('Says hello');
    expect((await call('GET', `/workflows/${created.id}?version=3`)).status).toBe(404);
    expect((await call('PUT', `/workflows/${created.id}?validate=only`, HELLO)).body).toMatchObject({
      valid: true,
      name: 'hello',
      tasks: 1,
    });
    expect((await call('PUT', '/workflows/none', HELLO)).status).toBe(404);
  });

  it('GET /versions pages, newest first', async () => {
    const { call } = await openFermata();
    const { body } = await call('POST', '/workflows', HELLO);
    for (let version = 2; version <= 5; version++) await call('PUT', `/workflows/${body.id}`, HELLO);
    const seen: number[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = `limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body: page } = await call('GET', `/workflows/${body.id}/versions?${query}`);
      seen.push(page.items.map(({ version }: { version: number }) => version));
      cursor = page.nextCursor as string | null;
    }
    expect(seen).toEqual([[5, 4], [3, 2], [1]]);
  });

  it('DELETE hides a workflow', async () => {
    const { call } = await openFermata();
    const { body } = await call('POST', '/workflows', HELLO);
    expect((await call('DELETE', `/workflows/${body.id}`)).status).toBe(204);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/versions'],
      ['GET', '/graph'],
      ['POST', '/execute'],
      ['GET', '/status'],
      ['GET', '/results'],
      ['GET', '/stream'],
      ['POST', '/cancel'],
    ] as const) {
      expect([path, (await call(method, `/workflows/${body.id}${path}`)).status]).toEqual([path, 404]);
    }
  });
});

it.each(['.', '..'])('a task named %j is refused: no URL could name it', async (name) => {
  const { call } = await openFermata();
  const { status, body } = await call('POST', '/workflows', { name: 'w', tasks: [{ name, prompt: 'x' }] });
  expect([status, body.code]).toEqual([422, 'invalidDocument']);
  expect(body.errors).toEqual([{ path: 'tasks[0].name', message: `must not be "." or "..", came "${name}"` }]);
});

it('lists read each document once', () => {
  let reads = 0;
  const row = {
    tenant: 'default',
    id: 'w',
    name: 'w',
    version: 1,
    tags: ['a'],
    createdAt: 0,
    updatedAt: 0,
    get documentJson() {
      reads++;
      return JSON.stringify(HELLO);
    },
  };
  const summaries = new WorkflowSummaries();
  for (let list = 0; list < 3; list++)
    expect(summaries.of(row)).toMatchObject({ id: 'w', tasks: 1, description: 'Says hello', tags: ['a'] });
  expect(reads).toBe(1);
  expect(summaries.of({ ...row, version: 2, documentJson: '{"tasks":[]}' }).tasks).toBe(0);
});

it('a tag with a comma or a backslash can be searched for', async () => {
  const { call } = await openFermata();
  const tags = ['one,two', 'a\\b', ' blank'];
  await call('POST', '/workflows', { ...HELLO, tags });
  await call('POST', '/workflows', { ...HELLO, name: 'other', tags: ['one', 'two'] });
  const found = async (text: string): Promise<string[]> =>
    (await call('GET', `/workflows?tags=${encodeURIComponent(text)}`)).body.items.map(
      ({ name }: { name: string }) => name,
    );
  expect(await found('one\\,two')).toEqual(['hello']);
  expect(await found('one, two')).toEqual(['other']);
  expect(await found('a\\\\b , one\\,two')).toEqual(['hello']);
  expect(await found('\\ blank')).toEqual(['hello']);
});

it('GET /workflows/{id}/graph shows tasks, dependencies and stages', async () => {
  const { call } = await openFermata();
  const { body } = await call('POST', '/workflows', RESEARCH, { 'content-type': 'text/yaml' });
  const { body: graph } = await call('GET', `/workflows/${body.id}/graph`);
  expect(graph.stages).toEqual([['plan'], ['market', 'skills', 'salaries'], ['synthesis']]);
  expect(graph.nodes[4]).toMatchObject({ name: 'synthesis', kind: 'model', stage: 2, requiresApproval: false });
  expect(graph.edges).toContainEqual({ from: 'plan', to: 'market', kind: 'needs' });
});
