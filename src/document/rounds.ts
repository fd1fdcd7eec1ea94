/** What a task that works in rounds adds to its run: its own calls, the tasks of its plans, and what their prompts see. */
import type { PhaseOutcome, RoundAsk } from '../../machines/plan-execute-reflect.ts';
import type { TaskRow } from '../store/tasks.ts';
import type { RoundPart, TaskSpec } from './definition.ts';
import type { PlanExecuteReflectSpec } from './kinds/plan-execute-reflect.ts';
import { readsOf } from './prompt.ts';
import type { Scope, TaskResult } from './reads.ts';
import { phaseName } from './round-names.ts';
import type { RenderedTask } from './render.ts';
import type { RunGraph } from './run-graph.ts';
import { taskError } from './task-error.ts';
import { isSettled } from './task-status.ts';

/** A proposed task, as the prompts of its rounds see it. */
export interface RoundStep {
  /** As its plan calls it. */
  readonly name: string;
  readonly round: number;
  /** As its plan has it; of a function its name. */
  readonly prompt: string;
  readonly status: string;
  readonly output: unknown;
  /** Why it gave nothing. */
  readonly error: string | null;
}

/** What a row of a task says that was added by one that works in rounds; undefined of every other. */
export function partOfRow({ detailJson }: Pick<TaskRow, 'detailJson'>): RowPart | undefined {
  // Every task that ends is asked this: most have nothing to read.
  if (detailJson === null || !detailJson.includes('"phase"')) return undefined;
  const { parent, phase, lane } = JSON.parse(detailJson) as Partial<RowPart> & { readonly parent?: string };
  return parent === undefined || phase === undefined
    ? undefined
    : { parent, phase, ...(lane === undefined ? {} : { lane }) };
}

/** The same of a task by its name: nothing is read in a run that cannot grow. */
export function partIn(graph: RunGraph, name: string): RowPart | undefined {
  return graph.grows ? partOfRow(graph.row(name)) : undefined;
}

/** How a row keeps it. */
export interface RowPart extends Pick<RoundPart, 'phase' | 'lane'> {
  /** The task that works in rounds. */
  readonly parent: string;
}

/** The same of a task that is added. */
export function partOfSpec({ phase, lane }: RoundPart): Omit<RowPart, 'parent'> {
  return { phase, ...(lane === undefined ? {} : { lane }) };
}

/** The spec of a task that works in rounds; undefined of every other. */
export function roundsOf({ call }: Pick<TaskSpec, 'call'>): PlanExecuteReflectSpec<TaskSpec> | undefined {
  return call.kind === 'planExecuteReflect' ? call : undefined;
}

/**
 * A plan, a reflection or the answer, as a task of the run.
 *
 * @param breadth tasks that the run has at once
 */
export function phaseSpec(
  graph: RunGraph,
  owner: string,
  ask: RoundAsk,
  { position, breadth }: { readonly position: number; readonly breadth: number },
): TaskSpec | undefined {
  const own = roundsOf(graph.spec(owner));
  if (own === undefined || ask.phase === 'execute') return undefined;
  const { phase, round, goal, missing, done, refusal } = ask;
  const spec = own.phases[phase];
  const texts = spec.call.kind === 'model' ? [spec.call.prompt, spec.call.system ?? ''] : [];
  const read = new Set(texts.flatMap((text) => readsOf(text).tasks));
  return {
    ...spec,
    name: phaseName(owner, ask),
    position,
    dependsOn: spec.dependsOn.filter((name) => read.has(name)),
    part: {
      owner,
      phase,
      round,
      seen: {
        goal,
        breadth: Math.min(own.breadth ?? breadth, breadth),
        missing,
        done,
        ...(refusal === undefined ? {} : { refusal }),
      },
    },
  };
}

/** The variables of its prompts. */
export function roundScope(graph: RunGraph, { part }: TaskSpec): Partial<Scope> {
  if (part?.seen === undefined) return {};
  const { owner, round, seen } = part;
  const own = roundsOf(graph.spec(owner));
  return {
    goal: seen.goal,
    round,
    depth: own?.depth ?? round,
    breadth: seen.breadth,
    taskLimit: own?.dynamicTaskLimit ?? 0,
    steps: stepsOf(graph, owner),
    missing: seen.missing,
    done: seen.done,
    functions: own?.allow?.functions ?? [],
  };
}

/** Proposed tasks by the names of their plans, those of the last round first: a later one hides an earlier one. */
export function aliasesOf(graph: RunGraph, owner: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of graph.children(owner)) {
    if (partOfRow(graph.row(name))?.phase !== 'execute') continue;
    const alias = graph.spec(name).part?.alias;
    if (alias !== undefined) found.set(alias, name);
  }
  return found;
}

/** All tasks that its plans have proposed so far, in order. */
function stepsOf(graph: RunGraph, owner: string): RoundStep[] {
  return graph
    .children(owner)
    .filter((name) => partOfRow(graph.row(name))?.phase === 'execute')
    .map((name) => {
      const { part, call } = graph.spec(name);
      const row = graph.row(name);
      return {
        name: part?.alias ?? name,
        round: part?.round ?? 0,
        prompt: call.kind === 'model' ? call.prompt : call.kind === 'code' ? call.function : call.kind,
        status: row.status,
        output: outputOf(graph, row) ?? null,
        error: taskError(row)?.message ?? null,
      };
    });
}

/** What the last call of a task that works in rounds gave; nothing, of proposed tasks. Undefined while any goes on. */
export function phaseOutcome(graph: RunGraph, owner: string): PhaseOutcome | undefined {
  const { children, open } = graph.growth(owner);
  if (children === 0 || open > 0) return undefined;
  const { name: last } = graph.entry(owner, 'child', children - 1);
  const row = graph.row(last);
  if (partOfRow(row)?.phase === 'execute') return { output: null };
  if (row.status === 'completed') return { output: outputOf(graph, row) ?? null };
  const { code, message } = taskError(row) ?? { code: 'taskFailed', message: `it was ${row.status}` };
  const named = `"${last}"`;
  // The errors of calls name their task.
  const whole = message.includes(named) ? message : `task ${named}: ${message}`;
  return { error: { code, message: whole, retry: 'never' } };
}

function outputOf(graph: RunGraph, { resultSeq }: TaskRow): unknown {
  return resultSeq === null ? undefined : (graph.rows.entry(resultSeq) as { readonly result?: unknown }).result;
}

/** Results under the names by which a task knows them. */
export function asNamed(
  { part }: { readonly part?: RoundPart | undefined },
  results: readonly (readonly [string, TaskResult])[],
): readonly (readonly [string, TaskResult])[] {
  const aliases = part?.aliases;
  return aliases === undefined ? results : results.map(([name, result]) => [aliases[name] ?? name, result]);
}

/** Puts why the last plan was refused below the prompt: whoever writes a prompt need not think of it. */
export function refusalBelow({ part }: Pick<TaskSpec, 'part'>, rendered: RenderedTask): RenderedTask {
  const refusal = part?.seen?.refusal;
  const { call } = rendered;
  if (refusal === undefined || call.kind !== 'model') return rendered;
  return { ...rendered, call: { ...call, prompt: `${call.prompt}\n\n${refusal}` } };
}

/** A proposed model call whose prompt does not read what it needs gets it below: whoever planned it expects it to be seen. */
export function promptWithResults(prompt: string, dependsOn: readonly string[]): string {
  const read = new Set(readsOf(prompt).tasks);
  const parts = dependsOn
    .filter((name) => !read.has(name))
    .map((name) => `Result of ${name}:\n{{ tasks[${JSON.stringify(name)}].output | default: "(none)" }}`);
  return [prompt, ...parts].join('\n\n');
}

/** Tasks that work in rounds and all of whose added ones have ended, once `gone` have: they go on. */
export function joinedBy(graph: RunGraph, gone: Iterable<string>): readonly string[] {
  if (!graph.grows) return [];
  const open = new Map<string, number>();
  // Several may have ended at once, and are heard of one after the other: with the last one all are over.
  const last = new Set<string>();
  for (const name of gone) {
    const row = graph.row(name);
    const owner = partOfRow(row)?.parent;
    if (owner === undefined) continue;
    const growth = graph.growth(owner);
    const left = open.get(owner) ?? growth.open;
    open.set(owner, isSettled(row.status) ? left : left - 1);
    if (!isSettled(row.status) || growth.last === undefined || growth.last === name) last.add(owner);
  }
  return [...open].flatMap(([owner, left]) =>
    left === 0 && last.has(owner) && !isSettled(graph.row(owner).status) ? [owner] : [],
  );
}

/** What is left of what it added where a task that works in rounds ends before that does. */
export function leftBy(
  graph: RunGraph,
  name: string,
): { readonly stop: readonly string[]; readonly cancelled: readonly string[] } {
  if (graph.growth(name).open === 0 || roundsOf(graph.spec(name)) === undefined) return { stop: [], cancelled: [] };
  // What its `onComplete` has added goes on.
  const rows = graph
    .children(name)
    .map((child) => graph.row(child))
    .filter((row) => !isSettled(row.status) && partOfRow(row) !== undefined);
  const namesOf = (live: boolean): string[] => rows.filter((row) => row.live === live).map((row) => row.name);
  return { stop: namesOf(true), cancelled: namesOf(false) };
}
