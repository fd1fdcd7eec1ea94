/**
 * `npm run bench:cache`: how long the very same question takes to find, in a small cache and in a big one; how quickly and
 * how surely the nearest question is found, on vectors made by chance; with
 * `--provider`: what similar questions save and what they spoil, on questions of yours and models that you pay.
 *
 *     npm run bench:cache -- --questions 100000 --subjects 100 --searches 200 --json
 *     OPENAI_API_KEY=… npm run bench:cache -- --provider --labelled my-questions.jsonl --thresholds 0.8,0.85,0.9
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environment } from '../report.ts';
import { measure, readQuestions } from './labelled.ts';
import { hits } from './hits.ts';
import { hitLines, measuredLines, searchLines } from './report.ts';
import { searches } from './search.ts';

const USAGE = `Usage: npm run bench:cache -- [--questions 100000] [--subjects 100] [--searches 200] [--json]
       npm run bench:cache -- --provider [--labelled FILE.jsonl] [--thresholds 0.75,0.8,0.85,0.9,0.95] [--verify]
                              [--model gpt-4o-mini] [--embedding-model text-embedding-3-small] [--max-output-tokens 200] [--json]
OPENAI_API_KEY and OPENAI_BASE_URL say which provider. Each threshold asks each question that it does not find.`;

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '100000' },
    subjects: { type: 'string', default: '100' },
    searches: { type: 'string', default: '200' },
    provider: { type: 'boolean', default: false },
    labelled: { type: 'string', default: join(import.meta.dirname, 'questions.jsonl') },
    thresholds: { type: 'string', default: '0.75,0.8,0.85,0.9,0.95' },
    verify: { type: 'boolean', default: false },
    model: { type: 'string', default: 'gpt-4o-mini' },
    'embedding-model': { type: 'string', default: 'text-embedding-3-small' },
    'max-output-tokens': { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});
const counts = [values.questions, values.subjects, values.searches, values['max-output-tokens']];
const thresholds = values.thresholds.split(',').map(Number);
if (!counts.every((text) => /^[1-9]\d{0,6}$/.test(text)) || !thresholds.every((one) => one > 0 && one <= 1)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const [questions = 0, subjects = 0, count = 0, maxOutputTokens = 0] = counts.map(Number);
  await (values.provider ? provider(maxOutputTokens) : search({ questions, subjects, searches: count }));
}

async function search(options: Parameters<typeof searches>[0]): Promise<void> {
  const before = environment();
  const found = await hits(1_000, options.questions, options.searches);
  const report = await searches(options);
  if (values.json) console.log(JSON.stringify({ ...before, ...options, ...report, hits: found }, undefined, 2));
  else console.log([...searchLines(report, { ...options, ...before }), '', ...hitLines(found)].join('\n'));
}

async function provider(maxOutputTokens: number): Promise<void> {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env;
  if (OPENAI_API_KEY === undefined && OPENAI_BASE_URL === undefined) {
    console.error('Expected OPENAI_API_KEY or OPENAI_BASE_URL to be set: real models are asked, and paid by you.');
    process.exitCode = 2;
    return;
  }
  const questions = await readQuestions(values.labelled);
  const asked = { model: values.model, embeddingModel: values['embedding-model'], verify: values.verify };
  const measured = await measure({ questions, thresholds, environment: process.env, maxOutputTokens, ...asked });
  if (values.json) console.log(JSON.stringify({ ...asked, questions: questions.length, measured }, undefined, 2));
  else console.log(measuredLines(measured, { ...asked, questions: questions.length }).join('\n'));
}
