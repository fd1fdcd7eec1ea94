/** A decision that a program sends by hand, without the API that would have checked it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());

it.each([
  ['as HTTP has it', { approved: true }],
  ['without a decision', {}],
  ['with half of one', { decision: { reason: 'why not' } }],
])('%s is not taken, and the question stays', async (_, said) => {
  const { runtime } = bench.fermata;
  const run = await bench.start({ tasks: [{ name: 'ok', requiresApproval: true }] });
  await expect(runtime.control(run, '/ok', { type: 'fermata.approve', ...said })).rejects.toMatchObject({
    code: 'eventNotAccepted',
  });
  expect(await bench.statuses(run)).toEqual({ ok: 'awaitingApproval' });
  await bench.decide(run, 'ok', true);
  await bench.complete('ok');
  expect((await bench.read(run)).status).toBe('completed');
});
