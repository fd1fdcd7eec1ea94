/** An outcome that a fork takes over, as its own facts say it. */
import type { Reused } from './record.ts';

/** An outcome that a task need not work out. */
export interface TakenOver {
  readonly result: unknown;
  readonly description?: string;
  /** What its fact says beside that: where it comes from, how a condition decided. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What stands in the fact of a task but belongs to the run that worked it out. */
const ITS_OWN = new Set([
  'task',
  'description',
  'result',
  'attempt',
  'progress',
  'usage',
  'bill',
  'model',
  'requestId',
  'finishReason',
  'cached',
  'cacheHit',
  'cacheKey',
  'similarity',
  'matchedPrompt',
  'like',
  'costSavedNanos',
  'asked',
  'inFlight',
  'keptEvent',
  'added',
  'edited',
  'reused',
]);

/** What it cost stands with where it comes from: this run pays nothing for it. */
export function takenOver(fact: Readonly<Record<string, unknown>>, reused: Reused): TakenOver {
  const { result, description, attempt, usage, model, requestId, finishReason } = fact;
  const paid =
    reused.usage === undefined && reused.attempts === undefined
      ? {
          ...(typeof attempt === 'number' ? { attempts: attempt } : {}),
          ...(usage === undefined ? {} : { usage }),
          ...(model === undefined ? {} : { model }),
          ...(requestId === undefined ? {} : { requestId }),
          ...(finishReason === undefined ? {} : { finishReason }),
        }
      : {};
  return {
    result,
    ...(typeof description === 'string' ? { description } : {}),
    facts: {
      ...Object.fromEntries(Object.entries(fact).filter(([field]) => !ITS_OWN.has(field))),
      reused: { ...reused, ...paid },
    },
  };
}

/** One that somebody has given. */
export function given(result: unknown): TakenOver {
  return { result, facts: { edited: true } };
}
