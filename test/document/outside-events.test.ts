/** Tasks that wait: for a time, a date, or an event from outside, which may come twice, early, late or not at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench.close());

const DAY = 86_400;
const wait = (name: string, more: object) => ({ name, kind: 'wait', ...more });
const paid = (name: string, more: object = {}) => wait(name, { event: { type: 'paid' }, ...more });

async function send(run: string, event: { type: string; [field: string]: unknown }): Promise<number> {
  const { seq } = await bench.fermata.runtime.send(
    run,
    event,
    typeof event['id'] === 'string' ? { id: event['id'] } : {},
  );
  await bench.settle();
  return seq;
}

async function refusal(work: Promise<unknown>): Promise<FermataError> {
  const thrown = await work.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  );
  return thrown instanceof FermataError ? thrown : expect.fail(String(thrown));
}

async function output(run: string): Promise<unknown> {
  const { status, output: value } = await bench.read(run);
  return { status, output: value };
}

const start = (tasks: readonly object[], more: object = {}, request: object = {}): Promise<string> =>
  bench.start({ ...more, tasks }, request);

describe('a time', () => {
  it('a span: the run waits without a slot and without memory, and the output is the date', async () => {
    const run = await start([wait('nap', { seconds: 30 * DAY }), { name: 'after', dependsOn: ['nap'] }], {
      config: { breadth: 1 },
    });
    expect((await bench.read(run)).status).toBe('waiting');
    expect(bench.fermata.runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    const due = new Date(bench.clock.now() + 30 * DAY * 1_000).toISOString();
    await bench.advance(30 * DAY);
    await bench.complete('after', 'done');
    expect(await output(run)).toEqual({ status: 'completed', output: 'done' });
    const completed = (await bench.facts(run)).find(({ type }) => type === 'task_completed');
    expect(completed?.data['result']).toBe(due);
  });
});

describe('an event', () => {
  it('is the output, without its id', async () => {
    const run = await start([paid('p')]);
    await send(run, { type: 'paid', id: 'm1', amount: 3 });
    expect(await output(run)).toEqual({ status: 'completed', output: { type: 'paid', amount: 3 } });
  });

  it('that comes early is kept, and taken in the order in which it came', async () => {
    const run = await start([{ name: 'first' }, paid('a', { dependsOn: ['first'] }), paid('b', { dependsOn: ['a'] })]);
    await send(run, { type: 'paid', n: 1 });
    await send(run, { type: 'paid', n: 2 });
    await bench.complete('first');
    expect(await output(run)).toEqual({ status: 'completed', output: { type: 'paid', n: 2 } });
  });

  it('late: 409 with what is legal', async () => {
    const run = await start([paid('a'), wait('b', { event: { type: 'other' } })]);
    await send(run, { type: 'paid' });
    const { code, status, message, data } = await refusal(send(run, { type: 'paid' }));
    expect([code, status]).toEqual(['eventNotAccepted', 409]);
    expect(message).toContain('No task waits for it any more: "a" (completed). It accepts: other.');
    expect(data).toEqual({ accepts: ['other'], reason: 'No task waits for it any more: "a" (completed).' });
  });
});
