/**
 * Should I open a coffee shop? One task finds out that the market is full, and tells the others: what is under way
 * stops, what has not begun is skipped, and a function changes its mind. The model calls that this saves are counted.
 *
 *   npx node examples/13-coffee-shop.ts
 */
import { compose, effect, sqliteStore, workflow, type CodeFunction } from 'fermata';

const stop = 'shared.market_oversaturated';
const shop = workflow('coffee-shop', { config: { breadth: 3 } })
  .task('market_research', {
    prompt: 'How full is the market? Answer {"saturation": 0..1}',
    responseFormat: 'json',
    outputs: { shared: { market_oversaturated: 'result.saturation > 0.8', saturation: 'result.saturation' } },
  })
  .task('financial_analysis', { kind: 'code', function: 'analyse' })
  .task('location_analysis', { prompt: 'Compare ten places', cancelWhen: stop })
  .task('menu_planning', { prompt: 'Plan a menu', cancelWhen: stop })
  .task('advice', {
    prompt:
      'Saturation {{ shared.saturation }}, finances: {{ tasks.financial_analysis.output }}, places: {{ tasks.location_analysis.output | default: "not looked for" }}. Advise.',
    dependsOn: ['market_research', 'menu_planning'],
  })
  .build();

const YEARS = 5;
/** A year is a call; before each it asks whether it is still worth it. */
const analyse: CodeFunction = async (_, { model, shared }) => {
  const years: string[] = [];
  for (let year = 1; year <= YEARS; year++) {
    if ((await shared.get('market_oversaturated')) === true) return `${years.join(', ')}; the rest is not worth it`;
    years.push((await model({ prompt: `Year ${year}` })).text);
  }
  return years.join(', ');
};

/** Stands in for the model, so that the example runs offline: leave `providers` and `actors` out, and set OPENAI_API_KEY. */
const calls = { made: 0, aborted: 0 };
const bothBegan = { finances: Promise.withResolvers<void>(), places: Promise.withResolvers<void>() };
const found = Promise.withResolvers<void>();
const modelCall = effect({
  async run({ prompt, model }: { prompt: string; model: string }, { signal }) {
    calls.made++;
    const answer = (text: string, value: unknown = text) => ({ text, value, usage: null, model });
    if (prompt.startsWith('How full')) {
      await Promise.all([bothBegan.finances.promise, bothBegan.places.promise]);
      return answer('{"saturation":0.9}', { saturation: 0.9 });
    }
    if (prompt.startsWith('Year')) {
      bothBegan.finances.resolve();
      await found.promise;
      return answer(`${prompt}: a loss`);
    }
    if (prompt.startsWith('Saturation'))
      return answer(`Do not open it. ${prompt.slice(0, prompt.indexOf('. Advise'))}`);
    bothBegan.places.resolve();
    // It takes for ever, unless somebody says that it is not needed any more.
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error(`${++calls.aborted}`))));
    return answer('');
  },
});

const { runtime, start, close } = await compose({
  store: sqliteStore('coffee.db'),
  config: { functions: { analyse }, providers: { openai: { apiKey: 'none' } } },
  actors: { modelCall },
});
const { runId } = await start(shop);
for await (const item of runtime.stream(runId)) {
  if (!('fact' in item)) continue;
  const { type, data } = item.fact;
  if (type === 'shared_changed') {
    console.log(`${String(data['by'])} shares ${String(data['key'])}: ${String(data['value'])}`);
    found.resolve();
  } else if (type === 'task_cancelled' || type === 'task_skipped') {
    console.log(`${type} ${String(data['task'])}: ${String(data['reason'])}`);
  }
}
console.log((await runtime.read(runId)).output);
const without = 1 + YEARS + 1 + 1 + 1;
console.log(
  `model calls: ${calls.made} of ${without}, ${calls.aborted} of them aborted; ${without - calls.made} saved`,
);
await close();
