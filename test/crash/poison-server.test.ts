/** Poison as an operator meets it: a server, a code task that kills it, and a run that waits for a model meanwhile. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { testFolder } from '../cli/test-shell.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

const deadly: WorkflowDocument = {
  name: 'deadly',
  tasks: [{ name: 'kills', kind: 'code', function: 'die', input: {} }],
};
const lingering: WorkflowDocument = {
  name: 'lingering',
  tasks: ['one', 'two'].map((name) => ({ name, kind: 'code', function: 'linger', input: {} })),
};
const patient = (prompt: string): WorkflowDocument => ({ name: prompt, tasks: [{ name: 'ask', prompt }] });

describe('a server', () => {
  const setScene = sceneOfTest();

  it('R9: that a code task kills three times serves the others, says why, and lets it go', async () => {
    const scene = await setScene();
    let server = scene.serve();
    const stuck = await server.execute(await server.create(patient('stuck')), {}, 'stuck');
    await until('the model to be called', () => scene.calls().length > 0);
    const workflow = await server.create(deadly);
    const run = await server.execute(workflow, {}, 'one');
    for (let death = 1; death <= 3; death++) {
      await until('the server to die', () => server.isDead);
      server = scene.serve();
    }
    const list = await server.get(`/runs?workflowId=${workflow}`);
    const [{ runId = '' } = {}] = (list?.body['items'] ?? []) as readonly { readonly runId?: string }[];
    expect(run ?? runId).toBe(runId);
    expect((await server.get(`/runs/${runId}`))?.body).toMatchObject({ status: 'running' });
    const why = await server.get(`/runs/${runId}/why`);
    expect(why?.body).toMatchObject({
      blocked: { code: 'quarantined', message: expect.stringContaining('while the effect "code"') as string },
      tasks: [{ task: 'kills', waitsFor: 'resume', until: null, moves: expect.stringContaining('/resume') as string }],
    });
    expect((await server.get('/runs?blocked=true'))?.body, 'nobody needs to know its id').toMatchObject({
      items: [{ runId, status: 'running', blocked: { code: 'quarantined' } }],
    });
    const paused = await server.post(`/runs/${runId}/pause`, {});
    expect(paused).toMatchObject({ status: 409, body: { code: 'quarantined', count: 3 } });
    const healthy = await server.execute(await server.create(patient('quick')), {}, 'two');
    await until(
      'a run to complete',
      async () => (await server.get(`/runs/${healthy}`))?.body['status'] === 'completed',
    );

    const folder = testFolder({ FERMATA_DB: scene.file });
    await server.kill();
    expect((await folder.run(['why', runId])).out).toContain(`It cannot go on: Run ${runId} is quarantined`);
    expect((await folder.run(['runs', '--blocked'])).out).toMatch(
      new RegExp(`^RUN.*\\n${runId} +running \\(quarantined\\)`),
    );

    server = scene.serve();
    expect((await server.get(`/runs/${stuck}/why`))?.body, 'who waits for a model is not blamed').toMatchObject({
      blocked: null,
      tasks: [{ task: 'ask', waitsFor: 'call' }],
    });
    expect(await server.post(`/runs/${runId}/resume`, {})).toMatchObject({ status: 202, body: { runId } });
    await until('the server to die again', () => server.isDead);
    expect((await folder.run(['why', runId])).out, 'a fresh count').not.toContain('quarantined');
    expect((await folder.run(['cancel', runId])).status).toBe(0);
    server = scene.serve();
    expect((await server.get(`/runs/${runId}`))?.body).toMatchObject({
      status: 'cancelled',
      tasks: [{ name: 'kills', status: 'cancelled' }],
    });
    await server.kill();
  });

  it('says of a call that the process died of twice that it waits for its turn', async () => {
    const scene = await setScene();
    let server = scene.serve();
    const run = await server.execute(await server.create(lingering), {}, 'one');
    for (let death = 1; death <= 2; death++) {
      await until('both to be called', () => scene.calls().length === 2 * death);
      await server.kill();
      server = scene.serve();
    }
    await until('the first to be called alone', () => scene.calls().length === 5);
    expect((await server.get(`/runs/${run}/why`))?.body).toMatchObject({
      blocked: null,
      tasks: [
        { task: 'one', waitsFor: 'call', moves: expect.stringMatching(/^the outcome of its call/) as string },
        { task: 'two', waitsFor: 'call', moves: expect.stringMatching(/^its turn: the process has died/) as string },
      ],
    });
    await server.kill();
  });
});
