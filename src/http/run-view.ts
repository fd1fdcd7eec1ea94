/** Runs as the API shows them. */
import { z } from '@hono/zod-openapi';
import { NOTHING, plus } from '../document/costs.ts';
import { FermataError } from '../errors.ts';
import type { RunView } from '../runtime/runtime.ts';
import { budgetSchema, budgetView } from './budget-view.ts';
import { childrenSchema, childrenView, parentSchema, parentView } from './child-view.ts';
import {
  costDollarsSchema,
  runCost,
  runEstimate,
  runCache,
  runCacheSchema,
  runEstimateSchema,
  spentSchema,
  spentView,
  unknownCallsSchema,
} from './cost-view.ts';
import { etaFields, etaView } from './eta-view.ts';
import { forkFields, forksOf } from './fork-view.ts';
import { iso, toJson } from './json.ts';
import { listOf, pageQuery } from './page.ts';
import { fields, type Viewed } from './router.ts';
import { runStatusSchema } from './run-status.ts';
import { taskPage, taskSchema } from './task-view.ts';

const TASKS_SHOWN = 100;

/** Why a run failed or was cancelled. */
const reasonSchema = z.looseObject({ code: z.string(), message: z.string() });
const date = z.iso.datetime();
const progress = z.int().min(0).max(100).describe('Never falls');
const links = z.record(z.string(), z.string());

/** How many tasks there are in each state that counts; `open` have not ended. */
const taskCountsSchema = z
  .object({
    total: z.int(),
    open: z.int(),
    awaitingApproval: z.int(),
    completed: z.int(),
    failed: z.int(),
    timedOut: z.int(),
    skipped: z.int(),
    rejected: z.int(),
    cancelled: z.int(),
    retries: z.int(),
  })
  .openapi('TaskCounts');

/** A run in lists. */
const runSummarySchema = z
  .object({
    runId: z.string(),
    workflow: z
      .object({ id: z.string(), name: z.string(), version: z.int() })
      .nullable()
      .describe("null: a run of a user's machine"),
    machine: z.string(),
    parent: parentSchema,
    tags: z.array(z.string()),
    status: runStatusSchema,
    reason: reasonSchema.optional(),
    blocked: reasonSchema
      .optional()
      .describe(
        'Why it cannot go on: quarantined, its machine is missing, its row is damaged, or a call of it cannot be made here',
      ),
    progress,
    createdAt: date,
    startedAt: date.nullable(),
    endedAt: date.nullable(),
  })
  .openapi('RunSummary');

/** A page of runs. */
export const runListSchema = listOf(runSummarySchema);

/** A run in full. */
export const runSchema = runSummarySchema
  .extend({
    state: z.unknown().optional().describe("State value of a user's machine"),
    input: z.unknown(),
    output: z.unknown(),
    taskCounts: taskCountsSchema,
    tasks: z.array(taskSchema).describe('The first 100, in document order; the others with GET …/results'),
    nextCursor: z.string().nullable().describe('Of GET …/results'),
    children: childrenSchema(runStatusSchema),
    costDollars: costDollarsSchema,
    unknownCalls: unknownCallsSchema,
    estimate: runEstimateSchema,
    cache: runCacheSchema,
    withChildren: spentSchema
      .optional()
      .describe('What it cost with the runs that its tasks began, and all below them'),
    budget: budgetSchema,
    ...etaFields,
    ...forkFields,
    acceptedEvents: z.array(z.string()).describe('What POST …/events takes now'),
    seq: z.int().describe('Last journal number'),
    links,
  })
  .openapi('Run');

/** The short answer of `…/status`. */
export const statusSchema = z
  .object({
    runId: z.string(),
    status: runStatusSchema,
    reason: reasonSchema.optional(),
    progress,
    tasks: taskCountsSchema,
    costDollars: costDollarsSchema,
    unknownCalls: unknownCallsSchema,
    estimate: runEstimateSchema,
    cache: runCacheSchema,
    budget: budgetSchema,
    ...etaFields,
  })
  .openapi('RunProgress');

/** What `…/results` takes. The output of a run can be long, and whoever reads page after page needs it once. */
export const resultsQuery = fields({
  ...pageQuery,
  output: z
    .enum(['true', 'false'])
    .default('true')
    .transform((text) => text === 'true')
    .openapi({ description: "false: without the run's output", enum: ['true', 'false'], default: 'true' }),
});
/** The answer of `…/results`. */
export const resultsSchema = z
  .object({
    runId: z.string(),
    status: runStatusSchema,
    output: z.unknown().optional(),
    tasks: z.array(taskSchema),
    nextCursor: z.string().nullable(),
  })
  .openapi('RunResults');

/** What starts a run answers. */
export const startedSchema = z.object({ runId: z.string(), status: runStatusSchema, links }).openapi('Started');
/** What commands answer. */
export const commandSchema = z.object({ runId: z.string(), status: runStatusSchema }).openapi('CommandTaken');

/** Where everything about a run is. */
export function linksOf(runId: string): Record<string, string> {
  const self = `/api/v1/runs/${runId}`;
  return {
    self,
    status: `${self}/status`,
    results: `${self}/results`,
    shared: `${self}/shared`,
    calls: `${self}/calls`,
    stream: `${self}/stream`,
    journal: `${self}/journal`,
    why: `${self}/why`,
    graph: `${self}/graph`,
    cancel: `${self}/cancel`,
    fork: `${self}/fork`,
    retry: `${self}/retry`,
  };
}

/** Why a run cannot go on, as the API says it. */
export function blockedBy(error: Error): { code: string; message: string } {
  return { code: 'code' in error ? String(error.code) : 'internal', message: error.message };
}

/** A run in a list. */
export function runSummary(run: RunView): z.infer<typeof runSummarySchema> {
  return {
    runId: run.runId,
    workflow: run.workflow ?? null,
    machine: run.machine,
    ...parentView(run),
    tags: [...run.tags],
    status: run.status,
    ...reasonOf(run),
    ...(run.blocked === undefined ? {} : { blocked: blockedBy(run.blocked) }),
    progress: run.progress,
    createdAt: iso(run.createdAt),
    startedAt: iso(run.startedAt),
    endedAt: iso(run.endedAt),
  };
}

/** A run in full, with its first tasks. Throws `notFound`. */
export async function runDetail(
  { fermata }: { readonly fermata: Viewed },
  runId: string,
): Promise<z.infer<typeof runSchema>> {
  const run = await fermata.runtime.read(runId);
  const { tasks, nextCursor } = await taskPage(fermata, run, { limit: TASKS_SHOWN, after: undefined });
  const own = run.workflow === undefined ? await machineState(fermata, runId) : {};
  return {
    ...runSummary(run),
    ...own,
    input: toJson(run.input),
    output: toJson(run.output),
    taskCounts: taskCounts(run),
    tasks,
    nextCursor,
    ...(await childrenView(fermata.runtime, run)),
    ...runCost(run),
    ...runEstimate(run),
    ...runCache(run),
    ...(await withChildren(fermata, run)),
    ...(await unlessBlocked(async () => withBudget(await budgetView(fermata.runtime, runId)), {})),
    ...etaView(await fermata.etas.of(run)),
    acceptedEvents: await unlessBlocked(async () => [...(await fermata.runtime.acceptedEvents(runId))], []),
    ...(await forksOf(fermata.runtime, run)),
    seq: run.seq,
    links: linksOf(runId),
  };
}

/** What its budget is at; nothing where it has none. */
function withBudget(budget: z.infer<typeof budgetSchema>): { budget?: NonNullable<z.infer<typeof budgetSchema>> } {
  return budget === undefined ? {} : { budget };
}

/** What a run cost with all that is below it; nothing where it has begun no run that cost anything. */
async function withChildren(
  { costs }: Viewed,
  { runId }: RunView,
): Promise<{ withChildren?: z.infer<typeof spentSchema> }> {
  const below = await costs.below(runId);
  if (below === undefined) return {};
  return { withChildren: spentView(plus((await costs.own(runId)) ?? NOTHING, below)) };
}

/** How far a run is. Throws `notFound`. */
export async function runProgress(
  { fermata }: { readonly fermata: Viewed },
  runId: string,
): Promise<z.infer<typeof statusSchema>> {
  const run = await fermata.runtime.read(runId);
  return {
    runId,
    status: run.status,
    ...reasonOf(run),
    progress: run.progress,
    tasks: taskCounts(run),
    ...runCost(run),
    ...runEstimate(run),
    ...runCache(run),
    ...(await unlessBlocked(async () => withBudget(await budgetView(fermata.runtime, runId)), {})),
    ...etaView(await fermata.etas.of(run)),
  };
}

/** Output of a run and of its tasks, a page of them. Throws `notFound`. */
export async function runResults(
  { fermata }: { readonly fermata: Viewed },
  runId: string,
  page: { readonly limit: number; readonly after: number | undefined; readonly output: boolean },
): Promise<z.infer<typeof resultsSchema>> {
  const run = await fermata.runtime.read(runId);
  const output = page.output ? { output: toJson(run.output) ?? null } : {};
  return { runId, status: run.status, ...output, ...(await taskPage(fermata, run, page)) };
}

function taskCounts({ counts, endedAt }: RunView): z.infer<typeof taskCountsSchema> {
  const {
    total = 0,
    settled = 0,
    approvals = 0,
    completed = 0,
    failed = 0,
    timedOut = 0,
    skipped = 0,
    rejected = 0,
    cancelled = 0,
    retries = 0,
  } = counts;
  // What had not begun when a run ended was cancelled with it, without a fact of its own.
  const neverBegun = endedAt === null ? 0 : total - settled;
  return {
    total,
    open: total - settled - neverBegun,
    awaitingApproval: approvals,
    completed,
    failed,
    timedOut,
    skipped,
    rejected,
    cancelled: cancelled + neverBegun,
    retries,
  };
}

function reasonOf({ reason }: RunView): { reason?: z.infer<typeof reasonSchema> } {
  return reason === undefined ? {} : { reason: { ...reason } };
}

function machineState(fermata: Viewed, runId: string): Promise<{ state?: unknown }> {
  return unlessBlocked<{ state?: unknown }>(
    async () => ({ state: toJson((await fermata.runtime.snapshot(runId)).snapshot.value) }),
    {},
  );
}

/** A run whose machine is not registered here is shown all the same. */
async function unlessBlocked<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof FermataError && thrown.code === 'machineMissing') return otherwise;
    throw thrown;
  }
}
