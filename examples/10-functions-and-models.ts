/**
 * Functions with typed arguments that ask models, and show what they write: each answer is kept before they see it.
 *
 *   npx node examples/10-functions-and-models.ts
 */
import { cel, code, codeFunction, compose, effect, sqliteStore, workflow } from 'fermata';
import { z } from 'zod';

const readNotes = codeFunction({
  name: 'readNotes',
  input: z.object({ about: z.string(), most: z.int().default(2) }),
  run: ({ about, most }) => [`${about} is a leaf`, `${about} is a drink`, `${about} is a time of day`].slice(0, most),
});

const write = codeFunction({
  name: 'write',
  input: z.object({ notes: z.array(z.string()), tone: z.enum(['dry', 'warm']) }),
  run: async ({ notes, tone }, { model, delta }) => {
    const lines: string[] = [];
    for (const note of notes) {
      // A crash here repeats the function, and only the last of these calls.
      const { text } = await model({ prompt: `One ${tone} sentence: ${note}` });
      delta(`${text}\n`);
      lines.push(text);
    }
    return lines;
  },
});

// The compiler knows what `write` takes and what `readNotes` gives.
const essay = workflow('essay', { input: { type: 'object', properties: { topic: { type: 'string' } } } })
  .task('notes', code(readNotes, { about: cel('input.topic') }))
  .task('text', (tasks) => code(write, { notes: tasks.notes.output, tone: 'warm' }))
  .build();

/** Stands in for the model, so that the example runs offline: leave `providers` and `actors` out, and set OPENAI_API_KEY. */
const modelCall = effect({
  run: async ({ prompt, model }: { prompt: string; model: string }) => {
    const text = prompt.replace('One warm sentence: ', 'Dear reader, ');
    return { text, value: text, usage: null, model };
  },
});

const fermata = await compose({
  store: sqliteStore('essay.db'),
  config: { functions: { readNotes, write }, providers: { openai: { apiKey: 'none' } } },
  actors: { modelCall },
});
const { runtime } = fermata;
const { runId } = await fermata.start(essay, { input: { topic: 'tea' } });
for await (const item of runtime.stream(runId)) {
  if ('delta' in item) process.stdout.write(item.delta.delta);
  else if (item.fact.type === 'model_called') console.log(`call ${String(item.fact.data['call'])} is on record`);
}
console.log((await runtime.read(runId)).output);
await fermata.close();
