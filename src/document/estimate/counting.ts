/** What is counted of a task, and with what. */
import type { Calls } from '../../cost/estimate/calls.ts';
import type { StatedChoice } from '../../cost/choice-reason.ts';
import type { TokenCount } from '../../cost/tokens.ts';
import type { Tasks } from '../analysis/tasks.ts';
import type { SubworkflowSpec } from '../kinds/subworkflow.ts';
import type { ComparisonSettings } from '../similar.ts';
import type { ChoosingOfEstimate } from './choice.ts';
import type { Given } from './given.ts';
import type { Learned } from './learned.ts';
import type { ListLength } from './list-length.ts';
import type { Length } from './prompt-length.ts';

/** Which calls of a task: its own, or those of what it adds to the run. */
export type Part = 'plan' | 'execute' | 'reflect' | 'answer' | 'added' | 'run' | 'embedding' | 'verify';

/** Calls of one task to one model. */
export interface Line extends Calls {
  readonly part?: Part;
  /** Absent of another run, whose tasks ask several. */
  readonly provider?: string;
  readonly model?: string;
  /** Where it has several models to choose from: which one it would take, as things stand. */
  readonly choice?: StatedChoice;
  /** Of another run: the workflow. */
  readonly workflow?: string;
}

/** What a task comes to. */
export interface TaskCalls {
  readonly lines: readonly Line[];
  /** Tokens of its output. */
  readonly output: Length;
}

/** What a run of another workflow comes to; undefined: it is not known here. */
export type ChildCalls = ReadonlyMap<SubworkflowSpec, TaskCalls>;

/** What it is counted with. */
export interface Counting extends ChoosingOfEstimate {
  readonly tasks: Tasks;
  readonly given: Given;
  readonly learned: Learned;
  readonly children: ChildCalls;
  /** Who makes vectors and judges. */
  readonly comparing: ComparisonSettings;
  count(text: string, model: string): TokenCount;
  /** What is known of a task that comes before. */
  outputOf(task: string): Length | undefined;
  /** Lists of tasks that come before. */
  listOf(task: string): ListLength | undefined;
}
