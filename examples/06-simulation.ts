/**
 * Simulation: your workflow in worlds where everything goes wrong, and a month takes a millisecond. Each world is made
 * from a seed; the one that breaks something comes back with its seed.
 *
 *   npx node examples/06-simulation.ts
 */
import { workflow } from 'fermata';
import { simulate } from 'fermata/testing';

const travel = workflow('travel')
  .task('search', { prompt: 'Find a hotel.', retry: { maxRetries: 10 } })
  .task('book', {
    kind: 'code',
    function: 'book',
    input: { hotel: 'tasks.search.output' },
    requiresApproval: true,
    approvalPrompt: 'Book {{ tasks.search.output }}?',
    approvalTimeoutSeconds: 30 * 86_400,
    retry: { maxRetries: 10 },
  })
  .build();

/** One world: a process that dies at commits, a model that is lost on the way, a person who takes four weeks. */
async function live(seed: number) {
  const booked = new Set<string>();
  const world = await simulate({
    seed,
    workflows: [travel],
    answers: () => 'Hotel Fermata',
    functions: {
      book: ({ hotel }, { idempotencyKey }) => {
        booked.add(idempotencyKey);
        return `booked: ${String(hotel)}`;
      },
    },
    faults: { crashes: 0.2, doubtfulCommits: true, lostReplies: true, lostAnswers: true },
  });
  const runId = await world.start('travel');
  await world.run(runId, ({ status, counts }) => status === 'waiting' && counts['approvals'] === 1);
  await world.advance('28 days');
  await world.approve(runId, 'book', { approved: true });
  await world.finish(); // nothing goes wrong any more; throws, with the story, where a promise was broken
  const { status, output } = await world.read(runId);
  const calls = world.calls.length;
  await world.close();
  return { said: `${status}, ${String(output)}`, calls, hash: world.traceHash };
}

const worlds = await Promise.all(Array.from({ length: 100 }, (_, seed) => live(seed)));
console.log(`100 worlds, every one: ${[...new Set(worlds.map(({ said }) => said))].join(' | ')}`);
console.log(
  `calls a world: ${Math.min(...worlds.map(({ calls }) => calls))} to ${Math.max(...worlds.map(({ calls }) => calls))}`,
);
console.log(`the same seed, the same world: ${(await live(7)).hash === worlds[7]?.hash}`);
