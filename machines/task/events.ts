/** What a task hears: from people, its run, its calls, its own timers. */
import type { BudgetFits, BudgetGranted } from '../budget.ts';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { RoundAsk, RoundsOutput } from '../plan-execute-reflect.ts';
import type { SharedAnswer } from '../shared-space.ts';
import type { CallOutput } from './calls.ts';
import type { ChildEvent } from './child-run.ts';
import type { CallsModel } from './function-calls.ts';
import type { JoinedItems } from './prepared.ts';
import type { Stops, WritesShared } from './sharing.ts';
import type { ModelConsumed } from './spent.ts';

/** A person's decision. */
export interface Decision {
  readonly approved: boolean;
  readonly reason?: string;
  readonly by?: string;
}

/** An event from outside for which the task waits. */
export interface EventTaken {
  readonly type: 'fermata.task.event';
  /** As it was sent. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Its number, where it came early and was kept. */
  readonly keptEvent?: number;
}

/** All of them. */
export type TaskEvent =
  | { readonly type: 'fermata.approve'; readonly decision: Decision }
  | {
      readonly type: 'fermata.cancel';
      readonly reason?: string;
      /** The item of its map whose end cancels it. */
      readonly because?: string;
    }
  | { readonly type: 'fermata.retry' }
  | { readonly type: 'fermata.task.admitted'; readonly prepared?: { readonly now: number } }
  | { readonly type: 'fermata.task.attemptTimedOut' }
  | { readonly type: 'fermata.task.timedOut' }
  | { readonly type: 'fermata.task.backoffOver' }
  | { readonly type: 'fermata.task.approvalExpired' }
  | { readonly type: 'fermata.task.timeCame' }
  | { readonly type: 'fermata.task.waitTimedOut' }
  | EventTaken
  | CallsModel
  | ModelConsumed
  | WritesShared
  | SharedAnswer
  | Stops
  | { readonly type: `xstate.done.actor.model.${number}`; readonly output: CallOutput }
  | { readonly type: `xstate.error.actor.model.${number}`; readonly error: unknown }
  | { readonly type: 'fermata.inDoubt'; readonly id: string; readonly key: string; readonly policy: InDoubtPolicy }
  | { readonly type: 'fermata.unsent' }
  | BudgetGranted
  | BudgetFits
  | { readonly type: 'fermata.unavailable'; readonly code: string; readonly message: string }
  | {
      readonly type: 'fermata.task.added';
      readonly count: number;
      readonly skipped?: number;
      readonly warning?: string;
    }
  | { readonly type: 'fermata.task.adds'; readonly ask: RoundAsk }
  | { readonly type: 'xstate.done.actor.rounds'; readonly output: RoundsOutput }
  | { readonly type: 'fermata.task.refused'; readonly error: ErrorData }
  | { readonly type: 'fermata.task.joined'; readonly prepared?: JoinedItems }
  | ChildEvent
  | { readonly type: 'task.progress'; readonly percent: number; readonly note?: string };
