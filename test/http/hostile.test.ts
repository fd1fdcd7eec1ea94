/** Requests that nobody sends who means well: each is refused for what it is, and what is sent is never half taken. */
import { describe, expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';
import { startRun } from './documents.ts';

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const DOCUMENT = {
  tasks: [
    { name: 'a', kind: 'code', function: 'now' },
    { name: 'paid', kind: 'wait', event: { type: 'paid' } },
  ],
};

describe('refused is', () => {
  it.each<[string, string, string, string, number, string]>([
    ['nesting', 'fork', '{"fromTask":"a","edits":{"a":{"output":DEEP}}}', 'invalidDocument', 422, 'edits.a.output'],
    ['a name', 'fork', '{"fromTask":"a","edits":{"__proto__":{"output":1}}}', 'invalidRequest', 400, 'edits.__proto__'],
    ['a name', 'events', '{"type":"paid","__proto__":{"amount":1}}', 'invalidRequest', 400, '__proto__'],
    ['a name', 'fork', '{"fromTask":"a","edits":{"a":{"__proto__":1}}}', 'invalidRequest', 400, 'edits.a.__proto__'],
    ['a name', 'cancel', '{"__proto__":{"reason":"x"}}', 'invalidRequest', 400, '__proto__'],
  ])('%s in POST /runs/{id}/%s %s', async (_, command, text, code, status, path) => {
    const harness = await openFermata({ config: { functions: { now: () => 'now' } } });
    const { runId } = await startRun(harness, DOCUMENT);
    await harness.fermata.runtime.idle();
    const { seq } = await harness.fermata.runtime.read(runId);
    for (const levels of [150, 50_000]) {
      const response = await harness.app.request(`/api/v1/runs/${runId}/${command}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `k${levels}` },
        body: text.replace('DEEP', deep(levels)),
      });
      const body = (await response.json()) as { code: string; errors: { path: string }[] };
      expect([response.status, body.code, body.errors[0]?.path.slice(0, path.length)]).toEqual([status, code, path]);
    }
    expect((await harness.fermata.runtime.read(runId)).seq, 'nothing has moved').toBe(seq);
    expect((await harness.call('GET', '/runs')).body.items, 'nothing was started').toHaveLength(1);
    await harness.fermata.runtime.cancel(runId);
  });

  it('a body of very many unknown fields, in few words', async () => {
    const { call } = await openFermata();
    const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`field${index}`, index]));
    const { status, body } = await call('POST', '/workflows/plan-execute', { goal: 'x', gaol: 'y', ...fields });
    expect([status, body.code]).toEqual([400, 'invalidRequest']);
    expect(body.detail).toMatch(/unknown field "gaol": did you mean "goal"\?.*unknown field "field48"; and 951 more/);
  });

  it.each(['/runs', '/workflows'])('a list of more tags than anything has, of GET %s', async (path) => {
    const { call } = await openFermata();
    const tags = (count: number): string => Array.from({ length: count }, (_, index) => index).join(',');
    expect(await call('GET', `${path}?tags=${tags(101)}`)).toMatchObject({
      status: 400,
      body: { code: 'invalidRequest', errors: [{ path: 'query.tags', message: 'expected at most 100 tags' }] },
    });
    for (const few of [tags(100), 'a,'.repeat(4_000)])
      expect(await call('GET', `${path}?tags=${few}`)).toMatchObject({ status: 200, body: { items: [] } });
  });
});
