/** From a stored workflow and a request to a run of the workflow machine. */
import { z } from 'zod';
import type { WorkflowInput } from '../../machines/workflow.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { Definition } from './definition.ts';
import { checkInput } from './input.ts';
import type { Workflow } from './workflows.ts';

/** What of a document's `config` one run may have otherwise. */
export const runConfigSchema = z
  .strictObject({
    breadth: z.int().min(1).max(1_000),
    timeoutSeconds: z.number().min(0.001),
    onTaskFailure: z.enum(['stop', 'continue']),
  })
  .partial();

/** What a run is asked for with. */
export interface ExecuteRequest {
  readonly input?: unknown;
  readonly tags?: readonly string[] | undefined;
  readonly config?: z.infer<typeof runConfigSchema> | undefined;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
}

/** Starts a run. Throws `invalidInput` with every fault, and what `runtime.start` throws. */
export function execute(
  runtime: Pick<Runtime, 'start'>,
  workflow: Workflow,
  definition: Definition,
  request: ExecuteRequest,
): Promise<Started> {
  const input = checkInput(definition, request.input ?? {});
  const { config = {} } = request;
  const timeoutSeconds = config.timeoutSeconds ?? definition.timeoutSeconds;
  const machineInput: Omit<WorkflowInput, 'prepared'> = {
    workflow: workflow.name,
    version: workflow.version,
    total: definition.tasks.length,
    breadth: config.breadth ?? definition.breadth,
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
    onTaskFailure: config.onTaskFailure ?? definition.onTaskFailure,
  };
  return runtime.start('workflow', {
    input: machineInput,
    shownInput: input,
    tags: [...new Set([...definition.tags, ...(request.tags ?? [])])],
    workflow: { id: workflow.id, name: workflow.name, version: workflow.version },
    idempotency: request.idempotency,
  });
}
