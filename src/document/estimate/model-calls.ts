/** Calls of a task to a model: its attempts, and the answers that it mends. */
import { callOf, perhaps, repeated, type Calls } from '../../cost/estimate/calls.ts';
import { DEFAULTS } from '../../cost/estimate/figure.ts';
import { exactly } from '../../cost/estimate/range.ts';
import { FROM_OUTPUT, type TaskSpec } from '../definition.ts';
import { isRecord } from '../json.ts';
import type { ModelCallSpec } from '../kinds/model.ts';
import type { Price } from '../prices.ts';
import type { Variable } from '../reads.ts';
import { joined, promptLength, textLength, type Count, type Length, type Reading } from './prompt-length.ts';
import type { Counting } from './counting.ts';

/** Tokens around the text of a message, and around a request: at the most, and as OpenAI counts. */
const MOST_PER_MESSAGE = 8;
const MOST_PER_REQUEST = 16;
const PER_MESSAGE = 4;
const PER_REQUEST = 3;

/** Tokens with which a model is told what is wrong with its answer. */
const COMPLAINT = 500;

/** Attempts and mended answers of one model call. */
export function modelCalls(
  spec: TaskSpec,
  call: ModelCallSpec,
  owner: TaskSpec,
  output: Length,
  reading: Reading,
  counting: Counting,
): Calls {
  const { learned, tasks, price } = counting;
  const known = learned.of(tasks.definition.name, owner.name, call);
  let input = requestLength(call, reading);
  // What was sent before is nearer to it than what texts of unknown length come to.
  if (known !== undefined && input.from !== 'counted' && input.from !== 'declared')
    input = { ...input, range: { ...input.range, expected: known.inputTokens.median }, from: 'learned' };
  const once = callOf(input, output, price(call), input.unboundedBecause ?? output.unboundedBecause);
  const calls = attempts(once, input, output, spec, call, price(call), known?.callsEach);
  // Its answer may be kept from another time: then nothing is asked.
  return call.cache === undefined ? calls : perhaps(calls, 1, 'default');
}

/** Attempts of a call, and those that mend its answers. */
export function attempts(
  once: Calls,
  input: Length,
  output: Length,
  { retry, onComplete }: Pick<TaskSpec, 'retry' | 'onComplete'>,
  call: ModelCallSpec,
  prices: ReturnType<Price>,
  learnedEach: number | undefined,
): Calls {
  const isJson = call.responseFormat !== 'text';
  const sendsBack = onComplete?.addTasks === FROM_OUTPUT;
  const most = (1 + retry.maxRetries + (sendsBack ? 1 : 0)) * (isJson ? 2 : 1);
  const expected = learnedEach === undefined ? 1 : Math.min(Math.max(1, learnedEach), most);
  const from = learnedEach === undefined ? 'counted' : 'learned';
  if (most === 1) return once;
  // A call that mends sends along what is to be mended.
  const longest: Length =
    isJson || sendsBack
      ? { ...input, range: { ...input.range, highest: input.range.highest + output.range.highest + COMPLAINT } }
      : input;
  const dearest = callOf(longest, output, prices, once.unboundedBecause);
  return repeated(dearest, { range: { lowest: 1, expected, highest: most }, from });
}

/** What texts for a model are looked at with. */
export function readingOf(counting: Counting, model: string, own: Reading['own']): Reading {
  const count: Count = (text) => counting.count(text, model);
  return {
    given: counting.given,
    count,
    lengthOf: (path) => lengthAt(path, counting),
    ...(own === undefined ? {} : { own }),
  };
}

function lengthAt([root, name, member]: Variable['path'], counting: Counting): Length {
  if (root === 'tasks' && member === 'status') return { range: exactly(2), from: 'counted' };
  const known = root === 'tasks' && name !== undefined ? counting.outputOf(name) : undefined;
  if (known !== undefined) return { ...known, range: { ...known.range, lowest: 0 } };
  const what =
    root === 'input'
      ? 'the input of a run that a task begins'
      : root === 'shared'
        ? `the shared value ${JSON.stringify(name)}`
        : root === 'item'
          ? 'an item'
          : String(root);
  return {
    range: { lowest: 0, expected: DEFAULTS.valueTokens, highest: Infinity },
    from: 'default',
    unboundedBecause: `a prompt reads ${what}, which is not there yet`,
  };
}

/** Tokens of all that is sent. */
function requestLength({ prompt, system, responseFormat }: ModelCallSpec, reading: Reading): Length {
  const { count } = reading;
  const texts = [prompt, ...(system === undefined ? [] : [system])].map((text) => promptLength(text, reading));
  const format = responseFormat === 'text' ? undefined : formatLength(responseFormat, count);
  const hasSystem = system !== undefined || format !== undefined;
  const messages = hasSystem ? 2 : 1;
  const around: Length = {
    range: {
      lowest: 0,
      expected: PER_REQUEST + PER_MESSAGE * messages,
      highest: MOST_PER_REQUEST + MOST_PER_MESSAGE * messages,
    },
    from: 'counted',
  };
  return [around, ...texts, ...(format === undefined ? [] : [format])].reduce(joined);
}

/** How a schema is put to a model is each provider's own: at the most, each byte of it is a token. */
function formatLength(format: Exclude<ModelCallSpec['responseFormat'], 'text'>, count: Count): Length {
  const text = isRecord(format) ? JSON.stringify(format) : 'Answer with a JSON object.';
  const { expected } = textLength(text, count).range;
  return { range: { lowest: 0, expected, highest: 2 * new TextEncoder().encode(text).length + 100 }, from: 'counted' };
}
