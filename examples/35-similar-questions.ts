/**
 * Questions that are worded differently: the second one has the answer of the first, and what is only about the same
 * subject is asked.
 *
 *   npx node examples/35-similar-questions.ts
 */
import { compose, effect, sqliteStore, workflow } from 'fermata';

// Stands for a provider, and counts tokens as one would.
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    const usage = { inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
    const text = `About: ${prompt}`;
    return { text, value: text, usage, model, finishReason: 'stop' };
  },
});

// Stands for an embedding model: how much a text is about tea, a price and a time.
const subjects = [/\btea|brew/i, /cost|price|how much/i, /when|time|how long/i];
const embed = async ({ text, model }: { text: string; model: string }) => {
  const raw = subjects.map((subject) => (subject.test(text) ? 1 : text.length / 200));
  const usage = { inputTokens: 10, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 10 };
  return { values: Float32Array.from(raw, (value) => value / Math.hypot(...raw)), usage, model };
};

const answers = workflow('tea-shop', {
  input: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
  config: { cache: { enabled: true, similarityThreshold: 0.95 } },
})
  .task('answer', { prompt: '{{ input.question }}' })
  .build();

const fermata = await compose({
  store: sqliteStore('similar.db'),
  environment: { OPENAI_API_KEY: 'none is needed' },
  actors: { modelCall },
  embed,
});
// What an earlier run of this example has found out.
await fermata.cache.forget({});

for (const question of [
  'How much is the tea?',
  'What does tea cost?',
  'What does tea cost?',
  'How long does it brew?',
]) {
  const { runId } = await fermata.start(answers, { input: { question } });
  const { output, counts } = await fermata.runtime.waitFor(runId);
  const [task] = (await fermata.api.results(runId)).tasks;
  const { similarity = 0, matchedPrompt } = task ?? {};
  const how = matchedPrompt === undefined ? 'asked' : `found, ${similarity.toFixed(3)} like "${matchedPrompt}"`;
  console.log(`${question} ${how}; paid $${(counts['costNanos'] ?? 0) / 1e9}: ${JSON.stringify(output)}`);
}
await fermata.close();
