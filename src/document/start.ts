/** From a document of a program to a run of it, in one step: what `fermata run FILE` does, for programs that embed us. */
import canonicalize from 'canonicalize';
import { FermataError, type Fault } from '../errors.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { Definition } from './definition.ts';
import { execute, type Beforehand, type ExecuteRequest } from './execute.ts';
import { faultsMessage } from './faults.ts';
import type { WorkflowDocument } from './schema.ts';
import type { Workflow, Workflows } from './workflows.ts';

/** Processes that store a document of one name at the same moment are few. */
const ATTEMPTS = 3;

/** What it stands on. */
export interface StartSurroundings extends Beforehand {
  readonly runtime: Pick<Runtime, 'start' | 'startedBefore'>;
  readonly workflows: Workflows;
  /** Throws where a run of it could not do its work here. */
  assertRunnable(definition: Definition, config?: ExecuteRequest['config']): Promise<void>;
}

/** What a program may say of the run that it starts. Whose run it is, only the task can say that begins it. */
export type StartRequest = Omit<ExecuteRequest, 'parent'>;

const FIELDS = ['input', 'tags', 'config', 'idempotency'] satisfies (keyof StartRequest)[];
const IDEMPOTENCY = ['key', 'bodyHash'] satisfies (keyof NonNullable<StartRequest['idempotency']>)[];

/**
 * Starts a run of a document, or of the newest version of a stored one by its name. A document is stored under its name
 * where it is new, and as a new version where it says something else than the newest one; runs in flight keep theirs.
 *
 * @throws FermataError `invalidRequest` for a field that is not known; what `Workflows.create` and `execute` throw;
 * `notFound`; `providerMissing`, `functionMissing` or `invalidArgument` where the run could not do its work here
 */
export async function startWorkflow(
  { runtime, workflows, assertRunnable, ...beforehand }: StartSurroundings,
  workflow: WorkflowDocument | string,
  request: StartRequest = {},
): Promise<Started> {
  assertKnown(request);
  // First of all: what was started stays started, whatever has become of the document since.
  const before = await runtime.startedBefore(request.idempotency);
  if (before !== undefined) return before;
  const stored = typeof workflow === 'string' ? await named(workflows, workflow) : await kept(workflows, workflow);
  const definition = await workflows.definition(stored.id, stored.version);
  await assertRunnable(definition, request.config);
  return execute(runtime, stored, definition, request, beforehand);
}

/** A program without types may say anything, and what is not read would be dropped in silence. */
function assertKnown(request: StartRequest): void {
  const faults = [
    ...unknownIn(request, FIELDS, ''),
    ...unknownIn(request.idempotency ?? {}, IDEMPOTENCY, 'idempotency.'),
  ];
  if (faults.length > 0)
    throw new FermataError('invalidRequest', faultsMessage('The request to start a run', faults), { faults });
}

function unknownIn(given: object, known: readonly string[], at: string): readonly Fault[] {
  return Object.keys(given)
    .filter((field) => !known.includes(field))
    .map((field) => ({ path: `${at}${field}`, message: `is not known; these are: ${known.join(', ')}` }));
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
