/**
 * A look into the cache of answers, before a model is asked. Where another task is asking the same just then, this one
 * waits for it (`recall/lines.ts`), so that a thousand tasks with one question make one call.
 *
 * What is found was an answer of a model once, and is trusted no more than that: what does not fit the format of whoever
 * asks is as good as not there.
 */
import type { Clock } from '../src/clock.ts';
import type { AnswerRow } from '../src/store/answers.ts';
import { effect, type EffectDefinition } from '../src/runtime/effect.ts';
import type { ResponseFormat } from '../src/document/kinds/model.ts';
import type { Recalled } from '../machines/task/recalling.ts';
import type { CheckAnswer } from './model/answer.ts';
import { fits } from './recall/fits.ts';
import type { Lines } from './recall/lines.ts';

/** What is looked for. */
export interface RecallInput {
  readonly task: string;
  readonly attempt: number;
  readonly key: string;
  /** How old an answer may be. */
  readonly ttlMs: number;
  readonly responseFormat: ResponseFormat;
  /** Where the answer to a similar question will do that was found before; absent: only one to the very same. */
  readonly like?: { readonly atLeast: number; readonly verified: boolean };
  /** How long it waits for another one's call: no longer than its own may take. */
  readonly timeoutMs?: number;
}

/** What it depends on. */
export interface RecallDependencies {
  readonly lines: Pick<Lines, 'ask'>;
  readonly checkAnswer: CheckAnswer;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The effect.
 *
 * @example
 * recall({ lines: new Lines({ … }), checkAnswer, clock })
 */
export function recall({ lines, checkAnswer, clock }: RecallDependencies): EffectDefinition<RecallInput, Recalled> {
  // A thousand may wait for one answer, and the same question has the same format: it is checked once.
  const checked = new WeakMap<AnswerRow, boolean>();
  return effect<RecallInput, Recalled>({
    async run({ key, ttlMs, responseFormat, like, timeoutMs: patienceMs }, { runId, actor, signal }) {
      const serves = (kept: AnswerRow): boolean =>
        isFresh(kept) && isLikeEnough(kept, like) && (checked.get(kept) ?? isFit(kept));
      const { answer, shared } = await lines.ask({ key, run: runId, actor, signal, patienceMs, serves });
      if (answer === undefined) return { found: null };
      const { valueJson, answeredAt: _, ...rest } = answer;
      return { found: { ...rest, value: JSON.parse(valueJson) as unknown, shared } };

      // One that is to come only later was kept while the clock was wrong.
      function isFresh({ answeredAt }: AnswerRow): boolean {
        return Math.abs(clock.now() - answeredAt) < ttlMs;
      }

      function isFit(kept: AnswerRow): boolean {
        const does = fits(kept.valueJson, responseFormat, checkAnswer);
        checked.set(kept, does);
        return does;
      }
    },
    // It only waits: for the database, and for calls of others. No death of the process is its doing.
    remote: true,
    immediate: true,
  });
}

/** Whether the question whose answer it is may be another one than is asked. */
function isLikeEnough({ like }: AnswerRow, asked: RecallInput['like']): boolean {
  if (like === undefined) return true;
  return asked !== undefined && like.similarity >= asked.atLeast && (like.verified || !asked.verified);
}
