/** What the runs of sub-workflows can come to: their documents are counted like the one that runs them. */
import type { Definition } from '../definition.ts';
import type { SubworkflowSpec, WorkflowReference } from '../kinds/subworkflow.ts';
import { subworkflowsOf } from '../known-workflows.ts';
import { parseDocument } from '../parse.ts';
import type { Steps } from '../steps.ts';
import { reachOf } from './reach.ts';
import { tasksOf } from './tasks.ts';
import { Warnings } from './warnings.ts';
import { NOTHING, worstCaseOf, type Cost } from './worst-case.ts';

/** The definition of a workflow that is not written inline; undefined where it is not known here. */
export type LookUp = (reference: WorkflowReference) => Definition | undefined;

/** What a run of each sub-workflow comes to at most; undefined: its workflow is not known here. */
export type ChildCosts = ReadonlyMap<SubworkflowSpec, Cost | undefined>;

/** Runs below the one that is counted; deeper ones are refused when they are to begin. */
const MOST_DEPTH = 8;

/** Counts the sub-workflows of a document, and theirs. */
export function* childCostsOf(definition: Definition, lookUp: LookUp): Steps<ChildCosts> {
  /** By what is above: a workflow that runs itself costs less the deeper it is. */
  const known = new Map<Definition, (Cost | undefined)[]>();
  return yield* below(definition, 0);

  function* below(parent: Definition, depth: number): Steps<ChildCosts> {
    const costs = new Map<SubworkflowSpec, Cost | undefined>();
    for (const { call } of subworkflowsOf(parent)) {
      const { workflow } = call;
      const child = 'document' in workflow ? parseDocument(workflow.document) : lookUp(workflow);
      costs.set(call, child && (yield* costOf(child, depth + 1)));
    }
    return costs;
  }

  function* costOf(child: Definition, depth: number): Steps<Cost> {
    if (depth > MOST_DEPTH) return NOTHING;
    const counted = known.get(child) ?? [];
    known.set(child, counted);
    const before = counted[depth];
    if (before !== undefined) return before;
    const tasks = yield* tasksOf(child);
    const reach = yield* reachOf(tasks, new Warnings());
    const { total } = yield* worstCaseOf(tasks, reach, yield* below(child, depth));
    counted[depth] = total;
    return total;
  }
}
