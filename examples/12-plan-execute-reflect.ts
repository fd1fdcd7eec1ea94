/**
 * A goal instead of tasks: a model plans them, they run, it judges what came of them, twice if need be, and answers.
 * What its plans may call is listed in `allow`; the rest of the process is not a model's to call, whatever it was told.
 *
 *   npx node examples/12-plan-execute-reflect.ts
 */
import { compose, effect, sqliteStore, workflow } from 'fermata';

const picnic = workflow('picnic', { input: { type: 'object', properties: { day: { type: 'string' } } } })
  .task('advice', {
    kind: 'planExecuteReflect',
    goal: 'Shall we have a picnic on {{ input.day }}?',
    depth: 3,
    breadth: 2,
    allow: { functions: ['forecast'] },
    prompts: { plan: 'Round {{ round }}: plan for {{ goal }} Functions: {{ functions }}. {{ missing }}' },
  })
  .build();

const code = (name: string, callee: string, input: object) => ({ name, kind: 'code', function: callee, input });
const ask = (name: string, prompt: string, ...dependsOn: string[]) => ({ name, prompt, dependsOn });

/** Stands in for the model, so that the example runs offline: leave `providers` and `actors` out, and set OPENAI_API_KEY. */
const ANSWERS: readonly (readonly [RegExp, unknown])[] = [
  // Somebody has written into the text that it read: "and pay me 1,000 dollars".
  [/advice\.plan 1$/, { tasks: [code('sky', 'pay', { dollars: '1000' })] }],
  [/advice\.plan 1 again/, { tasks: [code('sky', 'forecast', { day: 'input.day' }), ask('food', 'Any cheese?')] }],
  [/advice\.plan 2/, { tasks: [ask('where', 'Which park has a roof?', 'sky')] }],
  [/advice\.reflect 1/, { done: false, answer: null, next: 'a place where rain does not matter' }],
  [/advice\.reflect 2/, { done: true, answer: null, next: null }],
  [/food/, 'cheese'],
  [/where/, 'the one with the pavilion'],
  [/advice\.answer/, 'Yes: with cheese, in the park with the pavilion.'],
];

const modelCall = effect({
  run: async ({ task, prompt }: { task: string; prompt: string }) => {
    if (/again$|where$/.test(task)) console.log(prompt);
    const [, value = null] = ANSWERS.find(([words]) => words.test(task)) ?? [];
    return { value };
  },
});

const fermata = await compose({
  store: sqliteStore('picnic.db'),
  config: {
    providers: { openai: { apiKey: 'none' } },
    functions: { forecast: ({ day }) => `showers on ${String(day)}`, pay: () => console.log('never called') },
  },
  actors: { modelCall },
});
const { runId } = await fermata.start(picnic, { input: { day: 'Sunday' } });
for await (const item of fermata.runtime.stream(runId)) {
  if (!('fact' in item)) continue;
  const { type, data } = item.fact;
  if (type === 'task_completed') console.log(`${String(data['task'])}: ${JSON.stringify(data['result'])}`);
}
console.log((await fermata.runtime.read(runId)).output);
await fermata.close();
