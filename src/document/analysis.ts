/**
 * What can be said of a workflow before it runs: its stages, its longest chain, how much it can come to, and what in it is
 * most likely a mistake. Of a document that is right; nothing here refuses one.
 */
import { warnOfAbsent } from './analysis/absent.ts';
import { childCostsOf, type LookUp } from './analysis/children.ts';
import { criticalPathOf, type CriticalPath } from './analysis/critical-path.ts';
import { reachOf } from './analysis/reach.ts';
import { tasksOf, type Tasks } from './analysis/tasks.ts';
import { warnOfUnwritten } from './analysis/unwritten.ts';
import { Warnings, type Warning } from './analysis/warnings.ts';
import { worstCaseOf, type Cost, type Loop } from './analysis/worst-case.ts';
import type { Definition } from './definition.ts';
import { eachOf, type Steps } from './steps.ts';

/** All of it. */
export interface Analysis {
  /** Names by the earliest stage in which they can run: a stage needs only what earlier stages give. */
  readonly stages: readonly (readonly string[])[];
  readonly criticalPath: CriticalPath;
  readonly worstCase: Cost;
  readonly loops: readonly Loop[];
  /** At most 1,000. */
  readonly warnings: readonly Warning[];
  /** How many there are beside those. */
  readonly unlistedWarnings: number;
}

/**
 * Analyses a document. It takes about as long as checking it, and may be interrupted like that.
 *
 * @param source the document as it is written, which `definition` was made of
 * @param lookUp the workflows that its tasks run by name; default: none is known
 * @example
 * atOnce(analysisOf(document, parseDocument(document))).worstCase.modelCalls // 12
 */
export function* analysisOf(
  source: unknown,
  definition: Definition,
  lookUp: LookUp = () => undefined,
): Steps<Analysis> {
  const warnings = new Warnings();
  const tasks = yield* tasksOf(definition);
  const stages = yield* stagesOf(tasks);
  const reach = yield* reachOf(tasks, warnings);
  const criticalPath = yield* criticalPathOf(tasks, reach);
  const { total, loops } = yield* worstCaseOf(tasks, reach, yield* childCostsOf(definition, lookUp));
  yield* warnOfAbsent(source, tasks, warnings);
  yield* warnOfUnwritten(source, tasks, warnings);
  return {
    stages,
    criticalPath,
    worstCase: total,
    loops,
    warnings: warnings.listed,
    unlistedWarnings: warnings.unlisted,
  };
}

/** Names by the earliest stage in which they can run. */
export function* stagesOf({ definition, order }: Tasks): Steps<readonly (readonly string[])[]> {
  const stageOf = new Map<string, number>();
  yield* eachOf(order, ({ name, dependsOn, after }) => {
    let stage = 0;
    for (const needed of dependsOn) stage = Math.max(stage, (stageOf.get(needed) ?? 0) + 1);
    for (const needed of after) stage = Math.max(stage, (stageOf.get(needed) ?? 0) + 1);
    stageOf.set(name, stage);
  });
  const stages: string[][] = [];
  yield* eachOf(definition.tasks, ({ name }) => {
    (stages[stageOf.get(name) ?? 0] ??= []).push(name);
  });
  return stages;
}
