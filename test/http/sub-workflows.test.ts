/** Runs that tasks begin, over HTTP: who belongs to whom, why one waits for another, what is refused. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderInMemory } from '../harness/database.ts';
import { openFermata, type Harness } from '../harness/fermata.ts';

const SCRIPT = [{ prompt: '', answers: [{ text: 'three sources' }] }];
const review = {
  name: 'review',
  input: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] },
  tasks: [
    { name: 'search', prompt: 'Find {{ input.q }}' },
    { name: 'ok', kind: 'wait', event: { type: 'ok' }, dependsOn: ['search'] },
  ],
};
const thesis = {
  name: 'thesis',
  tasks: [{ name: 'phase', kind: 'subworkflow', workflow: 'review', input: { q: '{{ input.topic }}' } }],
};

async function started({ call }: Harness): Promise<{ upper: string; lower: string }> {
  expect((await call('POST', '/workflows', review)).status).toBe(201);
  const { body } = await call('POST', '/workflows', thesis);
  const { body: run } = await call('POST', `/workflows/${body.id}/execute`, { input: { topic: 'tea' } });
  for (;;) {
    const { body: shown } = await call('GET', `/runs/${run.runId}`);
    const [child] = shown.children ?? [];
    if (child?.status === 'waiting') return { upper: run.runId, lower: child.runId };
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a run that a task has begun', () => {
  it('is linked both ways, told by why, and counts in the usage of its task', async () => {
    const harness = await openFermata({ script: SCRIPT });
    const { call, fermata } = harness;
    const { upper, lower } = await started(harness);
    const above = (await call('GET', `/runs/${upper}`)).body;
    expect(above).toMatchObject({
      status: 'waiting',
      children: [
        { task: 'phase', attempt: 1, runId: lower, workflow: 'review', version: 1, status: 'waiting', progress: 50 },
      ],
      tasks: [{ name: 'phase', status: 'running', childRunId: lower }],
    });
    expect(above).not.toHaveProperty('parent');
    expect((await call('GET', `/runs/${lower}`)).body).toMatchObject({
      parent: { runId: upper, task: 'phase' },
      input: { q: 'tea' },
    });
    const listed = (await call('GET', `/runs?parent=${upper}`)).body.items;
    expect(listed).toMatchObject([{ runId: lower, parent: { runId: upper, task: 'phase' } }]);
    const why = (await call('GET', `/runs/${upper}/why`)).body.tasks;
    expect(why).toMatchObject([{ task: 'phase', waitsFor: 'run', childRunId: lower }]);
    expect(why[0].moves).toContain(`the end of run ${lower}, which is waiting (50 %): GET /api/v1/runs/${lower}/why`);

    expect((await call('POST', `/runs/${lower}/events`, { type: 'ok', n: 1 })).status).toBe(202);
    await fermata.runtime.waitFor(upper);
    const { tasks, output } = (await call('GET', `/runs/${upper}/results`)).body;
    const below = (await call('GET', `/runs/${lower}/results`)).body;
    expect(output).toEqual({ type: 'ok', n: 1 });
    const { inputTokens, outputTokens, totalTokens } = below.tasks[0].usage;
    expect(tasks[0].usage).toEqual({ inputTokens, outputTokens, totalTokens });
    const facts = (await call('GET', `/runs/${lower}/stream`)).body as string;
    expect(facts).toContain(`"parent":{"runId":"${upper}","task":"phase","attempt":1}`);
  });

  it('is cancelled with the one that waits for it; which cannot be told to wait for what is not there', async () => {
    const harness = await openFermata({ script: SCRIPT });
    const { call, fermata } = harness;
    const missing = await call('POST', '/workflows', thesis);
    expect([missing.status, missing.body.code, missing.body.errors[0].path]).toEqual([
      422,
      'workflowMissing',
      'tasks[0].workflow',
    ]);
    const checked = await call('POST', '/workflows?validate=only', thesis);
    expect([checked.status, checked.body.code]).toEqual([422, 'workflowMissing']);
    const { upper, lower } = await started(harness);
    const valid = await call('POST', '/workflows?validate=only', { ...thesis, name: 'other' });
    expect(valid.body).toMatchObject({
      valid: true,
      runs: ['review'],
      analysis: { worstCase: { tasks: 3, modelCalls: 1 } },
    });
    await call('POST', `/runs/${upper}/cancel`, { reason: 'enough' });
    await fermata.runtime.waitFor(lower);
    expect((await call('GET', `/runs/${lower}`)).body).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Task "phase", which waited for it, ended: enough' },
    });
  });

  /** As three deaths of the process would leave it. */
  function quarantine(file: string, run: string): void {
    const driver = new BetterSqlite3(file);
    driver
      .prepare(
        `insert into suspect (tenant, run_id, key, what, count, at, quarantined_at) values ('default', ?, 'event/x', 'while it decided', 3, 0, 1)`,
      )
      .run(run);
    driver.close();
    // They know the file as it was before.
    rmSync(`${file}.sums`);
  }

  it('and is quarantined cannot be deleted before it is cancelled, which its parent hears without its machine being asked', async () => {
    const folder = folderInMemory();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const database = join(folder, 'test.db');
    const before = await openFermata({ script: SCRIPT, database });
    const { upper, lower } = await started(before);
    await before.close();
    quarantine(database, lower);
    const { call, fermata } = await openFermata({ script: SCRIPT, database });
    expect((await call('GET', `/runs/${upper}/why`)).body.tasks[0].moves).toContain('which is blocked (50 %)');
    const refused = await call('DELETE', `/runs/${lower}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'wrongState']);
    expect(refused.body.detail).toBe(
      `Task "phase" of run ${upper} waits for run ${lower}. Cancel that task first, then delete this run.`,
    );
    await call('POST', `/runs/${lower}/cancel`, { reason: 'it kills' });
    expect(await fermata.runtime.waitFor(upper)).toMatchObject({
      status: 'failed',
      reason: { code: 'childRunCancelled', message: `Run ${lower} of workflow "review" was cancelled: it kills` },
    });
    expect((await call('DELETE', `/runs/${lower}`)).status).toBe(204);
  });

  it('is cancelled where the one that waits is quarantined and cancelled', async () => {
    const folder = folderInMemory();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const database = join(folder, 'test.db');
    const before = await openFermata({ script: SCRIPT, database });
    const { upper, lower } = await started(before);
    await before.close();
    quarantine(database, upper);
    const { call, fermata } = await openFermata({ script: SCRIPT, database });
    await call('POST', `/runs/${upper}/cancel`, { reason: 'it kills' });
    expect(await fermata.runtime.waitFor(lower)).toMatchObject({ status: 'cancelled' });
  });
});

describe('what a sub-workflow needs', () => {
  it('is asked for before the run above it begins, however deep, and by name', async () => {
    const { call } = await openFermata({ script: SCRIPT });
    const create = (document: object) => call('POST', '/workflows', document);
    await create({ name: 'low', tasks: [{ name: 'ask', prompt: 'Hi', provider: 'elsewhere' }] });
    const inline = { name: 'between', tasks: [{ name: 'lower', kind: 'subworkflow', workflow: 'low' }] };
    await create({ name: 'middle', tasks: [{ name: 'inner', kind: 'subworkflow', workflow: inline }] });
    const { body } = await create({ name: 'top', tasks: [{ name: 'all', kind: 'subworkflow', workflow: 'middle' }] });
    const { status, body: problem } = await call('POST', `/workflows/${body.id}/execute`, {});
    expect({ status, code: problem.code }).toEqual({ status: 422, code: 'providerMissing' });
    expect(problem.detail).toMatch(/^The workflow "low", which this one runs, cannot run here\. .*"elsewhere"/);
    expect((await call('GET', '/runs')).body.items).toEqual([]);
  });

  it('and is published meanwhile fails the task as its run is to begin, and says so', async () => {
    const { call, fermata } = await openFermata({ script: SCRIPT });
    const low = { name: 'low', tasks: [{ name: 'ask', prompt: 'Hi' }] };
    const { body: created } = await call('POST', '/workflows', low);
    const { body } = await call('POST', '/workflows', {
      name: 'top',
      tasks: [
        { name: 'go', kind: 'wait', event: { type: 'go' } },
        { name: 'all', kind: 'subworkflow', workflow: 'low', dependsOn: ['go'] },
      ],
    });
    const { body: run } = await call('POST', `/workflows/${body.id}/execute`, {});
    await call('PUT', `/workflows/${created.id}`, { ...low, tasks: [{ ...low.tasks[0], provider: 'elsewhere' }] });
    await call('POST', `/runs/${run.runId}/events`, { type: 'go' });
    const { status, reason } = await fermata.runtime.waitFor(run.runId as string);
    expect({ status, code: reason?.code }).toEqual({ status: 'failed', code: 'providerMissing' });
  });
});
