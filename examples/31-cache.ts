/**
 * A market study that asks the same thing in three places: with the cache on it is asked, and paid, once.
 *
 *   npx node examples/31-cache.ts
 */
import { compose, effect, sqliteStore, workflow } from 'fermata';

let calls = 0;
// Stands for a provider, and counts tokens as one would.
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    calls++;
    const usage = { inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
    const text = `About: ${prompt}`;
    return { text, value: text, usage, model, finishReason: 'stop' };
  },
});

const state = 'What is the current state of the AI market?';
const study = workflow('market-study', { config: { breadth: 3, cache: { enabled: true } } })
  .task('research_market', { prompt: state })
  .task('analyze_trends', { prompt: 'Analyze current AI market trends' })
  .task('competitor_analysis', { prompt: state })
  .task('outlook', { prompt: state, dependsOn: ['research_market', 'analyze_trends'] })
  .build();

const fermata = await compose({
  store: sqliteStore('cache.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
  actors: { modelCall },
});

// What an earlier run of this example has found out.
await fermata.cache.forget({});

for (const run of ['first', 'second']) {
  const before = calls;
  const { runId } = await fermata.start(study);
  const { status, counts } = await fermata.runtime.waitFor(runId);
  console.log(`${run} run: ${status}, ${calls - before} calls of 4`);
  const inFlight = (await fermata.api.results(runId)).tasks.filter((task) => task.inFlight);
  const { cacheHits = 0, costSavedNanos = 0 } = counts;
  console.log(`  saved: ${cacheHits}, ${inFlight.length} of them in flight; $${costSavedNanos / 1e9}`);
}
await fermata.close();
