/** What a task knows, from what it is begun with to how it ends. */
import type { Consequence } from '../../src/document/consequence.ts';
import type { Skip } from '../../src/document/when.ts';
import type { ErrorData } from '../../src/errors.ts';
import type { ChildRun } from './child-run.ts';
import type { FunctionCall } from './function-calls.ts';
import type { Outcome } from './outcome.ts';
import type { PreparedOutcome, PreparedSkip, PreparedTask } from './prepared.ts';

/** What the workflow machine spawns a task with; `prepared` is attached by the runtime. */
export interface TaskInput {
  readonly name: string;
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
export interface TaskContext extends PreparedTask, Partial<PreparedSkip> {
  readonly name: string;
  readonly attempt: number;
  readonly held: boolean;
  readonly error: ErrorData | null;
  readonly consequence: Consequence;
  /** Key of the doubtful call that the next one repeats. */
  readonly repeatOf?: string | null;
  /** What it gives, until that is stated; an answer whose tasks were refused, until there is another one. */
  readonly outcome?: Outcome | null;
  /** What it gives was known before it began: another run has found it, or somebody has given it. */
  readonly known?: true;
  /** What was found of its `cancelWhen`; absent where it was not stopped by that. */
  readonly stopped?: Skip['condition'];
  /** Model calls of its function; absent where it made none. */
  readonly functionCalls?: readonly FunctionCall[];
  /** A model was told once already that its tasks were refused. */
  readonly repaired?: true;
  /** Of a sub-workflow. */
  readonly child?: ChildRun;
}

/** With what it is made ready, it begins: to run, to be skipped, to say what is known, or to fail at once. */
export function initialContext({ name, prepared }: TaskInput): TaskContext {
  const rest = {
    name,
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
