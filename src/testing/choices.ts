/**
 * What conditions have to say of a task, in words of their own: does it run, is it skipped, or can that not be told? It is
 * asked of what the reference model has seen of the tasks before, and knows nothing of how the runtime decides.
 */
import type { PlannedTask } from './plan.ts';

/** What an expression gives over the results of tasks; `unknown` where it reads more than those. */
export type Judged = { readonly value: unknown } | 'fails' | 'unknown';

/** The language of conditions. */
export type Judge = (
  expression: string,
  tasks: Readonly<Record<string, SeenResult>>,
  item?: SeenItem,
  shared?: Readonly<Record<string, unknown>>,
) => Judged;

/** What the task of an item reads of its map. */
export interface SeenItem {
  readonly item: unknown;
  readonly index: number;
}

/** A task that has ended. `output` is absent where it has none. */
export interface SeenResult {
  readonly status: string;
  readonly output?: unknown;
}

/** What is to become of a task whose turn has come. */
export type Verdict = 'runs' | 'skips' | 'fails' | 'unknown';

/** What is to become of a task, once all that it depends on has ended. */
export function verdictOf(
  plan: PlannedTask,
  tasks: Readonly<Record<string, SeenResult>>,
  judge: Judge,
  item?: SeenItem,
  shared: Readonly<Record<string, unknown>> = {},
): Verdict {
  const { gates, when } = plan;
  const isChosen = gates.some(({ by, branches }) => {
    const { branch } = (tasks[by]?.output ?? {}) as { readonly branch?: unknown };
    return branches.some((label) => label === branch);
  });
  if (gates.length > 0 && !isChosen) return 'skips';
  const last = isStopped(plan, tasks, judge, item, shared) ? 'skips' : 'runs';
  if (when === undefined) return last;
  if (typeof when !== 'string') return 'unknown';
  const judged = judge(when, tasks, item, shared);
  if (typeof judged === 'string') return judged;
  return judged.value === true ? last : judged.value === false ? 'skips' : 'fails';
}

/** Whether the `cancelWhen` of a task is true. What nobody has written stops nobody. */
export function isStopped(
  { cancelWhen }: PlannedTask,
  tasks: Readonly<Record<string, SeenResult>>,
  judge: Judge,
  item: SeenItem | undefined,
  shared: Readonly<Record<string, unknown>>,
): boolean {
  if (cancelWhen === undefined) return false;
  const judged = judge(cancelWhen, tasks, item, shared);
  return typeof judged === 'object' && judged.value === true;
}

/** Whether a condition may have decided so. */
export function mayDecide(
  { call }: PlannedTask,
  decision: unknown,
  tasks: Readonly<Record<string, SeenResult>>,
  judge: Judge,
): boolean {
  const { value, branch, chosen } = (decision ?? {}) as Readonly<Record<string, unknown>>;
  const { decides = {}, branches = {} } = call;
  const asked = 'switch' in decides ? decides.switch : 'if' in decides ? decides.if : undefined;
  const judged = typeof asked === 'string' ? judge(asked, tasks) : 'unknown';
  if (judged === 'fails' || (judged !== 'unknown' && judged.value !== value)) return false;
  const own = 'switch' in decides ? [caseLabel(String(value)), 'else'] : [value === true ? 'then' : 'else'];
  const label = own.find((candidate) => branches[candidate] !== undefined) ?? null;
  const names = label === null ? [] : (branches[label] ?? []);
  return branch === label && JSON.stringify(chosen) === JSON.stringify(names);
}

/** The label of a case as documents write its place. */
function caseLabel(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name) ? `cases.${name}` : `cases[${JSON.stringify(name)}]`;
}
