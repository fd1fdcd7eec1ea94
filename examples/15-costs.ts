/**
 * What models cost: prices of your own beside the built-in ones, a bill for each request, sums that say what they leave out.
 *
 *   npx node examples/15-costs.ts
 */
import { compose, effect, sqliteStore, workflow } from 'fermata';

// Stands for a provider, and counts tokens as one would.
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    const usage = { inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
    return { value: `${model}: ${prompt}`, usage, model };
  },
});

const report = workflow('report', { tags: ['tea'] })
  .task('plan', { prompt: 'Plan a report on tea' })
  .task('draft', { prompt: 'Write: {{ tasks.plan.output }}', model: 'house-model' })
  .task('check', { prompt: 'Check: {{ tasks.draft.output }}', model: 'nobody-knows' })
  .build();

const fermata = await compose({
  store: sqliteStore('costs.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
  config: { prices: { openai: { 'house-model': { input: 1, output: 2 } } } },
  actors: { modelCall },
});
const { runId } = await fermata.start(report, { tags: ['tea'] });
await fermata.runtime.waitFor(runId);

for (const { task, model, costNanos } of (await fermata.costs.requests(runId, { limit: 9 })) ?? [])
  console.log(`${task}: ${costNanos === null ? 'unknown' : `$${costNanos / 1e9}`} (${model})`);

const [tea] = await fermata.costs.list({ by: 'tag', tag: 'tea', limit: 1 });
if (tea === undefined) throw new RangeError('No model was asked.');
console.log(`tea: $${Number(tea.costNanos) / 1e9}, and ${tea.unknownCalls} of ${tea.modelCalls} calls without a price`);
await fermata.close();
