/** Functions that say what they take: checked by the compiler, when a run is asked for, and before each call. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { codeFunction } from '../../actors/code-function.ts';
import { workflow } from '../../src/document/builder.ts';
import { cel, code } from '../../src/document/code-task.ts';
import { openFermata } from '../harness/fermata.ts';

const readLines = codeFunction({
  name: 'readLines',
  input: z.object({ customer: z.string(), most: z.int().default(2) }),
  run: ({ customer, most }) => [
    { item: `tea for ${customer}`, cents: 450 },
    { item: 'cup', cents: most * 600 },
  ],
});
const sumUp = codeFunction({
  name: 'sumUp',
  input: z.object({ lines: z.array(z.object({ cents: z.number() })), currency: z.enum(['EUR', 'USD']) }),
  run: ({ lines, currency }) => `${lines.reduce((sum, { cents }) => sum + cents, 0)} ${currency}`,
});
const double = codeFunction<{ n: number }, number>({
  name: 'double',
  input: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'], additionalProperties: false },
  run: ({ n }) => 2 * n,
});
const functions = { readLines, sumUp, double, name: () => 'Ada', text: () => 'three' };

const INVOICE = workflow('invoice', { input: { type: 'object', properties: { customer: { type: 'string' } } } })
  .task('read it', code(readLines, { customer: cel('input.customer') }))
  .task('total', (tasks) => code(sumUp, { lines: tasks['read it'].output, currency: 'EUR' }, { timeoutSeconds: 5 }))
  .build();

it('a builder makes the document that one would write, and the results of one function are the arguments of the next', async () => {
  expect(INVOICE.tasks).toEqual([
    { name: 'read it', kind: 'code', function: 'readLines', input: { customer: 'input.customer' } },
    {
      name: 'total',
      kind: 'code',
      function: 'sumUp',
      input: { lines: 'tasks["read it"].output', currency: '"EUR"' },
      timeoutSeconds: 5,
    },
  ]);
  const { call, fermata } = await openFermata({ config: { functions } });
  const { body: stored } = await call('POST', '/workflows', INVOICE);
  const { body: started } = await call('POST', `/workflows/${stored.id}/execute`, { input: { customer: 'Ada' } });
  await fermata.runtime.waitFor(started.runId);
  const { body } = await call('GET', `/runs/${started.runId}`);
  expect(body).toMatchObject({ status: 'completed', output: '1650 EUR' });
});

it('the compiler refuses what a function does not take', () => {
  const lines = workflow('typed').task('lines', code(readLines, { customer: 'Ada' }));
  // @ts-expect-error -- a number is no text
  code(readLines, { customer: 1 });
  // @ts-expect-error -- it has to be given
  code(readLines, {});
  // @ts-expect-error -- it takes no such argument
  code(readLines, { customer: 'Ada', costumer: 'Ada' });
  // @ts-expect-error -- lines are no number
  lines.task('twice', (tasks) => code(double, { n: tasks.lines.output }));
  // @ts-expect-error -- there is no such task
  const misspelt = lines.task('sum', ({ liens }) => code(sumUp, { lines: liens.output, currency: 'EUR' }));
  expect(() => misspelt.build()).toThrow('liens');
  expect(lines.build().tasks).toHaveLength(1);
});

it.each([
  ['a literal of another type', { n: true }, 'input.n', /expected a number, came true/],
  ['an argument that is missing', {}, 'input.n', /is required/],
  ['a name that is none', { n: 1, m: 'input.m' }, 'input.m', /is no argument/],
])('before a run begins: %s', async (_, input, path, message) => {
  const { call } = await openFermata({ config: { functions } });
  const tasks = [{ name: 'twice', kind: 'code', function: 'double', input }];
  const { body: stored } = await call('POST', '/workflows', { name: 'wrong', tasks });
  const { status, body } = await call('POST', `/workflows/${stored.id}/execute`, {});
  expect({ status, code: body.code }).toEqual({ status: 422, code: 'invalidArgument' });
  expect(body.errors).toEqual([{ path, message: expect.stringMatching(message) }]);
  expect(body.detail).toContain('Task "twice" gives the function "double" wrong arguments');
  expect((await call('GET', '/runs')).body.items).toEqual([]);
});

it.each([
  ['of zod', 'readLines', { customer: 'tasks.three.output.size()' }, 'customer', 'expected a text, came a number (5)'],
  [
    'of zod, misspelt',
    'readLines',
    { customer: 'tasks.three.output', mots: 'tasks.three.output' },
    'mots',
    'did you mean "most"',
  ],
  ['JSON Schema', 'double', { n: 'tasks.three.output' }, 'n', 'came a text ("three")'],
])('before a call, by a schema %s: it fails at once, and says what came', async (_, name, input, argument, message) => {
  const { call, fermata } = await openFermata({ config: { functions } });
  const tasks = [
    { name: 'three', kind: 'code', function: 'text' },
    { name: 'wrong', kind: 'code', function: name, input, retry: { maxRetries: 3 } },
  ];
  const { body: stored } = await call('POST', '/workflows', { name: 'late', tasks });
  const answer = await call('POST', `/workflows/${stored.id}/execute`, {});
  if (answer.status === 422) {
    expect(argument).toBe('mots');
    expect(answer.body.detail).toContain(message);
    return;
  }
  await fermata.runtime.waitFor(answer.body.runId);
  const { body } = await call('GET', `/runs/${answer.body.runId}/results`);
  expect(body.tasks[1]).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'invalidArgument' } });
  expect(body.tasks[1].error.message).toContain(
    `Task "wrong" gives the function "${name}" wrong arguments: "${argument}"`,
  );
  expect(body.tasks[1].error.message).toContain(message);
});

it('a function shows text as a model does: with its place, for those who come late too', async () => {
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const write = codeFunction({
    name: 'write',
    input: z.object({ words: z.array(z.string()) }),
    run: async ({ words }, { delta }) => {
      for (const word of words) delta(`${word} `);
      await held;
      delta('end');
      return words.length;
    },
  });
  const { client, fermata } = await openFermata({ config: { functions: { write } } });
  const document = workflow('writer')
    .task('text', code(write, { words: ['once', 'upon'] }))
    .build();
  const stored = await fermata.workflows.create(document);
  const { runId } = await client.execute(stored.id, {});
  const deltas: unknown[] = [];
  for await (const { event, data } of client.stream(runId)) {
    if (event !== 'task_delta') continue;
    deltas.push(data);
    goOn();
  }
  const texts = deltas as readonly { readonly delta: string; readonly offset: number }[];
  expect(texts[0]).toMatchObject({ task: 'text', attempt: 1, offset: 0 });
  expect(texts.map(({ delta }) => delta).join('')).toBe('once upon end');
  expect(texts.at(-1)).toMatchObject({ offset: 'once upon '.length, delta: 'end' });
});
