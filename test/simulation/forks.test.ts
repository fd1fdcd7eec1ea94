/** R5, R11: a fork whose process dies, at any of its facts, ends as if nothing had happened, and nothing is paid for twice. */
import { expect, it } from 'vitest';
import { simulate, type World } from '../../src/testing/index.ts';

const call = { kind: 'code', function: 'work' } as const;
const DOCUMENT = {
  name: 'grows',
  config: { breadth: 2 },
  tasks: [
    { name: 'a', ...call, outputs: { shared: { a: 'result', n: 'shared.?n.orValue(0.0) + 1.0' } } },
    { name: 'p', ...call, dependsOn: ['a'], onComplete: { addTasks: 'adds' } },
    { name: 'each', kind: 'map', dependsOn: ['a'], items: '[1, 2, 3]', task: call },
    { name: 'choice', kind: 'condition', if: 'tasks.a.status == "completed"', then: ['yes'], else: ['no'] },
    { name: 'yes', ...call },
    { name: 'no', ...call },
    { name: 'nap', kind: 'wait', seconds: 30 },
    { name: 'end', ...call, dependsOn: ['p', 'each', 'yes', 'no', 'nap'] },
  ],
};

function world(): Promise<World> {
  return simulate({
    seed: 11,
    workflows: [DOCUMENT as never],
    functions: {
      work: async (_, { task, shared }) => {
        if (task.startsWith('each') || task === 'end') await shared.update<number>('n', (n = 0) => n + 1);
        return `${task} done`;
      },
      adds: () => [
        { name: 'one', ...call },
        { name: 'two', ...call, dependsOn: ['one'] },
      ],
    },
  });
}

/** Forks a run that has ended; the process dies once the fork has so many facts. Answers with what is left in the end. */
async function forked(request: { readonly fromTask: string }, facts: number) {
  const made = await world();
  const origin = await made.start('grows');
  await made.run(origin);
  const fork = await made.fork(origin, request, { nap: { output: 'rested' } });
  await made.run(fork, (run) => run.facts >= facts || run.endedAt !== null);
  await made.crash();
  await made.run(fork);
  await made.finish();
  const called = new Set(made.calls.filter(({ run }) => run === fork).map(({ actor }) => actor));
  const { status, output, counts: all, facts: last } = await made.read(fork);
  // A call that was cut off is stated; nothing else tells the runs apart.
  const { inDoubt: _, ...counts } = all;
  const counted = (await made.facts(fork)).findLast(({ data }) => data['key'] === 'n')?.data;
  const n = { value: counted?.['value'], revision: counted?.['revision'] };
  await made.close();
  return { status, output, counts, last, called: [...called].toSorted(), n };
}

it.each([
  { fromTask: 'end', called: ['/end'], n: 5 },
  { fromTask: 'two', called: ['/end', '/two'], n: 5 },
  { fromTask: 'each[1]', called: ['/each[1]', '/end'] },
])('forked at $fromTask', async ({ fromTask, called, n }) => {
  const { last, ...usual } = await forked({ fromTask }, Infinity);
  expect(usual).toMatchObject({ status: 'completed', output: 'end done', called });
  if (n !== undefined) expect(usual.n).toEqual({ value: n, revision: n });
  for (let facts = 1; facts < last; facts += 3) {
    const { last: _, ...found } = await forked({ fromTask }, facts);
    expect(found, `killed at fact ${facts}`).toEqual(usual);
  }
});
