/** The first word of a model: how much later than by asking the model itself it comes to who follows a run over SSE. */
import { OpenAI } from 'openai';
import { createClient } from '../src/client/index.ts';
import { compose } from '../src/compose.ts';
import { createLogger } from '../src/http/log.ts';
import { serve } from '../src/http/server.ts';
import { sqliteStore } from '../src/store/sqlite/index.ts';
import { startQuietModel, type QuietModel } from './baseline/model.ts';
import { withDatabaseFile } from './database-file.ts';
import { percentile } from './statistics.ts';
import { afresh, type Case, type Sample, type Workload } from './workload.ts';

/** Answers of a round. */
const ANSWERS = 100;

/** Milliseconds from the model's first chunk until it is heard. `ready`: resolves once everybody is who asks at this time. */
type Ask = (prompt: string, ready: () => Promise<void>) => Promise<number>;

const fermata = (together: number): Promise<Sample> =>
  withDatabaseFile((file) =>
    withModel(async (model) => {
      const { baseUrl } = model;
      const fermata = await compose({ store: sqliteStore(file), config: { providers: { openai: { baseUrl } } } });
      const server = await serve({ fermata, log: createLogger({ level: 'silent' }), port: 0 });
      const client = createClient({ baseUrl: server.url });
      const workflow = await client.createWorkflow({
        name: 'speech',
        tasks: [{ name: 'speak', prompt: '{{ input.n }}' }],
      });
      const sample = await measured(together, async (prompt, ready) => {
        const begin = async (): Promise<void> => {
          const question = await model.asked(prompt);
          await ready();
          begun = question.begin();
        };
        const { runId } = await client.execute(workflow.id, { input: { n: prompt } });
        let begun = Number.NaN;
        let heard = Number.NaN;
        for await (const { event } of client.stream(runId)) {
          // The stream is open, and the model silent so far.
          if (event === 'task_started') void begin();
          if (event !== 'task_delta' || !Number.isNaN(heard)) continue;
          heard = performance.now();
          (await model.asked(prompt)).end();
        }
        return heard - begun;
      });
      await server.close();
      return sample;
    }),
  );

const direct = (together: number): Promise<Sample> =>
  withModel(async (model) => {
    const client = new OpenAI({ apiKey: 'none', baseURL: model.baseUrl, maxRetries: 0 });
    return measured(together, async (prompt, ready) => {
      const stream = await client.chat.completions.create({
        model: 'quiet',
        stream: true,
        messages: [{ role: 'user', content: prompt }],
      });
      const question = await model.asked(prompt);
      await ready();
      const begun = question.begin();
      let heard = Number.NaN;
      for await (const { choices } of stream) {
        if (!Number.isNaN(heard) || !choices[0]?.delta.content) continue;
        heard = performance.now();
        question.end();
      }
      return heard - begun;
    });
  });

async function withModel<T>(work: (model: QuietModel) => Promise<T>): Promise<T> {
  const model = await startQuietModel();
  try {
    return await work(model);
  } finally {
    await model.close();
  }
}

/** So many at a time, until all answers are in. */
async function measured(together: number, ask: Ask): Promise<Sample> {
  const delays: number[] = [];
  for (let first = 0; first < ANSWERS; first += together) {
    const all = Promise.withResolvers<void>();
    let left = together;
    const ready = (): Promise<void> => {
      if (--left === 0) all.resolve();
      return all.promise;
    };
    delays.push(...(await Promise.all(Array.from({ length: together }, (_, n) => ask(`answer ${first + n}`, ready)))));
  }
  return { median: percentile(delays, 0.5), p99: percentile(delays, 0.99) };
}

function answers(title: string, together: number): Case {
  return {
    title,
    target: 'at most 20 ms over the model’s own',
    metrics: [
      { key: 'median', label: 'ms to the first word, median', digits: 2 },
      { key: 'p99', label: 'ms to the first word, p99', digits: 2 },
    ],
    contenders: [
      { name: 'fermata', open: afresh(() => fermata(together)) },
      { name: 'openai', open: afresh(() => direct(together)) },
    ],
  };
}

/** The workload. */
export const firstToken: Workload = {
  id: 'FIRST-TOKEN',
  title: 'from the first chunk of a model to the first delta over SSE',
  cases: [answers(`${ANSWERS} answers, one after the other`, 1), answers(`${ANSWERS} answers, 20 at once`, 20)],
};
