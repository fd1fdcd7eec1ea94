/** From a document of a program to a run of it, in one step: what `fermata run FILE` does, for programs that embed us. */
import canonicalize from 'canonicalize';
import { FermataError } from '../errors.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { Definition } from './definition.ts';
import { execute, type ExecuteRequest } from './execute.ts';
import type { WorkflowDocument } from './schema.ts';
import type { Workflow, Workflows } from './workflows.ts';

/** Processes that store a document of one name at the same moment are few. */
const ATTEMPTS = 3;

/** What it stands on. */
export interface StartSurroundings {
  readonly runtime: Pick<Runtime, 'start' | 'startedBefore'>;
  readonly workflows: Workflows;
  /** Throws where a run of it could not do its work here. */
  assertRunnable(definition: Definition): Promise<void>;
}

/**
 * Starts a run of a document, or of the newest version of a stored one by its name. A document is stored under its name
 * where it is new, and as a new version where it says something else than the newest one; runs in flight keep theirs.
 *
 * @throws FermataError what `Workflows.create` and `execute` throw; `notFound`; `providerMissing`, `functionMissing` or
 * `invalidArgument` where the run could not do its work here
 */
export async function startWorkflow(
  { runtime, workflows, assertRunnable }: StartSurroundings,
  workflow: WorkflowDocument | string,
  request: ExecuteRequest = {},
): Promise<Started> {
  // First of all: what was started stays started, whatever has become of the document since.
  const before = await runtime.startedBefore(request.idempotency);
  if (before !== undefined) return before;
  const stored = typeof workflow === 'string' ? await named(workflows, workflow) : await kept(workflows, workflow);
  const definition = await workflows.definition(stored.id, stored.version);
  await assertRunnable(definition);
  return execute(runtime, stored, definition, request);
}

async function named(workflows: Workflows, name: string): Promise<Workflow> {
  const found = await workflows.byName(name);
  if (found !== undefined) return found;
  throw new FermataError(
    'notFound',
    `No workflow named ${JSON.stringify(name)} is stored. Give its document, or store it with workflows.create().`,
  );
}

async function kept(workflows: Workflows, document: WorkflowDocument): Promise<Workflow> {
  for (let attempt = 1; ; attempt++) {
    const newest = await workflows.byName(document.name);
    try {
      if (newest === undefined) return await workflows.create(document);
      if (canonicalize(newest.document) === canonicalize(document)) return newest;
      return await workflows.addVersion(newest.id, document);
    } catch (error) {
      const isTaken = error instanceof FermataError && error.code === 'alreadyExists';
      if (!isTaken || attempt === ATTEMPTS) throw error;
    }
  }
}
