/** What a task knows, from what it is begun with to how it ends. */
import type { NanoDollars } from '../../src/cost/money.ts';
import type { Consequence } from '../../src/document/consequence.ts';
import type { Skip } from '../../src/document/when.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { BilledCall } from './bill.ts';
import type { ChildRun } from './child-run.ts';
import type { Choice } from './choosing.ts';
import type { Comparing } from './comparing.ts';
import type { FunctionCall } from './function-calls.ts';
import type { Outcome } from './outcome.ts';
import type { PreparedOutcome, PreparedSkip, PreparedTask } from './prepared.ts';
import type { Usage } from './spent.ts';

/** What the workflow machine spawns a task with; `prepared` is attached by the runtime. */
export interface TaskInput {
  readonly name: string;
  /** Its run has a budget: its calls are paid from that. */
  readonly budgeted?: true;
  readonly prepared?: PreparedTask | PreparedSkip | PreparedOutcome | { readonly error: ErrorData };
}

/** How a task ended, as the workflow machine is told. The result itself is in the facts. */
export interface TaskOutput {
  readonly name: string;
  readonly status: 'completed' | 'failed' | 'timedOut' | 'rejected' | 'cancelled' | 'skipped';
  /** It held a slot until it ended. */
  readonly held: boolean;
  readonly consequence: Consequence;
  readonly error: ErrorData | null;
}

/** What it keeps, in every snapshot. */
export interface TaskContext extends PreparedTask, Partial<PreparedSkip>, Pick<TaskInput, 'budgeted'> {
  readonly name: string;
  readonly attempt: number;
  /** What its own call may cost at most; absent where its run has no budget. */
  readonly granted?: NanoDollars;
  /** Of which day that is, where budgets of several runs pay for it. */
  readonly grantedOn?: string;
  readonly held: boolean;
  readonly error: ErrorData | null;
  readonly consequence: Consequence;
  /** Key of the doubtful call that the next one repeats. */
  readonly repeatOf?: string | null;
  /** What it gives, until that is stated; an answer whose tasks were refused, until there is another one. */
  readonly outcome?: Outcome | null;
  /** What it gives was known before it began: another run has found it, or somebody has given it. */
  readonly known?: true;
  /** The item of its map whose end cancelled it; absent where it was not cancelled by that. */
  readonly because?: string;
  /** What was found of its `cancelWhen`; absent where it was not stopped by that. */
  readonly stopped?: Skip['condition'];
  /** Model calls of its function; absent where it made none. */
  readonly functionCalls?: readonly FunctionCall[];
  /** Requests to models that no fact has stated yet; absent or empty: none. */
  readonly bill?: readonly BilledCall[];
  /** What its call has consumed so far, where that has no outcome yet: that will tell all of it. Null: nothing. */
  readonly consumed?: Usage;
  /** What calls consumed whose outcome will never be heard: stopped, or made again after a crash. Null: none. */
  readonly lost?: Usage;
  /** A model was told once already that its tasks were refused. */
  readonly repaired?: true;
  /** While similar questions are looked for. */
  readonly comparing?: Comparing | null;
  /** Of a sub-workflow. */
  readonly child?: ChildRun;
  /** Of a call that may choose its model: which one it has chosen, and who has failed. */
  readonly choice?: Choice;
}

/** With what it is made ready, it begins: to run, to be skipped, to say what is known, or to fail at once. */
export function initialContext({ name, budgeted, prepared }: TaskInput): TaskContext {
  const rest = {
    name,
    ...(budgeted === undefined ? {} : { budgeted }),
    attempt: 0,
    held: true,
    consequence: 'none' as const,
  };
  if (prepared !== undefined && 'call' in prepared) return { ...prepared, ...rest, error: null };
  const idle = {
    ...rest,
    call: { kind: 'code', function: '', input: {} },
    retry: { maxRetries: 0, initialSeconds: 1, factor: 2, maxSeconds: 60 },
  } as const;
  if (prepared !== undefined && 'known' in prepared) {
    const { known, ...given } = prepared;
    return { ...idle, ...given, known: true, outcome: { value: known.result, facts: known.facts }, error: null };
  }
  if (prepared !== undefined && 'skip' in prepared)
    return { ...idle, ...prepared, consequence: prepared.skip.cascades ? 'skip' : 'none', error: null };
  const error: ErrorData = prepared?.error ?? {
    code: 'internal',
    message: `Task "${name}" was started without its prompt.`,
    retry: 'never',
  };
  return { ...idle, consequence: 'fail', error };
}

/** What every fact about a task carries. A task that its author did not describe is described by its name. */
export function about({ name, description }: TaskContext): { readonly task: string; readonly description: string } {
  return { task: name, description: description ?? name };
}
