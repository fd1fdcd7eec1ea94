/**
 * A goal instead of tasks: a model plans them, they run, it judges what came of them, twice if need be, and answers.
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
  })
  .build();

/** Stands in for the model, so that the example runs offline: leave `config` and `actors` out, and set OPENAI_API_KEY. */
const ANSWERS: readonly (readonly [RegExp, unknown])[] = [
  [/advice\.plan 1$/, { tasks: [ask('sky', 'Will it rain?'), ask('food', 'What is in the fridge?')] }],
  [/advice\.plan 2/, { tasks: [ask('where', 'Which park has a roof?', 'sky')] }],
  [/advice\.reflect 1/, { done: false, answer: null, next: 'a place where rain does not matter' }],
  [/advice\.reflect 2/, { done: true, answer: null, next: null }],
  [/sky/, 'showers'],
  [/food/, 'cheese'],
  [/where/, 'the one with the pavilion'],
  [/advice\.answer/, 'Yes: with cheese, in the park with the pavilion.'],
];

function ask(name: string, prompt: string, ...dependsOn: string[]) {
  return { name, prompt, dependsOn };
}

const modelCall = effect({
  run: async ({ task, prompt }: { task: string; prompt: string }) => {
    if (task.endsWith('where')) console.log(prompt);
    const [, value = null] = ANSWERS.find(([words]) => words.test(task)) ?? [];
    return { value };
  },
});

const fermata = await compose({
  store: sqliteStore('picnic.db'),
  config: { providers: { openai: { apiKey: 'none' } } },
  actors: { modelCall },
});
const { runtime } = fermata;
const { runId } = await fermata.start(picnic, { input: { day: 'Sunday' } });
for await (const item of runtime.stream(runId)) {
  if (!('fact' in item)) continue;
  const { type, data } = item.fact;
  if (type === 'task_completed') console.log(`${String(data['task'])}: ${JSON.stringify(data['result'])}`);
}
console.log((await runtime.read(runId)).output);
await fermata.close();
