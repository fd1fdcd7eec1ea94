/** R6: an event from outside that a server died of accepting, or of handing over, is sent again and taken once. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sceneOfTest } from './scene-of-test.ts';
import type { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** What comes after the commit is the same to an event: it is taken, or kept. */
const POINTS: readonly CrashPoint[] = ['decided', 'committed'];

const paid = (name: string, after: string) => ({
  name,
  kind: 'wait' as const,
  event: { type: 'paid' },
  dependsOn: [after],
});
const document: WorkflowDocument = {
  name: 'invoice',
  tasks: [
    { name: 'count', kind: 'code', function: 'count', input: { items: 3 }, requiresApproval: true },
    paid('first', 'count'),
    paid('second', 'first'),
  ],
};

describe('killed between the acceptance of an event and its taking', () => {
  const setScene = sceneOfTest();

  it.each(POINTS)('at "%s"', async (point) => {
    const scene = await setScene();
    const crash = { point, nth: 1 };
    const send = (server: ServerProcess, run: string, n: number) =>
      server.post(`/runs/${run}/events`, { type: 'paid', id: `m${n}`, n });
    const starts = scene.serve();
    const run = (await starts.execute(await starts.create(document), {}, 'run')) ?? '';
    await until('the question', async () => (await starts.get(`/runs/${run}`))?.body['status'] === 'waiting');
    await starts.kill();
    for (const n of [1, 2]) {
      const server = scene.serve({ crash });
      const answer = await send(server, run, n);
      await scene.died(server);
      if (point === 'decided') expect(answer, 'nothing was accepted').toBeUndefined();
    }
    // The approval leads to the call, its outcome to the taking of what was kept: dies at each of them.
    for (const nth of [1, 2]) {
      const server = scene.serve({ crash: { point, nth } });
      await send(server, run, 1);
      await send(server, run, 2);
      await server.post(`/runs/${run}/tasks/count/approve`, { approved: true });
      await scene.died(server);
    }
    const last = scene.serve();
    for (const n of [1, 2]) expect((await send(last, run, n))?.status).toBeLessThan(500);
    await last.post(`/runs/${run}/tasks/count/approve`, { approved: true });
    await until('the run to complete', async () => (await last.get(`/runs/${run}`))?.body['status'] === 'completed');
    const results = (await last.get(`/runs/${run}/results`))?.body['tasks'] as { name: string; output: unknown }[];
    const outputs = results.slice(1).map(({ output }) => output);
    expect(outputs).toEqual([
      { type: 'paid', n: 1 },
      { type: 'paid', n: 2 },
    ]);
    await scene.close(last);
  });
});
