/** A task that makes one of many, at once or in a tree. */
import { describe, expect, it } from 'vitest';
import { openFermata } from '../harness/fermata.ts';

const summed = (arity?: number) => ({
  name: `sums ${arity}`,
  input: { type: 'object', properties: { docs: { type: 'array' } } },
  config: { breadth: 50 },
  tasks: [
    {
      name: 'each',
      kind: 'map',
      items: 'input.docs',
      task: { kind: 'code', function: 'echo', input: { text: 'item' } },
    },
    {
      name: 'all',
      kind: 'reduce',
      dependsOn: ['each'],
      prompt: 'Join {{ tasks.each.output | json }}',
      ...(arity === undefined ? {} : { arity }),
    },
  ],
});

/** Answers with how many it was given. */
async function reduce(count: number, arity?: number) {
  const harness = await openFermata({
    script: [{ prompt: '', answers: [{ text: 'joined' }] }],
    config: { functions: { echo: ({ text }) => text } },
  });
  const { call, fermata, models } = harness;
  const { body: workflow } = await call('POST', '/workflows', summed(arity));
  const docs = Array.from({ length: count }, (_, at) => `d${at}`);
  const { body: started } = await call('POST', `/workflows/${workflow.id}/execute`, { input: { docs } });
  await fermata.runtime.waitFor(started.runId);
  const { body: run } = await call('GET', `/runs/${started.runId}`);
  const { body: results } = await call('GET', `/runs/${started.runId}/results?limit=1000`);
  return { run, results, calls: models.requests().length };
}

describe('a reduction', () => {
  it('sees the whole list at once', async () => {
    const { run, calls } = await reduce(3);
    expect(run).toMatchObject({ status: 'completed', output: 'joined' });
    expect(calls).toBe(1);
  });

  it('goes up a tree, with at most so many in each prompt', async () => {
    const { run, results } = await reduce(9, 2);
    expect(run).toMatchObject({ status: 'completed', output: 'joined', progress: 100 });
    const names = results.tasks
      .map(({ name }: { name: string }) => name)
      .filter((name: string) => name.startsWith('all['));
    // 9 → 5 → 3 → 2 → 1
    expect(names).toEqual(Array.from({ length: 5 + 3 + 2 + 1 }, (_, at) => `all[${at}]`));
  });

  it('of a list that is short enough is one call', async () => {
    const { results } = await reduce(2, 5);
    expect(results.tasks.map(({ name }: { name: string }) => name)).toEqual([
      'each',
      'all',
      'each[0]',
      'each[1]',
      'all[0]',
    ]);
  });

  it('asks a person once, and not for each of its calls', async () => {
    const { call, fermata } = await openFermata({
      script: [{ prompt: '', answers: [{ text: 'joined' }] }],
      config: { functions: { echo: ({ text }) => text } },
    });
    const { tasks, ...head } = summed(2);
    const { body: workflow } = await call('POST', '/workflows', {
      ...head,
      tasks: tasks.map((task) => (task.name === 'all' ? { ...task, requiresApproval: true } : task)),
    });
    const { body: run } = await call('POST', `/workflows/${workflow.id}/execute`, { input: { docs: ['a', 'b', 'c'] } });
    await fermata.runtime.waitFor(run.runId, ({ counts }) => counts['approvals'] === 1);
    expect((await call('POST', `/runs/${run.runId}/tasks/all/approve`, { approved: true })).status).toBe(202);
    await fermata.runtime.waitFor(
      run.runId,
      ({ status, counts }) => status === 'completed' || (counts['approvals'] ?? 0) > 0,
    );
    expect((await call('GET', `/runs/${run.runId}`)).body).toMatchObject({ status: 'completed', output: 'joined' });
  });
});
