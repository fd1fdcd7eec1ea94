/**
 * The one inner form of a workflow document: complete, read-only, every short form resolved and every default in place.
 * What the schema accepts is in `schema.ts`; `normalise.ts` makes this from it. The machines and projections see only this.
 */
import type { Optimize } from '../cost/choice.ts';
import type { PriceOverrides } from '../cost/price-overrides.ts';
import type { InDoubtPolicy } from '../runtime/effect.ts';
import type { CacheFields } from './answer-cache.ts';
import type { Condition } from './condition.ts';
import type { Allowance } from './fields.ts';
import type { CallSpec } from './kinds/index.ts';
import type { WrittenModels } from './models.ts';
import type { Phase } from './kinds/plan-execute-reflect.ts';

/** What the calls of a run may cost together, in US dollars. */
export interface BudgetSpec {
  readonly maxCostDollars: number;
  readonly warnAtDollars?: number | undefined;
}

/** How often and when a failed attempt is repeated. Seconds may be fractions. */
export interface RetryPolicy {
  /** 0..10: attempts after the first. */
  readonly maxRetries: number;
  readonly initialSeconds: number;
  readonly factor: number;
  readonly maxSeconds: number;
}

/** Of a task whose author does not say. */
export const DEFAULT_RETRY: RetryPolicy = { maxRetries: 3, initialSeconds: 1, factor: 2, maxSeconds: 60 };

/** How long a call may take whose author does not say. */
export const CALL_SECONDS = 120;

/** An approval gate: asked before the call. */
export interface ApprovalSpec {
  /** Liquid; what the person is asked. */
  readonly prompt: string | undefined;
  readonly timeoutSeconds: number | undefined;
  /** What a refusal (or expiry) does to the rest of the run. */
  readonly onReject: 'skip' | 'cancel' | 'fail';
}

/** `addTasks` of a task whose own output holds the tasks. */
export const FROM_OUTPUT = 'fromOutput';

/** Tasks that join the run when a task completes. */
export interface OnCompleteSpec {
  /** `fromOutput`, or the name of a registered function. */
  readonly addTasks: string;
  readonly dynamicTaskLimit: number;
  readonly maxDynamicDepth: number;
  readonly onLimit: 'truncate' | 'fail';
  /** What those that it adds may name; undefined: anything where code has chosen them, else nothing that is not its own. */
  readonly allow: Allowance | undefined;
  /** What depends on the task waits for those that it adds. */
  readonly join: boolean;
  /** Where it came of an answer: tokens that an answer to what it adds may have. */
  readonly maxOutputTokens?: number;
}

/** That a task runs only where a condition chooses it. */
export interface Gate {
  /** Name of the condition's task. */
  readonly by: string;
  /** Its branches that the task is in: `then`, `else`, `cases.billing`. */
  readonly branches: readonly string[];
  /** The task does not look at what the condition gives, which may name very many tasks. */
  readonly unseen: boolean;
}

/** That a task was added by one that works in rounds. */
export interface RoundPart {
  readonly owner: string;
  readonly phase: Phase | 'execute';
  readonly round: number;
  /** How it is called in its plan, where it is a proposed one. */
  readonly alias?: string;
  /** What tasks of plans that it depends on are called there, by their names in the run. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** How many proposed tasks may go on at once, where the run has more. */
  readonly lane?: number;
  /** What its prompt sees, where it is a plan, a reflection or an answer. */
  readonly seen?: RoundSeen;
}

/** What prompts of rounds see that stands in no row. */
export interface RoundSeen {
  readonly goal: string;
  readonly breadth: number;
  /** What the last reflection said is missing. */
  readonly missing: string | null;
  /** What the last reflection said; null where there was none. */
  readonly done: boolean | null;
  /** Why the last plan was refused, put below the prompt. */
  readonly refusal?: string;
}

/** One task. */
export interface TaskSpec {
  readonly name: string;
  /** Place in the document, from 0. */
  readonly position: number;
  /** Liquid; what progress shows instead of the name. */
  readonly description: string | undefined;
  /** Written dependencies and tasks that its prompt, description or input reads, without repetition. */
  readonly dependsOn: readonly string[];
  /** Tasks that merely come first (`strategy: sequential`): any end of theirs will do. */
  readonly after: readonly string[];
  /** It runs where at least one of these chooses it; none: it always runs. */
  readonly gates: readonly Gate[];
  /** It is skipped where this is false. */
  readonly when: Condition | undefined;
  /** CEL: it is stopped as soon as this is true, or skipped where that is so before it begins. */
  readonly cancelWhen: string | undefined;
  /** What of its output others see: by key a tree whose texts are CEL. */
  readonly outputs: Readonly<Record<string, unknown>> | undefined;
  /** Keys of the shared values that it reads, its `outputs` left out; undefined: none. */
  readonly shared: readonly string[] | undefined;
  /** What its being skipped means for what depends on it. */
  readonly skipPolicy: 'run' | 'cascade';
  /** What is its kind's own. */
  readonly call: CallSpec;
  readonly retry: RetryPolicy;
  /** Of a model call or a function: of each attempt. Of every other kind: from start to end; undefined: none. */
  readonly timeoutSeconds: number | undefined;
  readonly onInDoubt: InDoubtPolicy;
  readonly approval: ApprovalSpec | undefined;
  readonly onComplete: OnCompleteSpec | undefined;
  readonly estimatedDurationSeconds: number | undefined;
  /** Tokens of its output, as its author expects them. */
  readonly expectedOutputTokens: number | undefined;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Present where another task works in rounds and added this one for it. */
  readonly part?: RoundPart;
}

/** A whole document in its inner form. */
export interface Definition {
  readonly name: string;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  /** JSON Schema of the run's input; undefined: anything. */
  readonly input: Readonly<Record<string, unknown>> | undefined;
  readonly strategy: 'sequential' | 'parallel' | 'hybrid';
  /** Tasks in flight at once. */
  readonly breadth: number;
  readonly timeoutSeconds: number | undefined;
  readonly onTaskFailure: 'stop' | 'continue';
  readonly collectIntermediate: boolean;
  readonly priority: number;
  /** Of tasks that name none; for tasks that are added, too. */
  readonly provider: string;
  readonly model: string;
  /** Of tasks that name neither. */
  readonly models: WrittenModels | undefined;
  /** By what tasks choose that have several models. */
  readonly optimize: Optimize | undefined;
  /** What models cost that its tasks ask, before what the process knows. */
  readonly prices: PriceOverrides | undefined;
  /** What the calls of a run may cost; absent: whatever they cost. */
  readonly budget: BudgetSpec | undefined;
  /** Which answers serve again, of tasks that do not say; undefined: none. */
  readonly cache: CacheFields | undefined;
  readonly depth: number;
  readonly tasks: readonly TaskSpec[];
}
