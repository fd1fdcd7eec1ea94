/** Tasks of a run as the API shows them: rows where there are any, the document for the rest, in document order. */
import { z } from '@hono/zod-openapi';
import { NOTHING } from '../document/costs.ts';
import type { Definition } from '../document/definition.ts';
import type { ForkRecord } from '../document/fork/record.ts';
import { groupOf, itemOf } from '../document/growth.ts';
import { graphOf } from '../document/graph.ts';
import { isSettled } from '../document/task-status.ts';
import { dollarsOf } from '../cost/money.ts';
import { FermataError } from '../errors.ts';
import type { RunView } from '../runtime/runtime.ts';
import type { Spent } from '../store/ledger.ts';
import type { TaskRow, TaskStatus } from '../store/tasks.ts';
import { choiceSchema } from './choice-view.ts';
import { costDollarsSchema, costView, keepsCosts, unknownCallsSchema } from './cost-view.ts';
import { reusedSchema } from './fork-view.ts';
import { iso, toJson } from './json.ts';
import { toCursor } from './page.ts';
import type { Viewed } from './router.ts';

export const taskStatusSchema = z
  .enum([
    'pending',
    'awaitingApproval',
    'running',
    'retrying',
    'inDoubt',
    'completed',
    'failed',
    'timedOut',
    'skipped',
    'rejected',
    'cancelled',
  ])
  .openapi('TaskStatus');

const usageSchema = z.looseObject({ inputTokens: z.int(), outputTokens: z.int(), totalTokens: z.int() });

/** One task of a run. */
export const taskSchema = z
  .object({
    name: z.string(),
    parent: z.string().optional().describe('The task that added it to the run, or whose item it is'),
    description: z.string().nullable(),
    status: taskStatusSchema,
    output: z.unknown(),
    error: z
      .looseObject({ code: z.string(), message: z.string() })
      .nullable()
      .describe('The last one, also of an attempt that was repeated'),
    reason: z.string().optional().describe('Why it was skipped or cancelled'),
    warning: z.string().optional().describe('What was cut off of the tasks that it wanted to add, or left undone'),
    rounds: z.int().optional().describe('Of a task that works in rounds: how many were begun'),
    limitReached: z.boolean().optional().describe('Its rounds were over before its goal was reached'),
    condition: z
      .object({
        task: z.string().optional().describe('The condition that did not choose it'),
        expression: z.string().optional(),
        predicate: z.string().optional(),
        values: z.record(z.string(), z.unknown()).optional().describe('What it read, long values cut'),
      })
      .optional()
      .describe('What decided that it was skipped, or what it decided itself'),
    reused: reusedSchema.optional(),
    edited: z.literal(true).optional().describe('Its output was given when the run was forked: it did not run'),
    childRunId: z.string().optional().describe('The run that it began: a sub-workflow'),
    attempts: z.int(),
    usage: usageSchema.nullable().describe('Tokens, as the provider counted them'),
    model: z.string().optional().describe('The model that answered'),
    choice: choiceSchema.optional().describe('Where it had several to choose from'),
    requestId: z.string().optional().describe("The provider's"),
    finishReason: z.string().optional(),
    wasInDoubt: z.boolean().optional().describe('A crash cut one of its calls off'),
    costDollars: costDollarsSchema.describe(
      'US dollars, of all its attempts, with the run that it began; null: not known',
    ),
    unknownCalls: unknownCallsSchema.optional(),
    cacheHit: z
      .boolean()
      .describe('Its answer was kept from an earlier call, or is that of a task which asked the same'),
    similarity: z.number().optional().describe('Of the two questions, where it was found; 1: the very same'),
    matchedPrompt: z.string().optional().describe('How the similar question begins whose answer it is'),
    inFlight: z.literal(true).optional().describe('It waited for a task that was asking the same at that time'),
    costSavedDollars: costDollarsSchema.optional().describe('What the call cost whose answer it is; null: not known'),
    startedAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
  })
  .openapi('Task');

/** A task as the API shows it. */
export type TaskView = z.infer<typeof taskSchema>;

/** What rows keep beside the columns. */
interface Detail {
  readonly description?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly data?: { readonly usage?: unknown } };
  readonly reason?: string;
  readonly warning?: string;
  readonly rounds?: number;
  readonly limitReached?: boolean;
  readonly parent?: string;
  readonly condition?: NonNullable<TaskView['condition']>;
  readonly usage?: TaskView['usage'];
  readonly model?: string;
  readonly choice?: NonNullable<TaskView['choice']>;
  readonly requestId?: string;
  readonly finishReason?: string;
  readonly inDoubt?: boolean;
  readonly reused?: TaskView['reused'];
  readonly edited?: true;
  readonly childRunId?: string;
  readonly cacheHit?: boolean;
  readonly similarity?: number;
  readonly matchedPrompt?: string;
  readonly inFlight?: true;
  readonly costSavedNanos?: number | null;
}

/** The definition that a run executes: of a fork, with its prompts. Throws `notFound` for a run of a user's machine. */
export async function definitionOf(
  { workflows }: Pick<Viewed, 'workflows'>,
  { runId, workflow, machine, fork }: RunView,
): Promise<Definition> {
  const { prompts } = (fork ?? {}) as Partial<ForkRecord>;
  if (workflow !== undefined) return workflows.definition(workflow.id, workflow.version, prompts);
  throw new FermataError(
    'notFound',
    `Run ${runId} is one of the machine "${machine}" and has no tasks. GET /api/v1/runs/${runId}/snapshot shows its actors.`,
  );
}

/** Throws `notFound` where a run has no such task, not even one that joined it. */
export async function assertTask(fermata: Viewed, run: RunView, name: string): Promise<void> {
  if (graphOf(await definitionOf(fermata, run)).has(name)) return;
  const { runtime } = fermata;
  if ((await runtime.task(run.runId, name)) !== undefined) return;
  // An item that has not begun has no row of its own.
  const item = itemOf(name);
  const growth = item && (await runtime.growth(run.runId, item.map));
  if (item !== undefined && growth !== undefined && item.index < (groupOf(growth)?.total ?? 0)) return;
  throw new FermataError(
    'notFound',
    `Run ${run.runId} has no task ${JSON.stringify(name)}. GET /api/v1/runs/${run.runId}/results lists its tasks.`,
  );
}

/** The status of a task of which rows may say nothing, or nothing any more: a run that ended took it along. */
export function statusOf(row: TaskRow | undefined, run: RunView): TaskStatus {
  const status = row?.status ?? 'pending';
  return run.endedAt !== null && !isSettled(status) ? 'cancelled' : status;
}

/**
 * A page of tasks: those of the document in its order, then those that joined the run, in the order in which they did.
 * Costs what the page costs, however long the document is.
 */
export async function taskPage(
  fermata: Viewed,
  run: RunView,
  page: { readonly limit: number; readonly after: number | undefined },
): Promise<{ tasks: TaskView[]; nextCursor: string | null }> {
  if (run.workflow === undefined) return { tasks: [], nextCursor: null };
  const definition = await definitionOf(fermata, run);
  const begin = (page.after ?? -1) + 1;
  const written = definition.tasks.slice(begin, begin + page.limit);
  const rows = await fermata.runtime.tasks(
    run.runId,
    page.after === undefined ? { limit: page.limit } : { limit: page.limit, after: page.after },
  );
  const byName = new Map(rows.map((row) => [row.name, row]));
  const joined = rows.filter(({ position }) => position >= definition.tasks.length);
  const shown: readonly ShownTask[] = [...written, ...joined].slice(0, page.limit);
  const withOutput = definition.collectIntermediate || run.endedAt === null;
  const spent = await fermata.costs.ofTasks(
    run.runId,
    shown.map(({ name }) => name),
  );
  const tasks = await Promise.all(
    shown.map((task) =>
      taskView(fermata, run, task, byName.get(task.name), {
        withOutput,
        isJoined: task.position >= definition.tasks.length,
        cost: taskCost(run, spent.get(task.name)),
      }),
    ),
  );
  const last = shown.at(-1);
  const total = Math.max(definition.tasks.length, run.counts['total'] ?? 0);
  const isLast = last === undefined || last.position + 1 >= total || shown.length < page.limit;
  return { tasks, nextCursor: isLast ? null : toCursor('tasks', last.position) };
}

/** What is shown of a task that no row says: a task of the document, or one that joined. */
interface ShownTask {
  readonly name: string;
  readonly position: number;
  readonly description?: string | undefined;
}

async function taskView(
  { runtime }: Viewed,
  run: RunView,
  spec: ShownTask,
  row: TaskRow | undefined,
  {
    withOutput,
    isJoined,
    cost,
  }: {
    readonly withOutput: boolean;
    readonly isJoined: boolean;
    readonly cost: Pick<TaskView, 'costDollars' | 'unknownCalls'>;
  },
): Promise<TaskView> {
  const detail = (row === undefined || row.detailJson === null ? {} : JSON.parse(row.detailJson)) as Detail;
  const { model, requestId, finishReason, reason, condition, inDoubt, warning, reused, edited, childRunId } = detail;
  const { rounds, limitReached, choice } = detail;
  const parent = detail.parent ?? itemOf(spec.name)?.map;
  const fact =
    withOutput && row !== undefined && row.resultSeq !== null
      ? ((await runtime.entry(run.runId, row.resultSeq)) as { readonly result?: unknown })
      : {};
  return {
    name: spec.name,
    ...(parent === undefined || !isJoined ? {} : { parent }),
    description: detail.description ?? (spec.description?.includes('{') === true ? null : (spec.description ?? null)),
    status: statusOf(row, run),
    output: toJson(fact.result) ?? null,
    error: detail.error ?? null,
    ...(reason === undefined ? {} : { reason }),
    ...(warning === undefined ? {} : { warning }),
    ...(rounds === undefined ? {} : { rounds }),
    ...(limitReached === undefined ? {} : { limitReached }),
    ...(condition === undefined ? {} : { condition }),
    ...(reused === undefined ? {} : { reused }),
    ...(edited === undefined ? {} : { edited }),
    ...(childRunId === undefined ? {} : { childRunId }),
    attempts: row?.attempts ?? 0,
    usage: detail.usage ?? usageOf(detail.error) ?? null,
    ...(model === undefined ? {} : { model }),
    ...(choice === undefined ? {} : { choice }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(finishReason === undefined ? {} : { finishReason }),
    ...(inDoubt === true ? { wasInDoubt: true } : {}),
    ...(reused === undefined && edited === undefined ? cost : { costDollars: 0 }),
    ...cacheView(detail, reused !== undefined),
    startedAt: iso(row?.startedAt ?? null),
    endedAt: iso(row?.endedAt ?? null),
  };
}

/** What the cache had for it. What another run found there is no hit of this one. */
function cacheView(
  { cacheHit = false, similarity, matchedPrompt, inFlight, costSavedNanos = null }: Detail,
  isReused: boolean,
): Pick<TaskView, 'cacheHit' | 'similarity' | 'matchedPrompt' | 'inFlight' | 'costSavedDollars'> {
  if (!cacheHit || isReused) return { cacheHit: false };
  return {
    cacheHit,
    ...(similarity === undefined ? {} : { similarity }),
    ...(matchedPrompt === undefined ? {} : { matchedPrompt }),
    ...(inFlight === undefined ? {} : { inFlight }),
    costSavedDollars: costSavedNanos === null ? null : dollarsOf(costSavedNanos),
  };
}

/** What a task cost, all its attempts together. */
function taskCost(run: RunView, spent: Spent = NOTHING): Pick<TaskView, 'costDollars' | 'unknownCalls'> {
  const { unknownCalls } = spent;
  if (!keepsCosts(run)) return { costDollars: null };
  return { ...costView(spent), ...(unknownCalls === 0 ? {} : { unknownCalls }) };
}

/** What the call that failed had used by then: its error tells it. */
function usageOf(error: Detail['error']): TaskView['usage'] | undefined {
  return usageSchema.safeParse(error?.data?.usage).data;
}
