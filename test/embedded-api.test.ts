/** What a program that embeds Fermata has at hand: the verbs and views of the API, without a socket. */
import { expect, expectTypeOf, it } from 'vitest';
import { FermataClientError, type FermataClient } from '../src/client/index.ts';
import { tally } from './crash/machines.ts';
import { compose, createRuntime, FermataError, isFermataError } from '../src/index.ts';
import { openFermata } from './harness/fermata.ts';

const GATE = {
  name: 'gate',
  tasks: [
    { name: 'draft', prompt: 'Say hello' },
    { name: 'send', prompt: 'Send {{ tasks.draft.output }}', requiresApproval: true, approvalPrompt: 'Really?' },
  ],
};
const script = [{ prompt: '', answers: [{ text: 'hello' }] }];

it('decides, reads and steers as over HTTP, with the same answers', async () => {
  const { fermata, call } = await openFermata({ script });
  const { api } = fermata;
  expectTypeOf(api).toEqualTypeOf<FermataClient>();
  const { runId } = await fermata.start(GATE);
  await fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');

  expect((await api.approvals({ status: 'pending' })).items).toMatchObject([
    { runId, task: 'send', prompt: 'Really?', status: 'pending' },
  ]);
  expect((await api.why(runId)).tasks[0]).toMatchObject({ task: 'send' });
  expect(await api.pause(runId)).toEqual({ runId, status: 'paused' });
  expect((await api.resume(runId)).status).not.toBe('paused');
  expect(await api.approve(runId, 'send', { approved: true, by: 'Ada' })).toMatchObject({ runId });
  await fermata.runtime.waitFor(runId);

  const results = await api.results(runId);
  expect(results.tasks).toMatchObject([
    { name: 'draft', status: 'completed', output: 'hello', attempts: 1, error: null, startedAt: expect.any(String) },
    { name: 'send', status: 'completed', output: 'hello' },
  ]);
  for (const [path, answer] of [
    [`/runs/${runId}/results`, results],
    [`/runs/${runId}`, await api.run(runId)],
    ['/approvals', await api.approvals()],
    ['/runs?status=completed', await api.runs({ status: 'completed' })],
  ] as const)
    expect((await call('GET', path)).body).toEqual(answer);

  const refused = await api.approve(runId, 'send', { approved: false }).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(FermataClientError);
  expect(refused).toMatchObject({ code: 'alreadyDecided', status: 409, problem: { decision: { by: 'Ada' } } });
});

it('fails in one way to whoever catches, whichever half was asked', async () => {
  const { fermata } = await openFermata({ script });
  const caught = async (doing: Promise<unknown>): Promise<string> => {
    try {
      await doing;
    } catch (error) {
      if (!isFermataError(error)) throw error;
      expectTypeOf(error).toEqualTypeOf<FermataError | FermataClientError>();
      return `${error.status} ${error.code}: ${error.message}`;
    }
    return 'nothing';
  };
  const missing = await caught(fermata.runtime.read('nobody'));
  expect(missing).toContain('404 notFound: No run "nobody" exists.');
  expect(await caught(fermata.api.run('nobody'))).toBe(missing);
  expect(await caught(fermata.start('nothing'))).toContain('404 notFound');
  for (const other of [new Error('notFound'), { code: 'notFound', status: 404 }, undefined])
    expect(isFermataError(other)).toBe(false);
});

it('takes no decision that says neither yes nor no, and no unknown field', async () => {
  const { fermata } = await openFermata({ script });
  const { runId } = await fermata.start(GATE);
  await fermata.runtime.waitFor(runId, ({ status }) => status === 'waiting');
  for (const decision of [{ approved: 'false' }, { aproved: true }])
    await expect(fermata.api.approve(runId, 'send', decision as never)).rejects.toMatchObject({
      code: 'invalidRequest',
      status: 400,
    });
  expect((await fermata.api.results(runId)).tasks[1]?.status).toBe('awaitingApproval');
  expect(await fermata.api.cancel(runId, 'enough')).toEqual({ runId, status: 'cancelled' });
});

it('starts a machine and sends it events, once under an id', async () => {
  const { fermata } = await openFermata({ config: { machines: { 'tally@1': tally } } });
  const { api } = fermata;
  const { runId } = await api.startMachine('tally', {}, 'one tally');
  expect((await api.startMachine('tally', {}, 'one tally')).runId).toBe(runId);
  expect((await api.run(runId)).acceptedEvents).toEqual(['ADD', 'END']);
  for (const _ of ['first', 'again']) await api.send(runId, { type: 'ADD', id: 'pay-7' });
  await api.send(runId, { type: 'END' });
  expect(await api.run(runId)).toMatchObject({ status: 'completed', output: 1 });
});

it('breaks off its streams, and refuses, when Fermata closes', async () => {
  const { fermata, close } = await openFermata({ script });
  const { runId } = await fermata.start(GATE);
  const seen: string[] = [];
  const following = (async () => {
    for await (const { event } of fermata.api.stream(runId)) {
      seen.push(event);
      if (event === 'run_waiting') void close();
    }
  })();
  // Whoever follows must not take it for the end of the run.
  await expect(following).rejects.toMatchObject({ code: 'shuttingDown' });
  expect(seen.at(-1)).toBe('run_waiting');
  await expect(fermata.api.run(runId)).rejects.toMatchObject({ code: 'shuttingDown', status: 503 });
});

it('says what is missing where no store is given', async () => {
  const missing = { code: 'invalidConfig', message: expect.stringContaining('Expected a store among the options') };
  await expect(compose({ config: {} } as never)).rejects.toMatchObject(missing);
  await expect(createRuntime({ machines: { 'tally@1': tally } } as never)).rejects.toMatchObject(missing);
});
