/** S3, R5: killed while tasks share: each write is done once, each revision is given once, and who is stopped hears of it once. */
import { describe, expect, it } from 'vitest';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { killedAt, type Survivor } from './each-commit.ts';
import { sceneOfTest } from './scene-of-test.ts';
import { until } from './until.ts';

const WRITERS = ['one', 'two', 'three'];
const DOCUMENT: WorkflowDocument = {
  name: 'sharing',
  config: { breadth: 5 },
  tasks: [
    ...WRITERS.map((name) => ({ name, kind: 'code' as const, function: 'share' })),
    {
      name: 'verdict',
      prompt: 'n is {{ shared.n }}',
      dependsOn: WRITERS,
      outputs: { shared: { full: 'shared.n == 6.0' } },
    },
    { name: 'slow', prompt: 'stuck', cancelWhen: 'shared.full' },
    { name: 'never', kind: 'wait', event: { type: 'never' }, cancelWhen: 'shared.full' },
    { name: 'end', kind: 'code', function: 'count', dependsOn: ['slow', 'never'], input: { items: 'shared.n' } },
  ],
};

interface Change {
  readonly key: string;
  readonly revision: number;
  readonly value: unknown;
  readonly by: string;
  readonly write?: string;
}

describe('killed while tasks share', () => {
  const setScene = sceneOfTest();

  it('at commits', async () => {
    const scene = await setScene();
    const crashes = [
      { point: 'committed', nth: 7 },
      { point: 'decided', nth: 5 },
    ] as const;
    const ended = async ({ run, server, killed, shown, calls }: Survivor): Promise<void> => {
      const { status, output } = await shown();
      expect(status).toBe('completed');
      expect(output).toEqual({
        verdict: expect.stringContaining('n is 6') as string,
        end: { counted: 6 },
      });
      const facts = [];
      for await (const fact of server.facts(run)) facts.push(fact);
      const changes = facts.filter(({ type }) => type === 'shared_changed').map(({ data }) => data as never as Change);
      const revisions = (of: string): number[] =>
        changes.filter(({ key }) => key === of).map(({ revision }) => revision);
      expect(revisions('n'), killed).toEqual([1, 2, 3, 4, 5, 6]);
      for (const key of [...WRITERS, 'full']) expect(revisions(key)).toEqual([1]);
      expect(new Set(changes.map(({ write }) => write)).size, 'each under a name of its own').toBe(6 + 3 + 1);
      for (const writer of WRITERS) expect(changes.filter(({ by }) => by === writer)).toHaveLength(3);
      const stopped = facts.filter(({ type }) => type === 'task_cancelled').map(({ data }) => String(data.task));
      expect(stopped.toSorted()).toEqual(['never', 'slow']);
      const full = facts.findIndex(({ data }) => data['key'] === 'full');
      expect(facts.findIndex(({ type }) => type === 'task_cancelled')).toBeGreaterThan(full);
      const { items } = (await shown('/shared')) as unknown as { items: Change[] };
      expect(items.map(({ key, revision }) => [key, revision])).toEqual([
        ['full', 1],
        ['n', 6],
        ['one', 1],
        ['three', 1],
        ['two', 1],
      ]);
      // What a call wrote stands under the key that it still had when it was made again.
      const called = calls();
      for (const { key, value } of items.filter((item) => WRITERS.includes(item.key)))
        expect(new Set(called.filter(({ prompt }) => prompt === key).map((call) => call.key))).toEqual(
          new Set([value]),
        );
    };
    await killedAt(scene, DOCUMENT, crashes, { ended });
  });

  it('in the middle of stopping 600 tasks: the others are told afterwards, each of them once', async () => {
    const COUNT = 600;
    const waits = Array.from({ length: COUNT }, (_, n) => ({
      name: `w${n}`,
      kind: 'wait' as const,
      event: { type: 'never' },
      cancelWhen: 'has(shared.say)',
    }));
    const scene = await setScene();
    const first = scene.serve();
    const say = { name: 'say', kind: 'code' as const, function: 'share', requiresApproval: true };
    const workflow = await first.create({ name: 'many', config: { breadth: 50 }, tasks: [say, ...waits] });
    const run = (await first.execute(workflow, {}, 'many')) ?? '';
    await until('all to wait', async () => (await first.get(`/runs/${run}`))?.body['status'] === 'waiting');
    await first.kill();
    // Its first commits are the approval and the count; then each stops some hundreds.
    const server = scene.serve({ crash: { point: 'committed', nth: 4 } });
    await server.post(`/runs/${run}/tasks/say/approve`, { approved: true });
    const { runs } = await scene.died(server);
    const { agendaJson = null, counts } = runs.get(run)?.run ?? {};
    expect(agendaJson, 'it died in the middle').not.toBeNull();
    expect(counts?.['cancelled']).toBeGreaterThan(0);
    expect(counts?.['cancelled']).toBeLessThan(COUNT);
    const last = scene.serve();
    await until('the run to complete', async () => (await last.get(`/runs/${run}`))?.body['status'] === 'completed');
    const stopped: string[] = [];
    for await (const { type, data } of last.facts(run)) if (type === 'task_cancelled') stopped.push(String(data.task));
    expect(stopped.length).toBe(COUNT);
    expect(new Set(stopped).size).toBe(COUNT);
    await scene.close(last);
  });
});
