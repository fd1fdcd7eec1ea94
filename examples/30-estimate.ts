/**
 * What a run will cost and do, before it begins: nothing is stored, no model is asked, and it says which numbers are guesses.
 * A budget that cannot pay for it refuses the run at the door.
 *
 *   npx node examples/30-estimate.ts
 *
 * At a terminal: npx fermata estimate FILE --input topic=tea, npx fermata dry-run FILE --input topic=tea
 */
import { compose, sqliteStore, workflow } from 'fermata';

// The market example of the seeds; each question says how long its answer will be.
const ask = { expectedOutputTokens: 1_500, maxOutputTokens: 2_000, maxRetries: 0, estimatedDurationSeconds: 20 };
const market = workflow('market', { config: { model: 'gpt-4o', breadth: 2, budget: { maxCostDollars: 0.02 } } })
  .task('research', { prompt: 'What is the current state of the {{ input.topic }} market?', ...ask })
  .task('trends', { prompt: 'Analyze current {{ input.topic }} market trends', ...ask })
  .task('competitors', { prompt: 'How is the {{ input.topic }} market performing?', ...ask })
  .task('advice', { prompt: 'Advise me: {{ tasks.research.output }} {{ tasks.trends.output }}', ...ask })
  .build();

const fermata = await compose({
  store: sqliteStore('estimate.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
});
const dollars = (nanos: number): string => `$${(nanos / 1e9).toFixed(4)}`;

const definition = fermata.workflows.check(market);
const { tasks, total, guessed } = await fermata.estimates.of(definition, { topic: 'tea' });
for (const { task, lines } of tasks)
  for (const { nanos, inputTokens } of lines)
    console.log(`${task}: ${dollars(nanos.expected)} (${inputTokens.range.expected} tokens in, ${inputTokens.from})`);
const { lowest, expected, highest } = total.nanos;
console.log(`in all: ${dollars(expected)}, from ${dollars(lowest)} to ${dollars(highest)}; a guess: ${guessed}`);

const { schedule } = await fermata.estimates.dryRun(definition, { topic: 'tea' });
console.log(`takes ${schedule.seconds} seconds: ${schedule.criticalPath.join(' → ')}`);

await fermata.start(market, { input: { topic: 'tea' } }).catch((refusal: Error) => console.log(refusal.message));
await fermata.close();
