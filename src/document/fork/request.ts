/** From a request to a fork: what is asked is checked, what is taken over is written down, and the run is started. */
import type { WorkflowInput } from '../../../machines/workflow/context.ts';
import { FermataError } from '../../errors.ts';
import type { RunView, Runtime, Started } from '../../runtime/runtime.ts';
import type { RunParent } from '../../store/runs.ts';
import type { BudgetSpec, Definition, TaskSpec } from '../definition.ts';
import { inNanos, onlyOwn } from '../execute.ts';
import { ownBudgetOf, type BudgetFor } from '../shared-budgets.ts';
import { groupOf, itemOf, mapsAround } from '../growth.ts';
import type { AddedTask } from '../run-graph.ts';
import type { Workflows } from '../workflows.ts';
import { checkEdits } from './edits.ts';
import type { ForkEdit, ForkLayer, ForkPoint, ForkRecord } from './record.ts';

/** What a fork is asked for with. */
export interface ForkRequest {
  readonly point: ForkPoint;
  readonly edits?: Readonly<Record<string, ForkEdit>> | undefined;
  /** In place of the budget of the other run. What that has spent does not count here: a fork pays for what it asks itself. */
  readonly config?: { readonly budget?: BudgetSpec | undefined } | undefined;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
  /** The task that begins it, and that hears how it ends; left out: nobody. */
  readonly parent?: RunParent | undefined;
}

/** What it stands on. */
export interface ForkSurroundings {
  readonly runtime: Pick<Runtime, 'read' | 'task' | 'growth' | 'entry' | 'entryOfFact' | 'start'>;
  readonly workflows: Pick<Workflows, 'definition'>;
  /** Throws where a run of it could not do its work here. */
  assertRunnable(definition: Definition): void | Promise<void>;
  /** Throws `priceUnknown` where nobody knows what one of its models costs. */
  assertPriced?(definition: Definition): Promise<void>;
  /** Which budgets a run has. */
  readonly budgetFor?: BudgetFor;
}

/**
 * Starts a fork of a run: a new one, which takes over what the other has found up to a point and goes on from there. The
 * other is left as it is, whether it has ended or goes on.
 *
 * @example
 * await fork(fermata, runId, { point: { fromTask: 'report' }, edits: { plan: { output: ['one', 'two'] } } })
 * @throws FermataError `notFound`; `invalidRequest`, `invalidDocument` with every fault; `wrongState` of a retry where
 * there is nothing to try again; and what `runtime.start` throws
 */
export async function fork(surroundings: ForkSurroundings, runId: string, request: ForkRequest): Promise<Started> {
  const { runtime, workflows, assertRunnable } = surroundings;
  const run = await runtime.read(runId);
  const { workflow } = run;
  if (workflow === undefined)
    throw new FermataError(
      'notSupported',
      `Run ${runId} is one of the machine "${run.machine}", and only runs of workflows have tasks from which they can be forked. GET /api/v1/runs/${runId}/snapshot gives its state, and POST /api/v1/machines/{name}/runs goes on from there.`,
    );
  const { point, edits = {}, config, idempotency, parent } = request;
  const before = run.fork as ForkRecord | undefined;
  const known = await workflows.definition(workflow.id, workflow.version, before?.prompts);
  // A map that was taken over as a whole has its items where it was worked out.
  const runs = [runId, ...(before?.layers ?? []).map((layer) => layer.run)];
  const spec = async (name: string): Promise<TaskSpec | undefined> => {
    for (const one of runs) {
      const found = await specOf(runtime, one, known, name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  // Who names a task, or is one that tries again, has looked at it.
  if ('retry' in point && point.task === undefined && parent === undefined) assertRetriable(run);
  const upTo = await lastEntry(surroundings, run, point, spec);
  const prompts = await checkEdits(edits, before?.prompts ?? {}, {
    definition: known,
    spec,
    withPrompts: async (changed) => workflows.definition(workflow.id, workflow.version, changed),
  });
  const definition = await workflows.definition(workflow.id, workflow.version, prompts);
  await assertRunnable(definition);
  const named = [...taskOf(point), ...Object.keys(edits)];
  const parts = (await Promise.all(named.map(spec))).flatMap((found) => found?.part ?? []);
  const owners = parts.flatMap(({ owner }) => [owner, ...mapsAround(owner)]);
  const layers = [layerOf(run, { upTo, point, edits, owners }), ...(await stillThere(runtime, before?.layers ?? []))];
  const begun = (await runtime.entry(runId, 1)) as { readonly input: WorkflowInput } | undefined;
  if (begun === undefined)
    throw new FermataError('notFound', `Run ${runId} was deleted meanwhile. List the runs with GET /api/v1/runs.`);
  const { input } = begun;
  // A task that began its origin heard how that one ended, and does not wait for this one.
  const { prepared: _, parent: __, budget: budgeted, ...asked } = input;
  const { budgetFor = onlyOwn } = surroundings;
  const own = inNanos(config?.budget) ?? ownBudgetOf(budgeted);
  const budget = await budgetFor({ definition, own, parent: parent?.run });
  if (budget !== undefined) await surroundings.assertPriced?.(definition);
  return runtime.start('workflow', {
    input: {
      ...asked,
      ...(budget === undefined ? {} : { budget }),
      total: definition.tasks.length,
      forkedFrom: { runId, ...point },
      ...(parent === undefined ? {} : { parent: { runId: parent.run, task: parent.task, attempt: parent.attempt } }),
    } satisfies Omit<WorkflowInput, 'prepared'>,
    shownInput: run.input,
    tags: run.tags,
    workflow,
    idempotency,
    parent,
    fork: {
      record: { point, edits: withoutGaps(edits), prompts, layers } satisfies ForkRecord,
      from: layers.map((layer) => layer.run),
    },
  });
}

/** The last journal number that counts. Throws where there is no such point. */
async function lastEntry(
  { runtime }: ForkSurroundings,
  run: RunView,
  point: ForkPoint,
  spec: (name: string) => Promise<TaskSpec | undefined>,
): Promise<number> {
  if ('retry' in point) return run.seq;
  if ('fromTask' in point) {
    if ((await spec(point.fromTask)) !== undefined) return run.seq;
    throw new FermataError(
      'notFound',
      `Run ${run.runId} has no task ${JSON.stringify(point.fromTask)}. GET /api/v1/runs/${run.runId}/results lists its tasks.`,
    );
  }
  if (point.atSeq === 0) return 0;
  const entry = await runtime.entryOfFact(run.runId, point.atSeq);
  if (entry !== undefined) return entry;
  const message = `expected the number of a fact, 0 to ${run.facts}, came ${point.atSeq}`;
  throw new FermataError(
    'invalidRequest',
    `Run ${run.runId} cannot be forked there: atSeq: ${message}. GET /api/v1/runs/${run.runId}/stream gives its facts with their numbers.`,
    { faults: [{ path: 'atSeq', message }] },
  );
}

/** The task that a point names. */
function taskOf(point: ForkPoint): readonly string[] {
  if ('fromTask' in point) return [point.fromTask];
  return 'retry' in point && point.task !== undefined ? [point.task] : [];
}

/** Throws `wrongState` where all is well, or not over yet. */
function assertRetriable({ runId, status, endedAt, counts }: RunView): void {
  const { failed = 0, timedOut = 0, rejected = 0, cancelled = 0 } = counts;
  if (endedAt !== null && (status !== 'completed' || failed + timedOut + rejected + cancelled > 0)) return;
  const what =
    endedAt === null
      ? 'it has not ended, so that nothing is to be tried again yet. Cancel it first, or fork it'
      : 'all of its tasks have come to a good end. To run some of them again, fork it';
  throw new FermataError(
    'wrongState',
    `Run ${runId} is ${status}: ${what}: POST /api/v1/runs/${runId}/fork { "fromTask": … }.`,
    { data: { runStatus: status, legal: [`/api/v1/runs/${runId}/fork`] } },
  );
}

/** @param asked `owners`: tasks that work in rounds, and that have added some of those that are asked for */
function layerOf(
  { runId }: RunView,
  asked: {
    readonly upTo: number;
    readonly point: ForkPoint;
    readonly edits: Readonly<Record<string, ForkEdit>>;
    readonly owners: readonly string[];
  },
): ForkLayer {
  const { upTo, point, edits, owners } = asked;
  const named = Object.entries(edits);
  const given = named.filter(([, { output }]) => output !== undefined);
  const prompted = named.filter(([, { prompt }]) => prompt !== undefined).map(([name]) => name);
  const anew = 'fromTask' in point ? [point.fromTask, ...prompted] : prompted;
  const maps = [...anew, ...taskOf(point), ...given.map(([name]) => name)].flatMap(mapsAround);
  const again = 'retry' in point ? taskOf(point) : [];
  return {
    run: runId,
    upTo,
    anew: [...new Set(anew)],
    opened: [...new Set([...again, ...maps, ...owners])],
    ...('retry' in point && point.task === undefined ? { isRetry: true as const } : {}),
    ...('atSeq' in point ? { wholeRuns: true as const } : {}),
    outputs: Object.fromEntries(given.map(([name, { output }]) => [name, output])),
  };
}

/** Runs behind the origin may have been deleted since it ended: from the first such one on, nothing is taken over. */
async function stillThere(runtime: Pick<Runtime, 'read'>, layers: readonly ForkLayer[]): Promise<readonly ForkLayer[]> {
  const found: ForkLayer[] = [];
  for (const layer of layers) {
    try {
      await runtime.read(layer.run);
    } catch (thrown) {
      if (thrown instanceof FermataError && thrown.code === 'notFound') return found;
      throw thrown;
    }
    found.push(layer);
  }
  return found;
}

/** A task of the run: of its document, one that joined it, or an item. */
async function specOf(
  runtime: ForkSurroundings['runtime'],
  runId: string,
  { tasks }: Definition,
  name: string,
): Promise<TaskSpec | undefined> {
  const written = tasks.find((task) => task.name === name);
  if (written !== undefined) return written;
  const specSeq = (await runtime.growth(runId, name))?.specSeq ?? null;
  if (specSeq !== null) return ((await runtime.entry(runId, specSeq)) as AddedTask).spec;
  const item = itemOf(name);
  if (item === undefined) return undefined;
  const growth = await runtime.growth(runId, item.map);
  const map = await specOf(runtime, runId, { tasks } as Definition, item.map);
  if (growth === undefined || map === undefined || item.index >= (groupOf(growth)?.total ?? 0)) return undefined;
  return map.call.kind === 'map' || map.call.kind === 'reduce' ? { ...map.call.task, name, position: -1 } : undefined;
}

function withoutGaps(edits: Readonly<Record<string, ForkEdit>>): Readonly<Record<string, ForkEdit>> {
  return JSON.parse(JSON.stringify(edits)) as Readonly<Record<string, ForkEdit>>;
}
