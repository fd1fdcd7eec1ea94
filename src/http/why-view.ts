/** Why a run does not go on: for every task that is not settled what it waits for, until when, and what would move it. */
import { z } from '@hono/zod-openapi';
import type { Definition, TaskSpec } from '../document/definition.ts';
import { graphOf } from '../document/graph.ts';
import { partOfRow } from '../document/rounds.ts';
import { itemOf } from '../document/growth.ts';
import type { WaitSpec } from '../document/kinds/wait.ts';
import { isSettled } from '../document/task-status.ts';
import type { Reads } from '../runtime/reads.ts';
import type { RunView } from '../runtime/runtime.ts';
import type { AddedTask } from '../document/run-graph.ts';
import { childAddress } from '../runtime/xstate.ts';
import type { TaskRow } from '../store/tasks.ts';
import { movesWaiting } from './budget-view.ts';
import { iso, toJson } from './json.ts';
import { Additions, type OpenAdditions } from './open-additions.ts';
import type { Viewed } from './router.ts';
import { runStatusSchema } from './run-status.ts';
import { blockedBy } from './run-view.ts';
import { definitionOf, taskStatusSchema } from './task-view.ts';

const MOST_LISTED = 1_000;
const PAGE = 1_000;

const waitingTaskSchema = z
  .object({
    task: z.string(),
    status: taskStatusSchema,
    waitsFor: z.enum([
      'dependencies',
      'slot',
      'resume',
      'approval',
      'backoff',
      'call',
      'budget',
      'cache',
      'items',
      'rounds',
      'decision',
      'time',
      'event',
      'run',
    ]),
    dependencies: z
      .array(z.string())
      .optional()
      .describe('Those that have not ended, and what those have added that have: at most 100 of each'),
    prompt: z.string().optional().describe('What the person is asked'),
    event: z
      .object({ type: z.string(), filter: z.string().optional().describe('CEL: true of the events that it takes') })
      .optional()
      .describe('The event from outside that it waits for'),
    refused: z
      .object({ at: z.iso.datetime(), code: z.string(), message: z.string() })
      .optional()
      .describe('The last event on which its filter failed'),
    childRunId: z.string().optional().describe('The run whose end it waits for'),
    since: z.iso.datetime().nullable(),
    until: z.iso.datetime().nullable().describe('When it moves by itself'),
    moves: z.string().describe('What would move it'),
  })
  .openapi('WaitingTask');

/** The answer of `…/why`. */
export const whySchema = z
  .object({
    runId: z.string(),
    status: runStatusSchema,
    blocked: z
      .looseObject({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why the run cannot go on, or a call of it cannot be made here: all else goes on then'),
    tasks: z.array(waitingTaskSchema),
    actors: z
      .array(
        z.object({
          actor: z.string(),
          state: z.unknown(),
          waitsFor: z.array(z.string()),
          until: z.iso.datetime().nullable(),
          effects: z.array(
            z.object({
              id: z.string(),
              src: z.string(),
              inLine: z
                .boolean()
                .describe('It has not begun: the process died of such calls, so that they run one at a time'),
            }),
          ),
          accepts: z.array(z.string()),
        }),
      )
      .describe('Live actors; of a document its root only'),
    events: z
      .array(z.object({ type: z.string(), accepted: z.boolean(), reason: z.string() }))
      .describe(
        'Types of events from outside that it knows, at most 100: whether POST …/events takes them now, and why',
      ),
    note: z.string().optional(),
  })
  .openapi('Why');

type WaitingTask = z.infer<typeof waitingTaskSchema>;
type Actors = Awaited<ReturnType<Reads['why']>>['actors'];

/** Reasons of a run. Throws `notFound`. */
export async function whyView(
  { fermata }: { readonly fermata: Viewed },
  runId: string,
): Promise<z.infer<typeof whySchema>> {
  const run = await fermata.runtime.read(runId);
  const { blocked, actors } = await fermata.runtime.why(runId);
  const isDocument = run.workflow !== undefined;
  const { tasks, unlisted } =
    isDocument && run.endedAt === null ? await waitingTasks(fermata, run, actors) : { tasks: [], unlisted: 0 };
  const keeps = blocked === undefined ? null : blockedBy(blocked);
  // One of which only a call waits takes events all the same.
  const takes = !fermata.runtime.takesNothing(runId) && actors.some(({ actor }) => actor === '/');
  const events = blocked === undefined || takes ? await fermata.runtime.outsideEvents(runId) : [];
  return {
    runId,
    status: run.status,
    events: [...events],
    blocked: keeps,
    tasks: keeps?.code === 'quarantined' ? tasks.map((task) => quarantinedTask(runId, task)) : tasks,
    actors: actors
      .filter(({ actor }) => !isDocument || actor === '/')
      .map(({ state, waitsFor, effects, accepts, ...rest }) => ({
        ...rest,
        state: toJson(state),
        waitsFor: [...waitsFor],
        effects: [...effects],
        accepts: [...accepts],
      })),
    ...(unlisted === 0 ? {} : { note: `${unlisted} more tasks wait for those that are listed, or for a slot.` }),
  };
}

/** No outcome, date or request moves a task of such a run before the run itself is let go. */
function quarantinedTask(runId: string, task: WaitingTask): WaitingTask {
  const at = `/api/v1/runs/${runId}`;
  const moves = `POST ${at}/resume, once what kills the process is mended, or POST ${at}/cancel`;
  return { ...task, waitsFor: 'resume', until: null, moves };
}

/** Live tasks first: what they wait for is what all the others wait for. */
async function waitingTasks(
  fermata: Viewed,
  run: RunView,
  actors: Actors,
): Promise<{ tasks: WaitingTask[]; unlisted: number }> {
  const definition = await definitionOf(fermata, run);
  const { tasks: written } = definition;
  const byAddress = new Map(actors.map((actor) => [actor.actor, actor]));
  const rows = await allRows(fermata, run.runId);
  const additions = new Additions(fermata.runtime, run.runId, rows);
  const joined = [...rows.values()].filter(({ position }) => position >= written.length);
  const specs = [...written, ...joined];
  const open = specs.filter(({ name }) => !isSettled(rows.get(name)?.status ?? 'pending'));
  const live = open.filter(({ name }) => rows.get(name)?.live === true);
  const listed = [...live, ...open.filter(({ name }) => rows.get(name)?.live !== true)].slice(0, MOST_LISTED);
  const tasks = await Promise.all(
    listed.map(async ({ name }) => {
      const spec = await specOf(fermata, run.runId, definition, name);
      return waitingTask(fermata, run, { ...spec, name }, { rows, additions }, byAddress.get(childAddress('/', name)));
    }),
  );
  return { tasks, unlisted: open.length - listed.length };
}

/** A task that waits, with what it waits for. */
type Waiter = Pick<TaskSpec, 'name'> & Partial<Pick<TaskSpec, 'dependsOn' | 'after' | 'call'>>;

/** What a task is: one of the document, one that was added, or an item, which is what its map says. */
async function specOf(
  fermata: Viewed,
  runId: string,
  definition: Definition,
  name: string,
): Promise<TaskSpec | undefined> {
  const { runtime } = fermata;
  const graph = graphOf(definition);
  if (graph.has(name)) return graph.spec(name);
  const growth = await runtime.growth(runId, name);
  if (growth !== undefined && growth.specSeq !== null)
    return ((await runtime.entry(runId, growth.specSeq)) as AddedTask).spec;
  const item = itemOf(name);
  const owner = item && (await specOf(fermata, runId, definition, item.map));
  return owner !== undefined && (owner.call.kind === 'map' || owner.call.kind === 'reduce')
    ? owner.call.task
    : undefined;
}

async function allRows({ runtime }: Viewed, runId: string): Promise<ReadonlyMap<string, TaskRow>> {
  const rows = new Map<string, TaskRow>();
  for (let after: number | undefined; ;) {
    const page = await runtime.tasks(runId, after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    for (const row of page) rows.set(row.name, row);
    if (page.length < PAGE) return rows;
    after = page.at(-1)?.position;
  }
}

async function waitingTask(
  fermata: Viewed,
  run: RunView,
  spec: Waiter,
  { rows, additions }: { readonly rows: ReadonlyMap<string, TaskRow>; readonly additions: Additions },
  actor: Actors[number] | undefined,
): Promise<WaitingTask> {
  const { runtime } = fermata;
  const row = rows.get(spec.name);
  const status = row?.status ?? 'pending';
  const at = `/api/v1/runs/${run.runId}/tasks/${encodeURIComponent(spec.name)}`;
  const common = { task: spec.name, status, since: iso(row?.startedAt ?? null), until: actor?.until ?? null };
  switch (status) {
    case 'awaitingApproval': {
      const approval = await runtime.approval(run.runId, spec.name);
      return {
        ...common,
        waitsFor: 'approval',
        ...(approval === undefined
          ? {}
          : { prompt: approval.prompt, since: iso(approval.requestedAt), until: iso(approval.expiresAt) }),
        moves: `POST ${at}/approve {"approved": true or false}`,
      };
    }
    case 'running':
      // It has waited for something else, and wants to have its function called.
      if (actor?.waitsFor.includes('slot') === true) break;
      if (actor?.waitsFor.includes('budget') === true)
        return {
          ...common,
          waitsFor: 'budget',
          moves: await movesWaiting(runtime, run.runId, { task: spec.name, at }),
        };
      if (actor?.waitsFor.includes('cache') === true)
        return {
          ...common,
          waitsFor: 'cache',
          moves: `${callOf(fermata, run, actor.actor)}, its timeout, or POST ${at}/cancel`,
        };
      if (actor?.waitsFor.includes('items') === true)
        return {
          ...common,
          waitsFor: 'items',
          moves: `the end of its items, which are tasks of the run, or POST ${at}/cancel`,
        };
      if (actor?.waitsFor.includes('rounds') === true)
        return {
          ...common,
          waitsFor: 'rounds',
          moves: `the end of what it has added, which are tasks of the run, or POST ${at}/cancel`,
        };
      if (actor?.waitsFor.includes('childRun') === true) return { ...common, ...(await runOf(runtime, row, at)) };
      if (spec.call?.kind === 'wait' && actor?.waitsFor.includes('call') !== true)
        return { ...common, ...waitOf(spec.call, run.runId, row, { at, isLimited: common.until !== null }) };
      if (actor?.effects.some(({ inLine }) => inLine) === true)
        return {
          ...common,
          waitsFor: 'call',
          moves: `its turn: the process has died twice while this call ran in it, so that such calls run one at a time; or POST ${at}/cancel`,
        };
      return { ...common, waitsFor: 'call', moves: `the outcome of its call, its timeout, or POST ${at}/cancel` };
    case 'retrying':
      if (row?.ready !== true)
        return { ...common, waitsFor: 'backoff', moves: `the end of its back-off, or POST ${at}/cancel` };
      break;
    case 'inDoubt':
      return { ...common, waitsFor: 'decision', moves: `POST ${at}/retry (call again) or POST ${at}/cancel` };
    default: {
      const all = [...new Set([...(spec.dependsOn ?? []), ...(spec.after ?? [])])];
      const open = all.filter((name) => !isSettled(rows.get(name)?.status ?? 'pending'));
      const added = row?.waiting === 0 ? [] : await additions.openOf(all, spec.name);
      const dependencies = [...new Set([...open, ...added.flatMap(({ named }) => named)])];
      if (dependencies.length > 0)
        return { ...common, waitsFor: 'dependencies', dependencies, moves: endOf(open, added) };
    }
  }
  if (run.status === 'paused') return { ...common, waitsFor: 'resume', moves: `POST /api/v1/runs/${run.runId}/resume` };
  const part = row === undefined || row.ready ? undefined : partOfRow(row);
  if (part?.lane !== undefined)
    return {
      ...common,
      waitsFor: 'slot',
      moves: `the end of another task that "${part.parent}" has added: its breadth says how many may go on at once`,
    };
  return {
    ...common,
    waitsFor: 'slot',
    moves: 'the end of a task that runs: config.breadth says how many may at once',
  };
}

/** The call whose answer a task will have. */
function callOf({ cache }: Viewed, { runId }: RunView, actor: string): string {
  const leader = cache.leaderOf({ run: runId, actor });
  if (leader === undefined) return 'a look into the cache of answers';
  const task = JSON.stringify(leader.actor.slice(1).replaceAll('%25', '%'));
  return `the end of the call of task ${task}${leader.run === runId ? '' : ` of run ${leader.run}`}, which asks the same`;
}

/** What a task waits for that has to end before it begins. */
function endOf(open: readonly string[], added: readonly OpenAdditions[]): string {
  const ends = open.length === 0 ? [] : ['the end of the tasks it depends on'];
  for (const { of, named, count } of added) {
    const more = count - named.length;
    ends.push(
      `the end of what ${JSON.stringify(of)} has added, on which it depends${more === 0 ? '' : ` (and ${more} more than are named)`}`,
    );
  }
  return ends.join(', and ');
}

/** What a task waits for that runs another workflow. */
async function runOf(
  runtime: Reads,
  row: TaskRow | undefined,
  at: string,
): Promise<Pick<WaitingTask, 'waitsFor' | 'childRunId' | 'moves'>> {
  const { childRunId = '' } = JSON.parse(row?.detailJson ?? '{}') as { readonly childRunId?: string };
  const [child] = await runtime.list({ among: [childRunId], limit: 1 });
  const stands =
    child === undefined
      ? 'which is gone'
      : `which is ${child.blocked === undefined ? child.status : 'blocked'} (${child.progress} %)`;
  return {
    waitsFor: 'run',
    childRunId,
    moves: `the end of run ${childRunId}, ${stands}: GET /api/v1/runs/${childRunId}/why says what that waits for; or POST ${at}/cancel, which cancels it too`,
  };
}

/** What a task waits for that waits for a time or an event. */
function waitOf(
  { for: what, onTimeout }: WaitSpec,
  runId: string,
  row: TaskRow | undefined,
  { at, isLimited }: { readonly at: string; readonly isLimited: boolean },
): Pick<WaitingTask, 'waitsFor' | 'event' | 'refused' | 'moves'> {
  if (!('event' in what)) return { waitsFor: 'time', moves: `the date, or POST ${at}/cancel` };
  const { type, filter } = what.event;
  const { refusedEvent } = JSON.parse(row?.detailJson ?? '{}') as {
    readonly refusedEvent?: {
      readonly at: number;
      readonly error: { readonly code: string; readonly message: string };
    };
  };
  const which = filter === undefined ? '' : `, an event of which ${filter} is true`;
  const timeout = isLimited ? `; its timeout (then: ${onTimeout})` : '';
  return {
    waitsFor: 'event',
    event: { type, ...(filter === undefined ? {} : { filter }) },
    ...(refusedEvent === undefined
      ? {}
      : {
          refused: {
            at: iso(refusedEvent.at),
            code: refusedEvent.error.code,
            message: refusedEvent.error.message,
          },
        }),
    moves: `POST /api/v1/runs/${runId}/events {"type": ${JSON.stringify(type)}, …}${which}${timeout}; or POST ${at}/cancel`,
  };
}
