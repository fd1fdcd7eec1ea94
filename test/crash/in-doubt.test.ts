/**
 * R5: calls that must not be made twice without being asked. `ask` and `fail` commit a mark, "about to call", before the
 * request: after a crash, no mark means that it was never sent, and a mark means in doubt.
 */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sceneOfTest } from './scene-of-test.ts';
import type { Scene } from './scene.ts';
import type { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

const document: WorkflowDocument = {
  name: 'spending',
  config: { breadth: 2, onTaskFailure: 'continue' },
  tasks: [
    { name: 'asks', prompt: 'silent asks', onInDoubt: 'ask', timeoutSeconds: 60 },
    { name: 'fails', prompt: 'silent fails', onInDoubt: 'fail', timeoutSeconds: 60 },
  ],
};
/** The same with a model that answers. */
const answered: WorkflowDocument = {
  ...document,
  tasks: [
    { name: 'asks', prompt: 'asks', onInDoubt: 'ask' },
    { name: 'fails', prompt: 'fails', onInDoubt: 'fail' },
  ],
};

interface Task {
  readonly name: string;
  readonly status: string;
  readonly attempts: number;
  readonly error: { readonly code: string } | null;
}

async function tasksOf(server: ServerProcess, run: string): Promise<Readonly<Record<string, Task>>> {
  const tasks = (await server.get(`/runs/${run}/results`))?.body['tasks'] as readonly Task[];
  return Object.fromEntries(tasks.map((task) => [task.name, task]));
}

function statusIs(server: ServerProcess, run: string, status: string): Promise<unknown> {
  return until(`run ${run} to be ${status}`, async () => (await server.get(`/runs/${run}`))?.body['status'] === status);
}

/** Starts a run on a server that dies at the n-th `point`; the only run of the scene. */
async function killAt(
  scene: Scene,
  document: WorkflowDocument,
  crash: { readonly point: CrashPoint; readonly nth: number },
): Promise<string> {
  const server = scene.serve({ crash });
  await server.execute(await server.create(document), {}, 'run');
  const { runs } = await scene.died(server);
  return [...runs.keys()][0] ?? '';
}

const doubts = (types: readonly string[]) => types.filter((type) => type === 'task_in_doubt').length;

describe('calls in doubt that must not be repeated unasked', () => {
  const setScene = sceneOfTest();

  it('killed before the mark: they were never sent, and are sent once', async () => {
    const scene = await setScene();
    const run = await killAt(scene, answered, { point: 'committed', nth: 1 });
    expect(scene.kills[0]?.open.map(({ policy }) => policy).sort()).toEqual(['ask', 'fail']);
    expect(scene.calls()).toEqual([]);
    const server = scene.serve();
    await statusIs(server, run, 'completed');
    const end = await scene.close(server);
    const journal = end.runs.get(run)?.journal.map(({ type }) => type) ?? [];
    expect(doubts(journal)).toBe(0);
    expect(
      scene
        .calls()
        .map(({ prompt }) => prompt)
        .sort(),
    ).toEqual(['asks', 'fails']);
    expect(end.runs.get(run)?.tasks.map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it.each(['after the mark', 'with the request under way'])(
    'killed %s: one is asked about, the other has failed, none is called again',
    async (moment) => {
      const scene = await setScene();
      const sent = moment === 'with the request under way';
      let run: string;
      if (sent) {
        const first = scene.serve();
        run = (await first.execute(await first.create(document), {}, 'run')) ?? '';
        await until('both calls to arrive', () => scene.calls().length === 2);
        await first.kill();
        await scene.died(first);
      } else {
        run = await killAt(scene, document, { point: 'committed', nth: 2 });
      }
      const calls = scene.calls();
      expect(calls).toHaveLength(sent ? 2 : 0);

      const server = scene.serve();
      await statusIs(server, run, 'waiting');
      expect(await tasksOf(server, run)).toMatchObject({
        asks: { status: 'inDoubt', attempts: 1 },
        fails: { status: 'failed', error: { code: 'effectInDoubt' } },
      });
      expect(scene.calls(), 'nothing was called in the meantime').toEqual(calls);

      expect((await server.post(`/runs/${run}/tasks/asks/retry`, {}))?.status).toBe(202);
      await until('the call to be repeated', () => scene.calls().length === calls.length + 1);
      const repeat = scene.calls().at(-1);
      const before = scene.kills[0]?.open.find(({ task }) => task === 'asks');
      expect(repeat, 'a repeat has the same key').toEqual({ key: before?.key, prompt: 'silent asks' });
      expect(await tasksOf(server, run), 'and is the same attempt').toMatchObject({
        asks: { status: 'running', attempts: 1 },
      });
      expect((await server.post(`/runs/${run}/tasks/asks/cancel`, { reason: 'It never answers.' }))?.status).toBe(202);
      await until('the run to end', async () =>
        ['failed', 'completed'].includes(String((await server.get(`/runs/${run}`))?.body['status'])),
      );
      const end = await scene.close(server);
      expect(doubts(end.runs.get(run)?.journal.map(({ type }) => type) ?? [])).toBe(2);
    },
  );
});
