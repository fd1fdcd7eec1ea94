/** What seeds have found, each in its smallest form. */
import { describe, expect, it } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { simulate } from '../../src/testing/index.ts';
import { live } from './life.ts';

describe('found by simulation', () => {
  it.each([6, 7, 12])(
    'R4: a run that has said how it ended is shown so, however its groups are cut (%i)',
    async (seed) => {
      const world = await simulate({
        seed,
        workflows: [{ name: 'one', tasks: [{ name: 'a', prompt: 'Say a' }] }],
        answers: () => 'a',
        faults: { slowTurns: 1 },
      });
      const run = await world.start('one');
      await world.run(run);
      const end = world.trace.seen.find(
        (seen) => seen.kind === 'commit' && seen.facts.some(({ type }) => type === 'run_completed'),
      );
      expect(end).toMatchObject({ runs: [{ run, status: 'completed' }] });
      await world.close();
    },
  );

  it.each([9, 21, 65])(
    'R4: what was read for a turn that a cut put off is read anew after the commit (%i)',
    async (seed) => {
      const world = await simulate({
        seed,
        workflows: [
          {
            name: 'one',
            tasks: [
              { name: 'a', prompt: 'Say a', requiresApproval: true },
              { name: 'b', dependsOn: ['a'], prompt: 'Say b' },
            ],
          },
        ],
        answers: () => 'a',
        faults: { slowReads: 0.5, slowTurns: 0.5 },
      });
      const run = await world.start('one');
      // It leaves memory while it waits: what is ready must be read.
      await world.run(run);
      await world.approve(run, 'a', { approved: true });
      expect((await world.run(run)).status).toBe('completed');
      await world.finish();
      await world.close();
    },
  );

  it('two starts under one key are one run, also where one looks it up while the other is being committed', async () => {
    for (const seed of [1, 2, 19]) {
      const world = await simulate({
        seed,
        workflows: [{ name: 'one', tasks: [{ name: 'a', prompt: 'Say a' }] }],
        answers: () => 'a',
        faults: { slowReads: 1 },
      });
      const [one, other] = await Promise.all([
        world.start('one', { key: 'the same' }),
        world.start('one', { key: 'the same' }),
      ]);
      expect(other).toBe(one);
      expect(world.trace.seen.filter(({ kind }) => kind === 'log')).toEqual([]);
      await world.close();
    }
  });

  it('R10: an attempt is timed from the moment that is stated, also where its turn had to wait for reads', async () => {
    const world = await simulate({
      workflows: [
        { name: 'one', tasks: [{ name: 'a', prompt: 'Say a', timeoutSeconds: 600, retry: { maxRetries: 1 } }] },
      ],
      answers: () => {
        throw new FermataError('modelUnavailable', 'The scripted model is not there.');
      },
      latency: ({ attempt }) => (attempt === 1 ? '10 ms' : '1 hour'),
      faults: { slowReads: 1 },
    });
    const run = await world.start('one');
    await world.advance('20 minutes');
    const facts = await world.facts(run);
    const started = facts.findLast(({ type }) => type === 'task_started');
    const ended = facts.findLast(({ type }) => type === 'task_failed');
    expect(started?.data).toMatchObject({ attempt: 2 });
    expect(ended?.data).toMatchObject({ status: 'timedOut' });
    const took = (ended?.at ?? 0) - (started?.at ?? 0);
    expect(took).toBeGreaterThanOrEqual(600_000);
    // And what its turn had to read, a few times.
    expect(took).toBeLessThan(600_100);
    await world.close();
  });

  it('R9: a quarantined run that is cancelled ends, also where the group before its turn has no room for that', async () => {
    // Left in the inbox of a run that was kept in memory, the wish was never looked at again, and nobody was answered.
    const { counts } = await live(8_775);
    expect(counts['runs']).toBeGreaterThan(0);
  });

  it('R5: a call is made again only once its actor has heard of the doubt, also where the group is cut in between', async () => {
    // It was called again at once, and then once more when the actor had paid for it anew.
    // And so where the process ended behind the cut: the next one did what that one was about to do, and heard of the doubt, too.
    for (const seed of [4_719, 4_986, 5_850]) expect((await live(seed)).counts['crashes']).toBeGreaterThan(0);
  });

  it('a world rests where all that is left is a message to a quarantined run, which waits for somebody who releases it', async () => {
    const { counts } = await live(1_940);
    expect(counts['crashes']).toBeGreaterThan(0);
  });

  it('P12: a fork from a part of work in rounds begins that work itself, and takes over what came before (455714)', async () => {
    const answers = (task: string): unknown =>
      task.includes('plan')
        ? { tasks: [{ name: 'a', prompt: 'Say a', dependsOn: [] }] }
        : task.includes('reflect')
          ? { done: true, answer: 'yes', next: null }
          : 'a';
    const world = await simulate({
      seed: 455714,
      workflows: [{ name: 'one', tasks: [{ name: 'goal', kind: 'planExecuteReflect', goal: 'g' }] }],
      answers: ({ task }) => answers(task),
    });
    const run = await world.start('one');
    expect((await world.run(run)).status).toBe('completed');
    const fork = await world.fork(run, { fromTask: 'goal.reflect 1' });
    expect((await world.run(fork)).status).toBe('completed');
    await world.finish();
    await world.close();
  });
});
