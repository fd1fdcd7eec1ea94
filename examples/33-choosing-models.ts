/**
 * Calls that choose among models: the cheapest, the best, or the best that is not much dearer; another one where one
 * fails; a lesser one where the budget has no more for the best. Each choice says why.
 *
 *   npx node examples/33-choosing-models.ts
 */
import { compose, effect, FermataError, sqliteStore, workflow, type WorkflowDocument } from 'fermata';

// Stands for the providers: each answer has 300 tokens, and whoever is asked for a summary first is busy.
let busy = true;
const modelCall = effect({
  run: async ({ prompt, model, task }: { prompt: string; model: string; task: string }) => {
    const isBusy = task === 'summary' && busy;
    busy &&= !isBusy;
    if (isBusy) throw new FermataError('modelRateLimited', `${model} is busy`, { data: { billed: [] } });
    return { value: `${model}: ${prompt}`, usage: { inputTokens: 20, outputTokens: 300, totalTokens: 320 }, model };
  },
});

// Dollars for a million tokens; models that are known need no line.
const openai = { large: { input: 5, output: 30 }, medium: { input: 1, output: 6 }, small: { input: 0.2, output: 1.5 } };
const fermata = await compose({
  store: sqliteStore('choosing.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
  actors: { modelCall },
  config: { prices: { openai }, tiers: { quick: ['medium', 'small'] } },
});

/** Runs a document, and says whom its tasks asked, and why. */
async function show(document: WorkflowDocument): Promise<void> {
  const { runId } = await fermata.start(document);
  const { status } = await fermata.runtime.waitFor(runId);
  for (const { type, data } of await fermata.runtime.journal(runId, { kind: 'fact', limit: 1_000 })) {
    const { task, model, because } = data as { task: string; model: string; because: string };
    if (type === 'model_chosen') console.log(`${task} asks ${model}: ${because}`);
  }
  console.log(`${document.name}: ${status}`);
}

// The best first. What is not said otherwise takes the best that costs at most five times the cheapest.
const models = ['large', 'medium', 'small'];
const letter = workflow('letter', { config: { models, optimize: 'balanced' } })
  .task('outline', { prompt: 'Outline a letter' })
  .task('text', { prompt: 'Write: {{ tasks.outline.output }}', optimize: 'maximizeQuality' })
  .task('summary', { prompt: 'Sum up: {{ tasks.text.output }}', models: 'quick', optimize: 'minimizeCost' });
await show(letter.build());

const budget = { maxCostDollars: 0.03 };
const poems = workflow('poems', { config: { models, optimize: 'maximizeQuality', breadth: 1, budget } }).task('each', {
  kind: 'map',
  items: '["tea", "rain", "rust", "salt"]',
  task: { prompt: 'A poem on {{ item }}', maxOutputTokens: 300, expectedOutputTokens: 300 },
});
await show(poems.build());
await fermata.close();
