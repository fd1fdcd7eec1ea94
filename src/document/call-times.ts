/**
 * What a task's row keeps about time beside its columns: `startedAt` is when it first began, and after a failure, a crash
 * or a wait for money its call begins anew. Written only where that happens.
 */
import type { DraftFact } from '../runtime/draft.ts';
import type { TaskRow } from '../store/tasks.ts';
import { OWN_CALL } from './budget.ts';

/** The part of a row's details; times are milliseconds since 1970. */
export interface CallTimes {
  /** When the call began that is under way, or was the last, where that was not at `startedAt`. */
  readonly callAt?: number;
  /** When a back-off is over, or a wait for a time. */
  readonly until?: number;
  /** Its call waits for money. */
  readonly awaitsBudget?: boolean;
}

/** What a fact about a task changes of it. */
export function callTimes({ type, at, data }: DraftFact, before: TaskRow): CallTimes {
  switch (type) {
    case 'task_started': {
      const until = dateIn(data['waitsFor']);
      // The same attempt goes on where its function is asked after its work is done.
      const isAnew = before.attempts > 0 && Number(data['attempt'] ?? 0) > before.attempts;
      return { ...(isAnew ? { callAt: at } : {}), ...(until === undefined ? {} : { until }) };
    }
    case 'task_retrying': {
      const seconds = Number(data['delaySeconds'] ?? 0);
      return { until: at + (Number.isFinite(seconds) ? seconds * 1_000 : 0) };
    }
    case 'task_in_doubt':
      return { callAt: at };
    case 'budget_awaited':
      return data['call'] === OWN_CALL ? { awaitsBudget: true } : {};
    case 'budget_granted':
      return data['call'] === OWN_CALL ? { awaitsBudget: false, callAt: at } : {};
    default:
      return {};
  }
}

/** What a row keeps of it. */
export function callTimesOf({ detailJson }: Pick<TaskRow, 'detailJson'>): CallTimes {
  // Most rows of 100,000 have nothing of it to read.
  if (detailJson === null || !WORDS.some((word) => detailJson.includes(word))) return {};
  return JSON.parse(detailJson) as CallTimes;
}

const WORDS = ['"callAt"', '"until"', '"awaitsBudget"'];

function dateIn(waitsFor: unknown): number | undefined {
  if (typeof waitsFor !== 'object' || waitsFor === null || !('date' in waitsFor)) return undefined;
  const date = Date.parse(String(waitsFor.date));
  return Number.isNaN(date) ? undefined : date;
}
