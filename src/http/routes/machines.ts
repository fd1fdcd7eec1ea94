/** Registered machines, and runs of them. */
import { createRoute, z } from '@hono/zod-openapi';
import { FermataError } from '../../errors.ts';
import type { Runtime, Started, StartOptions } from '../../runtime/runtime.ts';
import { idempotencyHeader, idempotencyOf } from '../idempotency.ts';
import { listOf, pageOf, pageQuery, readCursor, toCursor } from '../page.ts';
import { givenTags } from '../parameters.ts';
import { answers, body, fields, newRouter, type Surroundings } from '../router.ts';
import { linksOf, startedSchema } from '../run-view.ts';

const tags = ['machines'];
/** The built-in machine interprets documents; its input is not for people. */
const DOCUMENT_MACHINE = 'workflow';

const machineSchema = z
  .object({ name: z.string(), version: z.string(), machine: z.string().describe('name@version'), builtIn: z.boolean() })
  .openapi('Machine');
const startBody = fields({
  input: z.unknown().optional(),
  snapshot: z.unknown().optional().describe("XState's own persisted form, to go on from"),
  tags: givenTags,
}).openapi('MachineRunRequest');
const machineStartedSchema = startedSchema
  .extend({
    notRestored: z
      .array(z.object({ state: z.string(), event: z.string(), delay: z.union([z.string(), z.number()]) }))
      .optional()
      .describe('Delays that were pending and that a snapshot cannot carry'),
  })
  .openapi('MachineStarted');

const list = createRoute({
  method: 'get',
  path: '/machines',
  operationId: 'listMachines',
  summary: 'Registered machines',
  tags,
  request: { query: fields(pageQuery) },
  responses: { 200: answers('A page', listOf(machineSchema)) },
});
const start = createRoute({
  method: 'post',
  path: '/machines/{name}/runs',
  operationId: 'startMachine',
  summary: 'Start a run of a machine, or go on from a snapshot of one',
  tags,
  request: {
    params: z.object({
      name: z.string().min(1).max(200).openapi({ description: 'name (its newest version) or name@version' }),
    }),
    headers: idempotencyHeader,
    body: body(startBody, false),
  },
  responses: { 202: answers('Started', machineStartedSchema) },
});

/** A run of a machine, with what its snapshot could not carry; a repeated request is not told it again. */
interface MachineStarted extends Started {
  readonly notRestored?: ReturnType<Runtime['notRestored']>;
}

/** Routes of machines. */
export function machineRoutes({ fermata }: Surroundings) {
  const { runtime } = fermata;
  // Parts of the house begin by themselves.
  const inner = new Set(runtime.catalog.inner());
  const names = runtime.catalog.names().filter((name) => !inner.has(name));

  const startNew = async (
    name: string,
    { input, snapshot, tags: given = [] }: z.infer<typeof startBody>,
    idempotency: StartOptions['idempotency'],
  ): Promise<MachineStarted> => {
    const machine = runtime.catalog.resolve(name);
    if (machine === undefined || inner.has(machine)) {
      throw new FermataError('notFound', `No machine "${name}" is registered; there are: ${names.join(', ')}.`, {
        data: { registered: names },
      });
    }
    if (machine.startsWith(`${DOCUMENT_MACHINE}@`))
      throw new FermataError(
        'invalidRequest',
        `"${machine}" interprets documents: start its runs with POST /api/v1/workflows/{id}/execute.`,
      );
    if (input !== undefined && snapshot !== undefined) {
      throw new FermataError(
        'invalidRequest',
        'A run begins with an input or goes on from a snapshot, not both. Send one of them.',
        { faults: [{ path: 'snapshot', message: 'cannot stand beside input' }] },
      );
    }
    const notRestored = snapshot === undefined ? undefined : runtime.notRestored(machine, snapshot);
    const started = await runtime.start(machine, {
      ...(input === undefined ? {} : { input }),
      ...(snapshot === undefined ? {} : { snapshot }),
      tags: given,
      idempotency,
    });
    return notRestored === undefined ? started : { ...started, notRestored };
  };

  return newRouter()
    .openapi(list, (c) => {
      const { limit, cursor } = c.req.valid('query');
      const after = readCursor('machines', cursor);
      const begin = after === undefined ? 0 : names.indexOf(after) + 1;
      return c.json(
        pageOf(
          names.slice(begin, begin + limit + 1),
          limit,
          (machine) => toCursor('machines', machine),
          (machine) => {
            const [name = '', version = ''] = machine.split('@');
            return { name, version, machine, builtIn: name === DOCUMENT_MACHINE };
          },
        ),
        200,
      );
    })
    .openapi(start, async (c) => {
      const { name } = c.req.valid('param');
      const request = c.req.valid('json');
      const idempotency = idempotencyOf(c.req.valid('header')['idempotency-key'], `machine ${name}`, request);
      // First of all: what was started stays started, whatever is registered now.
      const before: MachineStarted | undefined = await runtime.startedBefore(idempotency);
      const { notRestored, ...started } = before ?? (await startNew(name, request, idempotency));
      c.set('runId', started.runId);
      c.header('Location', `/api/v1/runs/${started.runId}`);
      const answer = { runId: started.runId, status: started.status, links: linksOf(started.runId) };
      return c.json(notRestored === undefined ? answer : { ...answer, notRestored: [...notRestored] }, 202);
    });
}
