/**
 * G: a run of 40 tasks with failures, back-offs, time-outs, functions, an approval and a slow model, killed at 20 seeded
 * random moments of its life, ends as if nothing had happened.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fraction } from '../../machines/backoff.ts';
import type { WorkflowDocument, WorkflowTask } from '../../src/document/schema.ts';
import { countKeys } from './evidence.ts';
import { sceneOfTest } from './scene-of-test.ts';
import type { ServerProcess, WireFact } from './server-process.ts';
import { until } from './until.ts';

const KILLS = 20;
const SEED = 'fermata';
const retry = { maxRetries: 5, initialSeconds: 0.03, maxSeconds: 0.1 };

/** A number in [0, below) that depends on the seed and the name only. */
function seeded(name: string, below: number): number {
  return fraction(`${SEED}/${name}`) * below;
}

function several(count: number, task: (n: number) => WorkflowTask): WorkflowTask[] {
  return Array.from({ length: count }, (_, index) => task(index + 1));
}

const middle: readonly WorkflowTask[] = [
  ...several(10, (n) => ({
    name: `gather-${n}`,
    dependsOn: ['plan'],
    prompt: `gather ${n} for {{ tasks.plan.output }}`,
  })),
  ...several(6, (n) => ({ name: `flaky-${n}`, dependsOn: ['plan'], prompt: `flaky ${n}`, retry })),
  ...several(3, (n) => ({
    name: `silent-${n}`,
    dependsOn: ['plan'],
    prompt: `silent ${n}`,
    retry,
    timeoutSeconds: 0.4,
  })),
  ...several(5, (n) => ({
    name: `count-${n}`,
    dependsOn: ['plan'],
    kind: 'code',
    function: 'count',
    input: { items: n },
  })),
  { name: 'spend', dependsOn: ['plan'], prompt: 'spend', requiresApproval: true },
  ...several(8, (n) => ({ name: `deepen-${n}`, dependsOn: [`gather-${n}`], prompt: `deepen ${n}` })),
];

const document: WorkflowDocument = {
  name: 'forty-tasks',
  config: { breadth: 4, timeoutSeconds: 3_600 },
  tasks: [
    { name: 'plan', prompt: 'plan' },
    ...middle,
    { name: 'merge', dependsOn: middle.map(({ name }) => name), prompt: 'merge' },
    ...several(5, (n) => ({
      name: `polish-${n}`,
      dependsOn: [n === 1 ? 'merge' : `polish-${n - 1}`],
      prompt: `polish ${n}`,
    })),
  ],
};

/** What a client sees of the run: every fact once, however often it comes. */
class Audience {
  readonly seen = new Map<number, WireFact>();
  readonly #settled = new Set<string>();

  get settled(): number {
    return this.#settled.size;
  }

  /** Follows the stream until it ends or is cut off, and approves what asks for it. */
  async follow(server: ServerProcess, run: string): Promise<void> {
    for await (const fact of server.facts(run)) {
      const { seq, task = '' } = fact.data;
      const before = this.seen.get(seq);
      if (before !== undefined) expect(fact, `fact ${seq} is the same after a restart`).toEqual(before);
      this.seen.set(seq, fact);
      if (fact.type === 'task_completed') this.#settled.add(task);
      if (fact.type === 'approval_requested')
        await server.post(`/runs/${run}/tasks/${task}/approve`, { approved: true, by: 'ada' });
    }
  }
}

describe('killed at random moments', () => {
  const setScene = sceneOfTest();

  it(`a run of 40 tasks survives ${KILLS} kills`, { timeout: 60_000 }, async () => {
    const scene = await setScene({ firstTokenMs: 25, tokensPerSecond: 400 });
    const audience = new Audience();
    let server = scene.serve();
    const workflow = await server.create(document);
    const run = (await server.execute(workflow, {}, 'forty')) ?? '';
    expect(document.tasks).toHaveLength(40);
    for (let kill = 1; kill <= KILLS; kill++) {
      const following = audience.follow(server, run);
      // Three of four moments lie in the work, spread over the whole run; the fourth lies anywhere in a start.
      const inWork = kill % 4 !== 0;
      if (inWork) await until(`${2 * kill - 2} tasks to be settled`, () => audience.settled >= 2 * kill - 2);
      await pause(seeded(`moment ${kill}`, inWork ? 60 : 350));
      await server.kill();
      await following;
      await scene.died(server);
      server = scene.serve();
    }
    await audience.follow(server, run);
    const end = await scene.close(server);
    const evidence = end.runs.get(run);
    expect(evidence?.run.status).toBe('completed');
    expect(evidence?.tasks.map(({ name, status }) => `${name} ${status}`)).toEqual(
      document.tasks.map(({ name }) => `${name} completed`),
    );
    const facts = evidence?.journal.flatMap(({ factSeq }) => factSeq ?? []);
    expect(
      [...audience.seen.keys()].sort((a, b) => a - b),
      'every fact was streamed',
    ).toEqual(facts);
    expect(scene.calls().length, 'some calls were repeated').toBeGreaterThan(countKeys(scene.calls()).size);
    expect(scene.kills.filter(({ open }) => open.length > 0).length, 'kills with calls in flight').toBeGreaterThan(
      KILLS / 2,
    );
  });
});
