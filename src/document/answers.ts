/**
 * From the facts of tasks to the cache of answers: who asks, what is kept, what has served. In the commit of the fact, so
 * that an answer is neither lost nor counted twice (docs/decisions/023).
 */
import type { KeptAnswer, LikeQuestion } from '../../machines/task/recalling.ts';
import type { DraftFact } from '../runtime/draft.ts';
import type { Projected, Projection } from '../runtime/projection.ts';
import type { AnswerChange } from '../store/answers.ts';

/** What a fact says of the cache. */
interface OfCache {
  readonly cacheKey?: string;
  readonly promptHash?: string;
  readonly prompt?: string;
  readonly cacheHit?: boolean;
  readonly inFlight?: boolean;
  readonly costSavedNanos?: number | null;
  readonly cached?: KeptAnswer;
  readonly like?: LikeQuestion;
  readonly result?: unknown;
  readonly model?: string;
  readonly finishReason?: string;
}

/** Keeps the cache, and counts of a run: `cacheHits`, `cacheMisses`, `costSavedNanos`. */
export function answersProjection(): Projection {
  return {
    facts: ['cache_comparing', 'cache_missed', 'task_completed'],
    project(fact, { origin }): Projected {
      const change = origin.workflowId === undefined ? undefined : changeOf(fact, origin.workflowName ?? '');
      if (change === undefined) return {};
      const rows = [{ table: 'answer' as const, key: String(fact.entry), row: change }];
      if (change.kind === 'asked') return change.compares === true ? { rows } : { rows, counts: { cacheMisses: 1 } };
      if (change.kind === 'answered') return { rows };
      return { rows, counts: { cacheHits: 1, costSavedNanos: change.savedNanos ?? 0 } };
    },
  };
}

function changeOf({ type, actor, at, data }: DraftFact, workflow: string): AnswerChange | undefined {
  const { cacheKey, promptHash = '', prompt = '', cacheHit, inFlight, costSavedNanos = null, cached } = data as OfCache;
  if (type === 'cache_missed' || type === 'cache_comparing') {
    if (cacheKey === undefined) return undefined;
    const compares = type === 'cache_comparing' ? { compares: true as const } : {};
    return { kind: 'asked', hash: cacheKey, promptHash, prompt, actor, workflow, at, ...compares };
  }
  const { result, model, finishReason, like } = data as OfCache;
  if (cacheHit === true && cacheKey !== undefined) {
    const used = { hash: cacheKey, workflow, shared: inFlight === true, savedNanos: costSavedNanos, at };
    return { kind: 'served', ...used, ...(like === undefined ? {} : { like }) };
  }
  if (cached === undefined || model === undefined || finishReason === undefined) return undefined;
  const { key: hash, ttlMs, costNanos } = cached;
  const valueJson = JSON.stringify(result);
  return { kind: 'answered', hash, valueJson, model, finishReason, costNanos, at, expiresAt: at + ttlMs };
}
