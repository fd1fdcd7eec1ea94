/** What a caller is told who did something wrong. */
import { describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { openFermata } from '../harness/fermata.ts';

const HELLO = {
  name: 'hello',
  input: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false },
  tasks: [{ name: 'greet', kind: 'code', function: 'now' }],
};
const config = { functions: { now: () => 'now' } };

describe('every error is a problem document', () => {
  it('with type, title, status, detail, code and the request id', async () => {
    const { call } = await openFermata();
    const { status, headers, body } = await call('GET', '/runs/none', undefined, { 'x-request-id': 'mine-1' });
    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('x-request-id')).toBe('mine-1');
    expect(body).toEqual({
      type: 'urn:fermata:problem:notFound',
      title: 'Not found',
      status: 404,
      detail: expect.stringContaining('"none"'),
      code: 'notFound',
      requestId: 'mine-1',
    });
  });

  it('malformed JSON: 400, with the place', async () => {
    const { call } = await openFermata();
    for (const path of ['/workflows', '/workflows/x/execute', '/runs/x/events']) {
      const { status, body } = await call('POST', path, '{"name": oops}');
      expect([path, status, body.code]).toEqual([path, 400, 'malformedJson']);
      expect(body.detail).toMatch(/position|oops/);
    }
  });

  it('a field of a document given twice: 422, with line and column', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/workflows', '{"name": "a",\n "tasks": [], "name": "b"}');
    expect([status, body.code]).toEqual([422, 'invalidDocument']);
    expect(body.errors).toEqual([
      { path: '2:15', message: expect.stringContaining('"name" is given twice') as string },
    ]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'content type %s: 415',
    async (type) => {
      const { call } = await openFermata();
      for (const path of ['/workflows', '/workflows/x/execute', '/runs/x/cancel']) {
        const { status, body } = await call('POST', path, '{}', { 'content-type': type });
        expect([path, status, body.code]).toEqual([path, 415, 'unsupportedMediaType']);
        expect(body.detail).toContain('application/json');
      }
    },
  );

  it('a body without a content type: 415', async () => {
    const { app } = await openFermata();
    const response = await app.request('/api/v1/workflows/x/execute', {
      method: 'POST',
      body: new TextEncoder().encode('{}'),
    });
    expect(response.status).toBe(415);
  });

  it('a body over the limit: 413, with a length and chunked', async () => {
    const { app, call } = await openFermata({ maxBodyBytes: 1_000 });
    const { status, body } = await call(
      'POST',
      '/workflows',
      { name: 'x'.repeat(2_000) },
      { 'content-length': '2011' },
    );
    expect([status, body.code, body.maxBytes]).toEqual([413, 'bodyTooLarge', 1_000]);
    const chunks = new Response('x'.repeat(3_000)).body;
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      body: chunks,
      duplex: 'half',
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    };
    const response = await app.request('/api/v1/workflows', init);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'bodyTooLarge']);
  });

  it('unknown route: 404; known path, other method: 405 with Allow', async () => {
    const { call } = await openFermata();
    expect((await call('GET', '/nothing')).body.code).toBe('routeNotFound');
    const { status, headers, body } = await call('PATCH', '/workflows/x');
    expect([status, body.code]).toEqual([405, 'methodNotAllowed']);
    expect(headers.get('allow')?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'PUT']);
    expect((await call('DELETE', '/workflows')).headers.get('allow')).toContain('POST');
    expect((await call('GET', '/runs/x/cancel')).status).toBe(405);
  });

  it('what a later version brings: 422', async () => {
    const { call } = await openFermata();
    const later = [
      ['POST', '/runs/x/tasks/t/ratings'],
      ['POST', '/runs/import'],
      ['GET', '/breakers'],
      ['GET', '/limits'],
      ['GET', '/experiments'],
      ['GET', '/stats'],
      ['GET', '/templates'],
      ['GET', '/templates/t'],
      ['POST', '/templates/t/instantiate'],
    ] as const;
    for (const [method, path] of later) {
      const { status, body } = await call(method, path);
      expect([path, status, body.code]).toEqual([path, 422, 'notSupported']);
    }
  });

  it('an error that is not ours: 500 without its message', async () => {
    const { app } = await openFermata();
    app.get('/broken', () => {
      throw new TypeError('secret details');
    });
    const response = await app.request('/broken');
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'internal', requestId: expect.any(String) });
    expect(text).not.toContain('secret details');
  });

  it('503 says when to come again', async () => {
    const { app } = await openFermata();
    app.get('/full', () => {
      throw new FermataError('storeUnavailable', 'The disk is full.', { data: { status: 'mine', free: 0 } });
    });
    const response = await app.request('/full');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ status: 503, code: 'storeUnavailable', free: 0 });
  });
});

describe('faults of a request', () => {
  it('unknown fields, with the nearest known one', async () => {
    const { call } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', HELLO);
    const { status, body } = await call('POST', `/workflows/${workflow.id}/execute`, { inputs: { n: 1 } });
    expect([status, body.code]).toEqual([400, 'invalidRequest']);
    expect(body.errors).toEqual([{ path: 'inputs', message: 'unknown field "inputs": did you mean "input"?' }]);
  });

  it('wrong types, all at once', async () => {
    const { call } = await openFermata();
    const { status, body } = await call('POST', '/runs/x/tasks/t/approve', { approved: 'yes', reason: 3 });
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { path: 'approved', message: 'expected true or false, came a text ("yes")' },
      { path: 'reason', message: 'expected a text, came a number (3)' },
    ]);
    expect((await call('POST', '/runs/x/tasks/t/approve')).body.errors[0].path).toBe('approved');
    expect((await call('POST', '/runs/x/events', [])).status).toBe(400);
    expect((await call('POST', '/runs/x/events', {})).body.errors[0].path).toBe('type');
  });

  it('missing and extra input: 422, each with its path; nothing is started', async () => {
    const { call } = await openFermata({ config });
    const { body: workflow } = await call('POST', '/workflows', HELLO);
    const paths = async (body: unknown) =>
      (await call('POST', `/workflows/${workflow.id}/execute`, body)).body.errors.map(
        ({ path }: { path: string }) => path,
      );
    expect(await paths(undefined)).toEqual(['input.n']);
    expect(await paths({ input: { n: 'x', m: 1 } })).toEqual(expect.arrayContaining(['input.n', 'input.m']));
    expect((await call('POST', `/workflows/${workflow.id}/execute`, { input: {} })).body.code).toBe('invalidInput');
    expect((await call('GET', '/runs')).body.items).toEqual([]);
  });

  it('NUL characters: 400, in bodies, documents and URLs', async () => {
    const { call } = await openFermata();
    const nul = { code: 'nulCharacter' };
    expect((await call('POST', '/workflows', { name: 'a\0b', tasks: [] })).body).toMatchObject({
      ...nul,
      errors: [{ path: 'name' }],
    });
    expect((await call('POST', '/runs/x/events', { type: 'a', deep: [{ 'k\0': 1 }] })).body).toMatchObject(nul);
    expect((await call('GET', '/runs/a%00b')).body).toMatchObject(nul);
    expect((await call('GET', '/runs?q=a%00b')).body).toMatchObject(nul);
    // A backslash and the letters u0000 are no NUL.
    expect(
      (
        await call('POST', '/workflows?validate=only', {
          name: 'fine',
          tasks: [{ name: 'a', prompt: String.raw`say \u0000` }],
        })
      ).status,
    ).toBe(200);
  });

  it('what is not there: 404', async () => {
    const { call } = await openFermata();
    const missing = [
      ['GET', '/workflows/x'],
      ['POST', '/workflows/x/execute'],
      ['GET', '/runs/x'],
      ['GET', '/runs/x/status'],
      ['GET', '/runs/x/results'],
      ['GET', '/runs/x/journal'],
      ['GET', '/runs/x/snapshot'],
      ['GET', '/runs/x/stream'],
      ['GET', '/runs/x/why'],
      ['POST', '/runs/x/cancel'],
      ['POST', '/runs/x/pause'],
      ['POST', '/runs/x/resume'],
      ['DELETE', '/runs/x'],
      ['POST', '/runs/x/tasks/t/cancel'],
      ['POST', '/runs/x/tasks/t/retry'],
      ['POST', '/machines/none/runs'],
    ] as const;
    for (const [method, path] of missing) {
      const { status, body } = await call(method, path);
      expect([method, path, status, body.code]).toEqual([method, path, 404, 'notFound']);
    }
    expect((await call('POST', '/runs/x/events', { type: 'a' })).status).toBe(404);
    expect((await call('POST', '/runs/x/tasks/t/approve', { approved: true })).status).toBe(404);
  });
});

describe('who may call', () => {
  it('refuses other host names (DNS rebinding)', async () => {
    const { app } = await openFermata();
    for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1:3000', '']) {
      const response = await app.request('/api/v1/runs', { headers: { host } });
      expect([host, response.status]).toEqual([host, 403]);
    }
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:80', 'LOCALHOST:1']) {
      expect([host, (await app.request('/api/v1/runs', { headers: { host } })).status]).toEqual([host, 200]);
    }
  });

  it('refuses writing calls from pages of other origins', async () => {
    const { app } = await openFermata();
    const post = (origin: string) => app.request('/api/v1/runs/x/cancel', { method: 'POST', headers: { origin } });
    expect((await post('https://evil.example')).status).toBe(403);
    expect((await post('null')).status).toBe(403);
    expect((await post('http://localhost:5173')).status).toBe(404);
  });

  it('serves other names where it is told to', async () => {
    const { app } = await openFermata({ hosts: ['fermata.internal'] });
    expect((await app.request('/api/v1/runs', { headers: { host: 'fermata.internal:8080' } })).status).toBe(200);
    const open = await openFermata({ hosts: 'any' });
    expect((await open.app.request('/api/v1/runs', { headers: { host: 'whatever' } })).status).toBe(200);
  });
});

describe('a query', () => {
  it.each([
    ['/runs?limit=0', 'query.limit', 'expected at least 1, came a number (0)'],
    ['/runs?limit=1001', 'query.limit', 'expected at most 1000, came a number (1001)'],
    ['/runs?limit=1.5', 'query.limit', 'expected a whole number, came a text ("1.5")'],
    ['/runs?limit=ten', 'query.limit', 'expected a number, came a text ("ten")'],
    ['/runs/none/journal?after=-1', 'query.after', 'expected at least 0, came a number (-1)'],
    [`/runs?q=${'x'.repeat(201)}`, 'query.q', 'expected at most 200 characters, came 201'],
    [`/runs?q=${'1'.repeat(201)}`, 'query.q', 'expected at most 200 characters, came 201'],
  ])('%s is refused with what came', async (path, place, message) => {
    const { call } = await openFermata();
    expect((await call('GET', path)).body).toMatchObject({ status: 400, errors: [{ path: place, message }] });
  });

  it('a list that is too long is refused with its length', async () => {
    const { call } = await openFermata({ config });
    const { body } = await call('POST', '/workflows', { name: 'w', tasks: HELLO.tasks });
    const tags = Array.from({ length: 101 }, (_, index) => `t${index}`);
    const refused = (await call('POST', `/workflows/${body.id}/execute`, { tags })).body;
    expect(refused.errors).toEqual([{ path: 'tags', message: 'expected at most 100 entries, came 101' }]);
  });

  it('is refused alike by routes that take one and by those that take none', async () => {
    const { call } = await openFermata({ config });
    const { body } = await call('POST', '/workflows', { name: 'w', tasks: HELLO.tasks });
    for (const [method, path] of [
      ['GET', '/runs'],
      ['GET', `/workflows/${body.id}/versions`],
      ['GET', `/workflows/${body.id}/graph`],
      ['GET', '/runs/none/status'],
      ['GET', '/machines'],
      ['POST', `/workflows/${body.id}/execute`],
      ['POST', '/runs/none/cancel'],
      ['DELETE', `/workflows/${body.id}`],
    ] as const) {
      const answer = await call(method, `${path}?limits=1`);
      expect([path, answer.status, answer.body.errors]).toEqual([
        path,
        400,
        [{ path: 'query.limits', message: expect.stringContaining('unknown field "limits"') }],
      ]);
    }
    // Probes add what they like, and a refusal would end the process.
    expect((await call('GET', '/healthz?now=1')).status).toBe(200);
  });
});
