import { describe, expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly operationId: string; readonly responses: Readonly<Record<string, unknown>> }>>
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe('/openapi.json', () => {
  it('describes every route of the API, and nothing else', async () => {
    const { app, call } = await openFermata();
    const description = (await call('GET', '/openapi.json')).body as Description;
    expect(description.openapi).toBe('3.1.0');
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/{(\w+)}/g, ':$1')}`),
    );
    const served = new Set(
      app.routes
        .filter(({ method, path }) => method !== 'ALL' && !/docs|openapi/.test(path))
        .map(({ method, path }) => `${method} ${path}`),
    );
    const later = [...served].filter((route) => !described.includes(route));
    for (const route of later) {
      const [method = '', path = ''] = route.split(' ');
      expect([route, (await call(method, path.replace('/api/v1', ''))).status]).toEqual([route, 422]);
    }
    expect(described.filter((route) => !served.has(route))).toEqual([]);
  });

  it('tells how streams are resumed', async () => {
    const { call } = await openFermata();
    const { paths } = (await call('GET', '/openapi.json')).body;
    for (const path of ['/api/v1/stream', '/api/v1/runs/{id}/stream', '/api/v1/workflows/{id}/stream']) {
      expect(paths[path].get.parameters).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ in: 'header', name: 'last-event-id' }),
          expect.objectContaining({ in: 'query', name: 'after' }),
        ]),
      );
    }
  });

  it('has an id and a problem answer for each operation, and resolves its references', async () => {
    const { call } = await openFermata();
    const description = (await call('GET', '/openapi.json')).body as Description;
    const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { responses } of operations) expect(responses).toHaveProperty('default');
    const references = JSON.stringify(description).match(/#\/components\/schemas\/\w+/g) ?? [];
    for (const reference of references)
      expect(description.components.schemas).toHaveProperty(reference.split('/').at(-1) ?? '');
    expect(description.components.schemas['WorkflowDocument']).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['name', 'tasks']),
    });
  });
});

describe('/docs', () => {
  it('shows the description without asking anybody else', async () => {
    const { app } = await openFermata();
    const page = await app.request('/docs');
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
    expect(sources).toHaveLength(3);
    for (const source of sources) {
      expect(source).toMatch(/^\/docs\//);
      const asset = await app.request(source);
      expect([source, asset.status]).toEqual([source, 200]);
      expect((await asset.text()).length).toBeGreaterThan(50);
    }
  });
});

describe('health', () => {
  it('/healthz and /readyz', async () => {
    const { call } = await openFermata({ demo: true });
    const { headers, body } = await call('GET', '/healthz');
    expect(body).toEqual({ status: 'ok', demo: true });
    expect(headers.get('x-fermata-demo')).toBe('scripted answers');
    expect((await call('GET', '/readyz')).body).toEqual({ status: 'ready', residentRuns: 0, effectsInFlight: 0 });
  });

  it('/readyz answers 503 when the database is gone', async () => {
    const { call, close } = await openFermata();
    await close();
    const { status, headers, body } = await call('GET', '/readyz');
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'storeUnavailable', '1']);
  });

  it('secure headers are set', async () => {
    const { call } = await openFermata();
    const { headers } = await call('GET', '/runs');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  });
});
