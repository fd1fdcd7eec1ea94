import { ROUNDS_SCRIPT } from './rounds-script.ts';
import type { MadeAnswer, ModelServerOptions, ScriptedRequest, ScriptLine } from './model-server.ts';
import { sampleValue } from './sample-value.ts';

/** Begins every scripted text. */
const LABEL = '[scripted]';

/** What runs of scripted models are tagged with, so that nobody goes on with them at a provider by mistake. */
export const SCRIPTED_TAG = 'scripted-models';

/** How answers come at so many tokens a second; 0: as fast as it goes. */
export function paceOf(tokensPerSecond: number): Pick<ModelServerOptions, 'firstTokenMs' | 'tokensPerSecond'> {
  return tokensPerSecond === 0 ? {} : { firstTokenMs: 300, tokensPerSecond };
}

/**
 * What the demo's model says: to the research workflow of `examples/`, and something plain to everything else. A prompt
 * is known by its first words, because the rest holds the topic and what other tasks answered.
 */
export const DEMO_SCRIPT: readonly ScriptLine[] = [
  ...ROUNDS_SCRIPT,
  // Tasks that are to join the run (`onComplete: { addTasks: fromOutput }`).
  { prompt: /\banswer with tasks\b/i, answers: [{ json: { tasks: areas('first', 'second') } }] },
  {
    prompt: /^(make|write|draft|create)\b[^.:\n]{0,24}\bplan\b/i,
    answers: [
      says(
        'Research plan: first the state of the market, then the skills that are asked for and missing, then what is ' +
          'paid. The three can be looked into side by side; the synthesis weighs them against each other.',
      ),
    ],
  },
  {
    prompt: /^(synthesi|combine|summari|conclude|write)/i,
    answers: [
      says(
        'Roadmap: first three months, the two skills that most postings ask for and few applicants have; then one ' +
          'finished project that shows them in use; then applications, where the pay follows the gap. Demand grows ' +
          'faster than supply, so a month spent on the project is earned back with the first offer.',
      ),
    ],
  },
  {
    prompt: /^[^.:\n]{0,16}\bmarket\b/i,
    answers: [
      says(
        'Market conditions: job postings grew 23 % within a year, most of them at companies of fewer than 200 people. ' +
          'Hiring takes 41 days in the median, five more than the year before.',
      ),
    ],
  },
  {
    prompt: /^[^.:\n]{0,16}\bskills?\b/i,
    answers: [
      says(
        'Skill gaps: three of four postings ask for operating what was built, one of four applicants has done it. ' +
          'Evaluation of model output and cost control are asked for twice as often as a year ago.',
      ),
    ],
  },
  {
    prompt: /^[^.:\n]{0,16}\bsalar/i,
    answers: [
      says(
        'Salaries: the median offer is 8 % above last year. The spread between the first and the third quartile widened ' +
          'from 31 to 44 %, nearly all of it from the skills that are hard to find.',
      ),
    ],
  },
  { prompt: '', answers: [plainAnswer] },
];

function answer(text: string): MadeAnswer {
  return { text: `${LABEL} ${text}` };
}

/** A text, unless JSON was asked for. */
function says(text: string): (request: ScriptedRequest) => MadeAnswer {
  return (request) => {
    const format = request.body['response_format'];
    const isText = !isObject(format) || format['type'] === 'text';
    return isText ? answer(text) : plainAnswer(request);
  };
}

function areas(...names: readonly string[]): readonly object[] {
  return names.map((name) => ({ name: `${name} area`, prompt: `${LABEL} Look into the ${name} area.` }));
}

/** To a prompt that the script does not know: something of the format that was asked for. */
function plainAnswer({ body }: ScriptedRequest): MadeAnswer {
  const format = body['response_format'];
  if (isObject(format) && format['type'] === 'json_schema' && isObject(format['json_schema'])) {
    return { json: sampleValue(format['json_schema']['schema'], `${LABEL} text`) };
  }
  if (isObject(format) && format['type'] === 'json_object') return { json: { answer: `${LABEL} value` } };
  return answer('This is the demo: no model was asked. Set OPENAI_API_KEY and start without --demo for real answers.');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
