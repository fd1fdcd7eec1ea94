/** From a stored workflow and a request to a run of the workflow machine. */
import { z } from 'zod';
import type { WorkflowInput } from '../../machines/workflow/context.ts';
import { nanosOf } from '../cost/money.ts';
import { FermataError } from '../errors.ts';
import type { Runtime, Started } from '../runtime/runtime.ts';
import type { RunParent } from '../store/runs.ts';
import type { Definition } from './definition.ts';
import { faultsMessage } from './faults.ts';
import { checkInput } from './input.ts';
import { issueFaults } from './issues.ts';
import { headFields } from './schema.ts';
import type { Foresee } from './preflight.ts';
import type { BudgetFor, OwnBudget } from './shared-budgets.ts';
import type { Workflow } from './workflows.ts';

const { breadth, timeoutSeconds, onTaskFailure, budget } = headFields.config.unwrap().shape;

/** What of a document's `config` one run may have otherwise, within the very same limits. */
export const runConfigSchema = z
  .strictObject({
    breadth: breadth.unwrap(),
    timeoutSeconds: timeoutSeconds.unwrap(),
    onTaskFailure: onTaskFailure.unwrap(),
    budget: budget.unwrap(),
  })
  .partial();

/** What of it a run may have otherwise that goes on from another one: what is to be found stays what it is. */
export const forkConfigSchema = runConfigSchema.pick({ budget: true });

export type RunConfig = z.infer<typeof runConfigSchema>;

/** What a run is asked for with. */
export interface ExecuteRequest {
  readonly input?: unknown;
  readonly tags?: readonly string[] | undefined;
  readonly config?: RunConfig | undefined;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
  /** The run that begins it. */
  readonly parent?: RunParent;
}

/** What is found out before a run begins. */
export interface Beforehand {
  /** Says what it will cost, and refuses what cannot be paid for; default: nobody looks ahead. */
  readonly foresee?: Foresee;
  /** Says which budgets it has; default: its own. */
  readonly budgetFor?: BudgetFor;
}

/**
 * Starts a run.
 *
 * @throws FermataError `budgetTooSmall`; `invalidInput` or `invalidRequest` (its config) with every fault, and what `runtime.start` throws
 */
export async function execute(
  runtime: Pick<Runtime, 'start'>,
  workflow: Workflow,
  definition: Definition,
  request: ExecuteRequest,
  { foresee, budgetFor }: Beforehand = {},
): Promise<Started> {
  const input = checkInput(definition, request.input ?? {});
  const config = checkConfig(request.config ?? {});
  const { parent } = request;
  const seconds = config.timeoutSeconds ?? definition.timeoutSeconds;
  const own = inNanos(config.budget ?? definition.budget);
  const budget = await (budgetFor ?? onlyOwn)({ definition, own, parent: parent?.run });
  const estimate = await foresee?.(definition, input, budget);
  const machineInput: Omit<WorkflowInput, 'prepared'> = {
    workflow: workflow.name,
    version: workflow.version,
    total: definition.tasks.length,
    breadth: config.breadth ?? definition.breadth,
    ...(seconds === undefined ? {} : { timeoutMs: seconds * 1_000 }),
    onTaskFailure: config.onTaskFailure ?? definition.onTaskFailure,
    ...(budget === undefined ? {} : { budget }),
    ...(estimate === undefined ? {} : { estimate }),
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

/** The budget of a run by itself. */
export function inNanos(budget: Definition['budget']): OwnBudget | undefined {
  if (budget === undefined) return undefined;
  const { maxCostDollars, warnAtDollars } = budget;
  return {
    limit: nanosOf(maxCostDollars, 'budget.maxCostDollars'),
    ...(warnAtDollars === undefined ? {} : { warnAt: nanosOf(warnAtDollars, 'budget.warnAtDollars') }),
  };
}

/** Where nobody knows of other ones. */
export const onlyOwn: BudgetFor = ({ own }) => Promise.resolve(own);
/**
 * A definition as a run of it with another config would have it: what is said before a run is of that.
 *
 * @throws FermataError `invalidRequest` with every fault of the config
 */
export function configured(definition: Definition, config: RunConfig = {}): Definition {
  const {
    breadth: slots = definition.breadth,
    onTaskFailure: onFailure = definition.onTaskFailure,
    ...asked
  } = checkConfig(config);
  return {
    ...definition,
    breadth: slots,
    onTaskFailure: onFailure,
    timeoutSeconds: asked.timeoutSeconds ?? definition.timeoutSeconds,
    budget: asked.budget ?? definition.budget,
  };
}

function checkConfig(config: RunConfig): RunConfig {
  const checked = runConfigSchema.safeParse(config);
  if (checked.success) return checked.data;
  const known = Object.keys(runConfigSchema.shape);
  const faults = checked.error.issues.flatMap((issue) => issueFaults(issue, config, ['config'], known));
  throw new FermataError('invalidRequest', faultsMessage('The config of the run', faults), { faults });
}
