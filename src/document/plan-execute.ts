/** A goal without a document: the workflow of one task that works towards it, and where it is kept. */
import { FermataError } from '../errors.ts';
import type { WorkflowDocument, WorkflowTask } from './schema.ts';
import type { Workflow, Workflows } from './workflows.ts';

/** What of such a workflow can be chosen; the goal is the input of its runs. */
export type PlanExecuteOptions = Omit<
  Extract<WorkflowTask, { readonly kind: 'planExecuteReflect' }>,
  'name' | 'kind' | 'goal' | 'dependsOn'
>;

/** The name of those that are given none. */
export const PLAN_EXECUTE = 'plan-execute';

/** The goal is read, never part of a text that is: whatever stands in it, it stays a text. */
const GOAL = '{{ input.goal }}';
/** Choices of options that are versions of the workflow. Who chooses anew for each run would else drown them, and be slower each time. */
const MOST_VERSIONS = 100;
/** Others may store a version at the same moment; so often in a row they do not. */
const ATTEMPTS = 10;

/**
 * The document of a goal.
 *
 * @example
 * planExecuteDocument({ depth: 2 }).tasks // [{ name: 'answer', kind: 'planExecuteReflect', goal: '{{ input.goal }}', depth: 2 }]
 */
export function planExecuteDocument({
  name = PLAN_EXECUTE,
  breadth,
  ...options
}: PlanExecuteOptions & { readonly name?: string | undefined }): WorkflowDocument {
  return {
    name,
    input: {
      type: 'object',
      properties: { goal: { type: 'string', minLength: 1 } },
      required: ['goal'],
      additionalProperties: false,
    },
    // Nothing else runs beside it.
    ...(breadth === undefined ? {} : { config: { breadth } }),
    tasks: [{ name: 'answer', kind: 'planExecuteReflect', goal: GOAL, ...options }],
  };
}

/**
 * The stored version of such a document: one that is there, or a new one. Where there are too many, it is kept by itself,
 * as documents are that stand inside of others.
 *
 * @throws FermataError `invalidDocument`; `alreadyExists` where another workflow has the name
 */
export async function keptPlanExecute(workflows: Workflows, document: WorkflowDocument): Promise<Workflow> {
  for (let attempt = 1; ; attempt++) {
    const newest = await workflows.byName(document.name);
    try {
      if (newest === undefined) return await workflows.create(document);
      if (!isPlanExecute(newest.document))
        throw new FermataError(
          'alreadyExists',
          `A workflow named "${document.name}" exists (id ${newest.id}), and it is not one that POST /api/v1/workflows/plan-execute made. Choose another name.`,
          { data: { id: newest.id } },
        );
      const text = JSON.stringify(document);
      const isSame = (other: Workflow): boolean => JSON.stringify(other.document) === text;
      if (isSame(newest)) return newest;
      const known = (await workflows.versions(newest.id)).find(isSame);
      if (known !== undefined) return known;
      return newest.version < MOST_VERSIONS
        ? await workflows.addVersion(newest.id, document)
        : await workflows.keep({ ...document });
    } catch (error) {
      const isTaken = error instanceof FermataError && error.code === 'alreadyExists';
      if (!isTaken || attempt === ATTEMPTS || (newest !== undefined && !isPlanExecute(newest.document))) throw error;
    }
  }
}

function isPlanExecute({ tasks }: WorkflowDocument): boolean {
  const [task, ...others] = tasks;
  return others.length === 0 && task !== undefined && 'goal' in task && task.goal === GOAL;
}
