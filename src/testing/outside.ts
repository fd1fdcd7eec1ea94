/**
 * The world that effects reach: models with scripted answers, functions, whatever machines call; and the network in
 * between, which is slow, fails, and loses answers.
 */
import { readAnswer } from '../../actors/model/answer.ts';
import { unitVector, type Embed } from '../../actors/model/embedding.ts';
import type { ModelUsage } from '../../actors/model/usage.ts';
import type { PriceBook } from '../cost/price-book.ts';
import type { ModelCallInput, ModelCallOutput } from '../../actors/model-call.ts';
import { checkAnswer } from '../document/response.ts';
import { FermataError } from '../errors.ts';
import { effect, type AroundEffect, type EffectCall, type EffectDefinition } from '../runtime/effect.ts';
import { toMs, type Duration } from './duration.ts';
import type { Probabilities } from './faults.ts';
import type { Observation, SeenCall } from './observation.ts';
import type { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';

/** What a scripted model is asked. */
export interface Question extends Omit<ModelCallInput, 'repeatOf' | 'onInDoubt'> {
  /** The same for every repeat of this call. */
  readonly key: string;
  /** True where a crash cut this call off before. */
  readonly repeated: boolean;
  readonly runId: string;
}

/**
 * What a scripted model says: a text, or the value of an answer in JSON. What it throws is the failure of the call: a
 * `FermataError` says itself whether it is tried again, anything else is.
 */
export type Answers = (question: Question) => unknown;

/**
 * The vector that stands for a text: of two that mean the same they point in nearly the same direction. What it throws is the
 * failure of the call.
 */
export type Embeddings = (text: string) => readonly number[];

/** How long a call takes, there and back. */
export type Latency = (call: SeenCall) => Duration;

/** The effect that answers in place of models. */
export function scriptedModel(answers: Answers): EffectDefinition<ModelCallInput, ModelCallOutput> {
  return effect<ModelCallInput, ModelCallOutput>({
    async run({ repeatOf: _, onInDoubt: __, ...input }, { key, repeated, runId, delta }) {
      const said = await answered(answers, { ...input, key, repeated, runId });
      const text = typeof said === 'string' ? said : (JSON.stringify(said) ?? '');
      delta(text);
      const reading = readAnswer(text, input.responseFormat, checkAnswer);
      if (reading.faults !== undefined) {
        throw new FermataError(
          'invalidAnswer',
          `The scripted answer of task "${input.task}" breaks its response format: ${reading.faults.join('; ')}.`,
        );
      }
      const usage = usageOf(input, text);
      const record = { usage, requestId: key, model: input.model, finishReason: 'stop', calls: 1 as const };
      return { text, value: reading.value, ...record };
    },
    onInDoubt: ({ onInDoubt }) => onInDoubt,
    repeatOf: ({ repeatOf }) => repeatOf,
    describe: ({ task, attempt }) => ({ task, attempt }),
  });
}

/** Vectors as they are scripted; nobody is asked where they are not. */
export function scriptedEmbeddings(embeddings: Embeddings | undefined): Embed {
  return async ({ text, model }) => {
    if (embeddings === undefined)
      throw new FermataError(
        'modelUnavailable',
        'This world has no vectors. Give simulate() some: embeddings: (text) => [1, 0, 0].',
      );
    const values = unitVector(embeddings(text));
    if (typeof values === 'string') throw new FermataError('invalidAnswer', `The scripted vector is none: ${values}.`);
    return { values, usage: { ...usageOf({ prompt: text }, ''), cachedInputTokens: 0 }, model };
  };
}

/** Tokens as a provider would count them: the same for the same question and answer. */
function usageOf(
  { prompt, system = '' }: { readonly prompt: string; readonly system?: string | undefined },
  text: string,
): ModelUsage {
  const inputTokens = Math.ceil((prompt.length + system.length) / 4);
  const outputTokens = Math.ceil(text.length / 4);
  const cachedInputTokens = Math.floor(inputTokens / 2);
  return { inputTokens, cachedInputTokens, outputTokens, reasoningTokens: 0, totalTokens: inputTokens + outputTokens };
}

/** What simulated models cost: a dollar for a million tokens of the prompt, four for those of the answer. */
export const simulatedPrices: PriceBook = {
  pricesOf: () => ({ input: 1e6, cachedInput: 5e5, cacheWrite: 1e6, output: 4e6, reasoning: 4e6 }),
};

async function answered(answers: Answers, question: Question): Promise<unknown> {
  try {
    return await answers(question);
  } catch (thrown) {
    if (thrown instanceof FermataError) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FermataError('modelUnavailable', `The scripted model failed: ${message}`, { cause: thrown });
  }
}

/** What a network needs of its surroundings. */
export interface NetworkOptions {
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly latency: Latency | undefined;
  readonly probabilities: () => Probabilities;
  observe(observation: Observation): void;
}

const USUAL_MS = 50;
const SLOW_MS = 600_000;

/** The network between a process and everything it calls. */
export function network({ process, random, latency, probabilities, observe }: NetworkOptions): AroundEffect {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => process.loop.later(resolve, ms));
  return async (given) => {
    // A look into a table of the same process, which may wait for calls of others.
    if (given.src === 'recall') return given.run();
    const call = seenCall(given);
    // That is no network: what begins a run is in the same process.
    if (given.src === 'subworkflow') {
      observe({ kind: 'call', call });
      await wait(random.between(0, USUAL_MS));
      return given.run();
    }
    const { failingCalls, lostAnswers, slowCalls, lateAnswers } = probabilities();
    const [fails, isLost, isSlow, isLate] = [failingCalls, lostAnswers, slowCalls, lateAnswers].map(random.chance);
    const ms =
      isSlow === true ? random.between(USUAL_MS, SLOW_MS) : toMs(latency?.(call) ?? random.between(1, USUAL_MS));
    observe({ kind: 'call', call });
    const travel = async (): Promise<unknown> => {
      await wait(ms / 2);
      if (fails === true) throw unreachable(call, 'The simulated network did not reach the other side.');
      const value = await given.run();
      await wait(ms / 2);
      if (isLost === true) throw unreachable(call, 'The simulated network lost the answer.');
      return value;
    };
    try {
      const { signal } = given.context;
      const value = await (isLate === true ? travel() : Promise.race([travel(), givenUp(signal)]));
      observe({ kind: 'answer', call, value });
      return value;
    } catch (thrown) {
      observe({ kind: 'failure', call, code: thrown instanceof FermataError ? thrown.code : String(thrown) });
      throw thrown;
    }
  };
}

function seenCall({ src, input, context }: EffectCall): SeenCall {
  const { runId: run, actor, key, repeated } = context;
  const { task, attempt, function: called } = (input ?? {}) as Readonly<Record<string, unknown>>;
  const ofTask = typeof task === 'string' && typeof attempt === 'number' ? { task, attempt } : {};
  const ofFunction = src === 'code' && typeof called === 'string' ? { called } : {};
  return { run, actor, src, ...ofTask, ...ofFunction, key, repeated };
}

function unreachable({ src }: SeenCall, message: string): FermataError {
  return new FermataError(src === 'code' ? 'codeFailed' : 'modelUnavailable', message);
}

function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}
