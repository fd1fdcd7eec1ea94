/** What a run hears: from people, its tasks, its shared space, other runs. */
import type { DoneActorEvent, ErrorActorEvent } from 'xstate';
import type { ErrorData } from '../../src/errors.ts';
import type { ChildEnded, ChildProgressed } from '../../src/runtime/parent.ts';
import type { BudgetOver } from '../budget.ts';
import type { SharedBudgetSays } from '../shared-budget.ts';
import type { RoundAsk } from '../plan-execute-reflect.ts';
import type { SetsShared } from '../shared-space.ts';
import type { TaskOutput } from '../task/context.ts';
import type { SharedWritten } from '../task/sharing.ts';
import type { FilterFailure, PreparedStep } from './prepared.ts';

/** An event from outside, with what was decided about it: a waiting task takes it, or it is kept for one to come. */
export interface OutsideEvent {
  readonly type: 'fermata.outside';
  /** As it was sent. */
  readonly event: { readonly type: string; readonly [field: string]: unknown };
  readonly takenBy?: string;
  readonly failures: readonly FilterFailure[];
}

type Prepared = { readonly prepared?: PreparedStep };

/** A task has more for the run to do: the items of a map, or tasks as a function or a model wrote them. */
export interface TaskAdds {
  readonly type: 'fermata.task.adds';
  readonly task: string;
  readonly description: string;
  readonly items?: readonly unknown[];
  readonly tasks?: unknown;
  /** What its `outputs` are about, where it has some: where they cannot be told it fails, and nothing joins the run. */
  readonly result?: unknown;
  /** Of a task that works in rounds. */
  readonly ask?: RoundAsk;
  /** Those that it added in the run of which this one is a fork. */
  readonly again?: true;
}

/** All of them. */
export type WorkflowEvent =
  | ({ readonly type: 'fermata.task.parked'; readonly task: string } & Prepared)
  | ({ readonly type: 'fermata.task.wantsSlot'; readonly task: string; readonly description: string } & Prepared)
  | (TaskAdds & Prepared)
  | ({ readonly type: 'fermata.task.joins'; readonly task: string } & Prepared)
  | ({ readonly type: 'fermata.task.cancel'; readonly task: string; readonly reason?: string } & Prepared)
  | ({ readonly type: 'fermata.cancel'; readonly reason?: string } & Prepared)
  | OutsideEvent
  | SetsShared
  | (SharedWritten & Prepared)
  | (BudgetOver & Prepared)
  | (SharedBudgetSays & Prepared)
  | (ChildEnded & Prepared)
  | ChildProgressed
  | ({ readonly type: 'fermata.pause' } & Prepared)
  | ({ readonly type: 'fermata.resume' } & Prepared)
  | ({ readonly type: 'fermata.runTimedOut' } & Prepared)
  | (DoneActorEvent<TaskOutput, string> & Prepared)
  | (ErrorActorEvent<Partial<ErrorData>, string> & Prepared);

/** What rows say of an event. */
export function stepOf(event: object): PreparedStep | undefined {
  return (event as Prepared).prepared;
}
