/** R7: a call that this process cannot make waits for one that can; it is no failure of the run. */
import { expect, it } from 'vitest';
import { effect } from '../../src/runtime/effect.ts';
import { Workbench } from '../harness/documents.ts';
import { openRuntime } from '../harness/runtime.ts';
import { asker } from '../runtime/machines.ts';

it('a function that is not registered after a restart: the run waits, says so, and goes on when it is back', async () => {
  const bench = await Workbench.open();
  const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b', dependsOn: ['a'], timeoutSeconds: 60 }] });
  await bench.complete('a');
  expect(bench.running).toEqual(['b']);

  await bench.restart({ functions: {} });
  await bench.advance(3_600);
  expect(await bench.statuses(run)).toEqual({ a: 'completed', b: 'running' });
  const { runtime } = bench.fermata;
  expect((await runtime.why(run)).blocked).toMatchObject({ code: 'functionMissing' });
  const blocked = { runId: run, blocked: { code: 'functionMissing' } };
  expect(await runtime.list({ blocked: true, limit: 10 })).toMatchObject([blocked]);
  expect(await runtime.read(run)).toMatchObject(blocked);
  expect((await bench.facts(run)).map(({ type }) => type)).not.toContain('task_in_doubt');

  await bench.restart();
  expect(bench.running).toEqual(['b']);
  expect((await bench.fermata.runtime.why(run)).blocked).toBeUndefined();
  expect(await bench.fermata.runtime.list({ blocked: true, limit: 10 })).toEqual([]);
  await bench.complete('b');
  expect((await bench.read(run)).status).toBe('completed');
  await bench.close();
});

it('also one that is first called in such a process, under a policy that marks calls', async () => {
  const bench = await Workbench.open();
  const run = await bench.start({
    tasks: [{ name: 'pay', requiresApproval: true, onInDoubt: 'fail' }],
  });
  await bench.restart({ functions: {} });
  await bench.decide(run, 'pay', true);
  await bench.advance(3_600);
  expect(await bench.statuses(run)).toEqual({ pay: 'running' });
  // It was never called, so there is nothing to doubt.
  await bench.restart();
  await bench.complete('pay');
  expect((await bench.read(run)).status).toBe('completed');
  await bench.close();
});

it('and can be cancelled, with every call that waits', async () => {
  const bench = await Workbench.open();
  const run = await bench.start({ tasks: [{ name: 'a' }, { name: 'b' }] });
  const other = await bench.start({ tasks: [{ name: 'c' }] });
  await bench.restart({ functions: {} });
  const listed = async () => (await bench.fermata.runtime.list({ blocked: true, limit: 10 })).map(({ runId }) => runId);
  await bench.settle();
  expect(await listed()).toEqual([other, run]);
  await bench.fermata.runtime.cancel(run, 'enough');
  await bench.settle();
  expect((await bench.read(run)).status).toBe('cancelled');
  expect((await bench.fermata.runtime.why(run)).blocked).toBeUndefined();
  expect(await listed()).toEqual([other]);
  await bench.fermata.runtime.cancel(other);
  await bench.settle();
  await bench.close();
});

it("an effect of a user's machine that is not registered any more", async () => {
  const call = effect({ run: () => new Promise(() => {}) });
  const under = await openRuntime({ machines: { 'asker@1': asker }, actors: { call } });
  const { runId } = await under.runtime.start('asker');
  await under.runtime.send(runId, { type: 'ASK' });
  const missing = effect({
    run: async () => 42,
    unavailable: () => under.runtime.catalog.unavailable('asker@1', 'nobody', 1),
  });
  await under.restart({ actors: { call: missing } });
  await under.settle();
  expect((await under.runtime.snapshot(runId)).snapshot.value).toBe('asking');
  expect((await under.runtime.why(runId)).blocked).toMatchObject({ code: 'machineMissing' });
  await under.restart({ actors: { call: effect({ run: async () => 42 }) } });
  await under.settle();
  expect((await under.runtime.snapshot(runId)).snapshot).toMatchObject({ value: 'answered', context: { answer: 42 } });
});
