/** The description of the API, OpenAPI 3.1 from the very schemas that check requests, and Swagger UI to read it, offline. */
import { readFile } from 'node:fs/promises';
import { z, type OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { documentSchema } from '../../document/schema.ts';
import type { HttpEnvironment } from '../router.ts';
import { newRouter } from '../router.ts';
import { problemSchema } from '../problem.ts';

/** Vendored from swagger-ui-dist (Apache-2.0): reading the docs asks nobody else for anything. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
};

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Fermata API</title><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="api"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/begin.js"></script></body>
</html>
`;
const BEGIN = `SwaggerUIBundle({ url: '/openapi.json', domNode: document.getElementById('api'), deepLinking: true, validatorUrl: null });\n`;

/** Routes of the docs; at the root. `api` is asked for its description when all its routes are there. */
export function docsRoutes(api: () => OpenAPIHono<HttpEnvironment>) {
  let description: string | undefined;
  const router = newRouter();
  router.get('/openapi.json', (c) =>
    c.body((description ??= JSON.stringify(describe(api()))), 200, { 'content-type': 'application/json' }),
  );
  router.use('/docs/*', onlyOwnContent).use('/docs', onlyOwnContent);
  router.get('/docs', (c) => c.html(PAGE));
  router.get('/docs/begin.js', (c) => c.body(BEGIN, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  for (const [file, type] of Object.entries(ASSETS)) {
    router.get(`/docs/${file}`, async (c) =>
      c.body(await readFile(new URL(`../swagger/${file}`, import.meta.url), 'utf8'), 200, {
        'content-type': type,
        'cache-control': 'max-age=86400',
      }),
    );
  }
  return router;
}

const onlyOwnContent: MiddlewareHandler<HttpEnvironment> = async (c, next) => {
  await next();
  c.header(
    'Content-Security-Policy',
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  );
};

function describe(app: OpenAPIHono<HttpEnvironment>) {
  app.openAPIRegistry.register('Problem', problemSchema);
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Fermata',
      version: '1',
      description:
        'Durable AI workflows. Every error is a problem document (application/problem+json) with a stable `code`.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }],
  });
  const { $schema: _, ...workflowDocument } = z.toJSONSchema(documentSchema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  });
  const failed = {
    description: 'What is wrong, and what to do',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path as Readonly<Record<string, { responses: Record<string, unknown> }>>))
      operation.responses['default'] = failed;
  }
  return {
    ...document,
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, WorkflowDocument: workflowDocument },
    },
  };
}
