/**
 * Runs that tasks begin: which workflow, how deep, with what. A repeated call finds the run that it began before, so that
 * a crash in between makes no second one.
 */
import canonicalize from 'canonicalize';
import { FermataError } from '../errors.ts';
import type { RunView, Runtime, Started } from '../runtime/runtime.ts';
import type { RunParent } from '../store/runs.ts';
import type { Definition } from './definition.ts';
import { execute } from './execute.ts';
import type { ForkRecord } from './fork/record.ts';
import { fork, type ForkSurroundings } from './fork/request.ts';
import { checkInput } from './input.ts';
import type { WorkflowReference } from './kinds/subworkflow.ts';
import type { BudgetFor } from './shared-budgets.ts';
import type { Workflow, Workflows } from './workflows.ts';

/** Runs below one that nobody began. */
const MOST_DEPTH = 8;

/** What a task asks for. */
export interface ChildRequest {
  readonly parent: Omit<RunParent, 'depth'>;
  /** The same for each repeat of the same call, and for no other. */
  readonly key: string;
  readonly workflow: WorkflowReference;
  readonly input: unknown;
  /** A run that the task waited for in vain: what it has found is taken over, where it is of the same workflow and input. */
  readonly takesOver?: string | undefined;
}

/** A run that was begun for a task, now or before. */
export interface Begun {
  readonly runId: string;
  readonly workflow: { readonly name: string; readonly version: number };
  /** The run whose outcomes it takes over. */
  readonly forkedFrom?: string;
}

/** What beginning them needs. */
export interface ChildRunSurroundings {
  readonly runtime: Pick<Runtime, 'startedBefore' | 'parentOf'> & ForkSurroundings['runtime'];
  readonly workflows: Pick<Workflows, 'find' | 'definition'>;
  /** Which budgets a run has. */
  readonly budgetFor?: BudgetFor;
  /** Throws where a run of it could not do its work here. */
  assertRunnable(definition: Definition): void;
}

/**
 * Begins the run that a task wants.
 *
 * @throws FermataError `workflowMissing`, `tooDeep`, `invalidInput`, `invalidDocument` of an inline one, and what
 * `runtime.start` throws
 */
export async function beginChildRun(
  surroundings: ChildRunSurroundings,
  { parent, key, workflow: reference, input, takesOver }: ChildRequest,
): Promise<Begun> {
  const { runtime, workflows, assertRunnable, budgetFor } = surroundings;
  const idempotency = { key: `fermata.child/${key}`, bodyHash: '', own: true } as const;
  const known = await runtime.startedBefore(idempotency);
  if (known !== undefined) return begunBefore(runtime, known, reference);
  const depth = ((await runtime.parentOf(parent.run))?.depth ?? 0) + 1;
  if (depth > MOST_DEPTH) throw tooDeep(parent, reference);
  const workflow = await workflows.find(reference);
  if (workflow === undefined) throw workflowMissing(reference, `Task "${parent.task}"`);
  const definition = await workflows.definition(workflow.id, workflow.version);
  assertRunnable(definition);
  const begun = { idempotency, parent: { ...parent, depth } };
  const before = takesOver === undefined ? undefined : await runOf(runtime, takesOver);
  if (before !== undefined && isSame(before, workflow, checkInput(definition, input))) {
    try {
      const { runId } = await fork(surroundings, before.runId, { point: { retry: true }, ...begun });
      return { runId, workflow: named(workflow), forkedFrom: before.runId };
    } catch (thrown) {
      // Deleted while it was looked at, it is as if it had been before: the task would fail for want of what it can do without.
      if ((await runOf(runtime, before.runId)) !== undefined) throw thrown;
    }
  }
  const { runId } = await execute(runtime, workflow, definition, { input, ...begun }, budgetFor && { budgetFor });
  return { runId, workflow: named(workflow) };
}

/** A run; undefined where it has been deleted. */
async function runOf(runtime: Pick<Runtime, 'read'>, runId: string): Promise<RunView | undefined> {
  try {
    return await runtime.read(runId);
  } catch (thrown) {
    if (thrown instanceof FermataError && thrown.code === 'notFound') return undefined;
    throw thrown;
  }
}

/** Whether a run began with the same: then what it has found would be found again. A newer version may find something else. */
function isSame({ workflow, input }: RunView, { id, version }: Workflow, asked: unknown): boolean {
  return workflow?.id === id && workflow.version === version && canonicalize(input) === canonicalize(asked);
}

async function begunBefore(
  runtime: ChildRunSurroundings['runtime'],
  { runId }: Started,
  { name }: WorkflowReference,
): Promise<Begun> {
  const { workflow, fork: record } = await runtime.read(runId);
  const forkedFrom = (record as ForkRecord | undefined)?.layers[0]?.run;
  return {
    runId,
    workflow: named(workflow ?? { name, version: 1 }),
    ...(forkedFrom === undefined ? {} : { forkedFrom }),
  };
}

function named({ name, version }: Pick<Workflow, 'name' | 'version'>): Begun['workflow'] {
  return { name, version };
}

function tooDeep({ run, task }: ChildRequest['parent'], { name }: WorkflowReference): FermataError {
  return new FermataError(
    'tooDeep',
    `Task "${task}" of run ${run} runs the workflow "${name}", and ${MOST_DEPTH} runs are above it already, each begun by the one before. Expected at most ${MOST_DEPTH}: let a condition end the recursion.`,
    { data: { atMost: MOST_DEPTH } },
  );
}

/** What is said of a workflow that is not there. `subject`: who runs it. */
function workflowMissing(reference: WorkflowReference, subject: string): FermataError {
  const { name } = reference;
  const version = 'version' in reference ? reference.version : undefined;
  const which = version === undefined ? `the workflow "${name}"` : `version ${version} of the workflow "${name}"`;
  return new FermataError(
    'workflowMissing',
    `${subject} runs ${which}, which does not exist. Create it first (POST /api/v1/workflows), or write its document in place of its name.`,
    { data: { workflow: name, ...(version === undefined ? {} : { version }) } },
  );
}
