/**
 * Runs that tasks begin: which workflow, how deep, with what. A repeated call finds the run that it began before, so that
 * a crash in between makes no second one.
 */
import { FermataError } from '../errors.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { RunParent } from '../store/store.ts';
import type { Definition } from './definition.ts';
import { execute } from './execute.ts';
import type { WorkflowReference } from './kinds/subworkflow.ts';
import type { Workflow, Workflows } from './workflows.ts';

/** Runs below one that nobody began. */
export const MOST_DEPTH = 8;

/** What a task asks for. */
export interface ChildRequest {
  readonly parent: Omit<RunParent, 'depth'>;
  /** The same for each repeat of the same call, and for no other. */
  readonly key: string;
  readonly workflow: WorkflowReference;
  readonly input: unknown;
}

/** A run that was begun for a task, now or before. */
export interface Begun {
  readonly runId: string;
  readonly workflow: { readonly name: string; readonly version: number };
}

/** What beginning them needs. */
export interface ChildRunSurroundings {
  readonly runtime: Pick<Runtime, 'start' | 'startedBefore' | 'parentOf' | 'read'>;
  readonly workflows: Pick<Workflows, 'find' | 'definition'>;
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
  { runtime, workflows, assertRunnable }: ChildRunSurroundings,
  { parent, key, workflow: reference, input }: ChildRequest,
): Promise<Begun> {
  const idempotency = { key: `fermata.child/${key}`, bodyHash: '' };
  const before = await runtime.startedBefore(idempotency);
  if (before !== undefined) return begunBefore(runtime, before, reference);
  const depth = ((await runtime.parentOf(parent.run))?.depth ?? 0) + 1;
  if (depth > MOST_DEPTH) throw tooDeep(parent, reference);
  const workflow = await workflows.find(reference);
  if (workflow === undefined) throw workflowMissing(reference, `Task "${parent.task}"`);
  const definition = await workflows.definition(workflow.id, workflow.version);
  assertRunnable(definition);
  const request = { input, idempotency, parent: { ...parent, depth } };
  const { runId } = await execute(runtime, workflow, definition, request);
  return { runId, workflow: named(workflow) };
}

async function begunBefore(
  runtime: ChildRunSurroundings['runtime'],
  { runId }: Started,
  { name }: WorkflowReference,
): Promise<Begun> {
  const { workflow } = await runtime.read(runId);
  return { runId, workflow: named(workflow ?? { name, version: 1 }) };
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
export function workflowMissing(reference: WorkflowReference, subject: string): FermataError {
  const { name } = reference;
  const version = 'version' in reference ? reference.version : undefined;
  const which = version === undefined ? `the workflow "${name}"` : `version ${version} of the workflow "${name}"`;
  return new FermataError(
    'workflowMissing',
    `${subject} runs ${which}, which does not exist. Create it first (POST /api/v1/workflows), or write its document in place of its name.`,
    { data: { workflow: name, ...(version === undefined ? {} : { version }) } },
  );
}
