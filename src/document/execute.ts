/** From a stored workflow and a request to a run of the workflow machine. */
import { z } from 'zod';
import type { WorkflowInput } from '../../machines/workflow/context.ts';
import { FermataError } from '../errors.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { RunParent } from '../store/store.ts';
import type { Definition } from './definition.ts';
import { faultsMessage } from './faults.ts';
import { checkInput } from './input.ts';
import { issueFaults } from './issues.ts';
import { headFields } from './schema.ts';
import type { Workflow } from './workflows.ts';

const { breadth, timeoutSeconds, onTaskFailure } = headFields.config.unwrap().shape;

/** What of a document's `config` one run may have otherwise, within the very same limits. */
export const runConfigSchema = z
  .strictObject({
    breadth: breadth.unwrap(),
    timeoutSeconds: timeoutSeconds.unwrap(),
    onTaskFailure: onTaskFailure.unwrap(),
  })
  .partial();

type RunConfig = z.infer<typeof runConfigSchema>;

/** What a run is asked for with. */
export interface ExecuteRequest {
  readonly input?: unknown;
  readonly tags?: readonly string[] | undefined;
  readonly config?: RunConfig | undefined;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
  /** The run that begins it. */
  readonly parent?: RunParent;
}

/**
 * Starts a run.
 *
 * @throws FermataError `invalidInput` or `invalidRequest` (its config) with every fault, and what `runtime.start` throws
 */
export function execute(
  runtime: Pick<Runtime, 'start'>,
  workflow: Workflow,
  definition: Definition,
  request: ExecuteRequest,
): Promise<Started> {
  const input = checkInput(definition, request.input ?? {});
  const config = checkConfig(request.config ?? {});
  const { parent } = request;
  const seconds = config.timeoutSeconds ?? definition.timeoutSeconds;
  const machineInput: Omit<WorkflowInput, 'prepared'> = {
    workflow: workflow.name,
    version: workflow.version,
    total: definition.tasks.length,
    breadth: config.breadth ?? definition.breadth,
    ...(seconds === undefined ? {} : { timeoutMs: seconds * 1_000 }),
    onTaskFailure: config.onTaskFailure ?? definition.onTaskFailure,
    ...(parent === undefined ? {} : { parent: { runId: parent.run, task: parent.task, attempt: parent.attempt } }),
  };
  return runtime.start('workflow', {
    input: machineInput,
    shownInput: input,
    tags: [...new Set([...definition.tags, ...(request.tags ?? [])])],
    workflow: { id: workflow.id, name: workflow.name, version: workflow.version },
    idempotency: request.idempotency,
    parent,
  });
}

function checkConfig(config: RunConfig): RunConfig {
  const checked = runConfigSchema.safeParse(config);
  if (checked.success) return checked.data;
  const known = Object.keys(runConfigSchema.shape);
  const faults = checked.error.issues.flatMap((issue) => issueFaults(issue, config, ['config'], known));
  throw new FermataError('invalidRequest', faultsMessage('The config of the run', faults), { faults });
}
