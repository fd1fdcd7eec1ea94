/**
 * What the workflow and task machines need for a decision, read from the run's rows and attached to the event (R2):
 * which tasks may begin, which can no longer run, a task's rendered prompt, the run's output.
 */
import type { WorkflowInput } from '../../machines/workflow/context.ts';
import type { TaskAdds } from '../../machines/workflow/events.ts';
import type { Candidate, GroupStep, PreparedStep } from '../../machines/workflow/prepared.ts';
import type { TaskContext, TaskOutput } from '../../machines/task/context.ts';
import type {
  JoinedItems,
  PreparedApproval,
  PreparedOutcome,
  PreparedSkip,
  PreparedTask as MachineTask,
} from '../../machines/task/prepared.ts';
import { FermataError, toErrorData, type ErrorData } from '../errors.ts';
import type { Prepare, Preparing } from '../runtime/catalog.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { TaskRow } from '../store/store.ts';
import { stopOf } from './cancel-when.ts';
import type { Predicates } from './condition.ts';
import type { AssertRunnable } from './calls.ts';
import { barsDependents, endsRun, skipsDependents, type Consequence } from './consequence.ts';
import type { ApprovalSpec, Definition, TaskSpec } from './definition.ts';
import { NO_FORKS, type OriginsOf } from './fork/origins-of.ts';
import type { Origins, TakenOver } from './fork/origins.ts';
import { withPrompt } from './fork/prompts.ts';
import { additions } from './adding.ts';
import { nextTurns } from './lane.ts';
import { itemName, itemPosition, partOf, type Group } from './growth.ts';
import type { Found } from './kinds/condition.ts';
import type { PreparedModelCall } from './kinds/model.ts';
import { partsOf } from './kinds/reduce.ts';
import { readsOf, renderPrompt } from './prompt.ts';
import type { Scope, TaskResult } from './reads.ts';
import { renderTask, taskScope } from './render.ts';
import { roundAdditions } from './proposing.ts';
import { asNamed, joinedBy, leftBy, partIn, phaseOutcome, refusalBelow, roundScope } from './rounds.ts';
import { RunGraph, type AddedItems } from './run-graph.ts';
import { isParkedWait } from './waits.ts';
import { pause } from './steps.ts';
import { childOfBroken, childRunOf, waitingParents } from './parents.ts';
import { isSettled, isWaiting } from './task-status.ts';
import { sharedScope } from './shared-values.ts';
import { skipOf, type Decided } from './when.ts';

/** The definition that a run executes. May suspend (`rows.read`) until it is loaded. */
export type DefinitionOf = (rows: RunRows) => Definition;

interface StepContext extends Pick<WorkflowInput, 'total' | 'breadth' | 'onTaskFailure'> {
  readonly settled: number;
  readonly active: number;
  readonly nextRoot: number;
  readonly ending: unknown;
}

/** Prepares the events of the workflow machine. `assertRunnable`: what joins a run is asked for, too. */
export function prepareWorkflow(
  definitionOf: DefinitionOf,
  assertRunnable: AssertRunnable = () => {},
  originsOf: OriginsOf = NO_FORKS,
): Prepare {
  return ({ event, snapshot, rows }: Preparing): PreparedStep | undefined => {
    const graph = new RunGraph(rows, definitionOf(rows));
    if (snapshot === undefined) {
      const { breadth } = (event as unknown as { input: WorkflowInput }).input;
      return { candidates: candidates(graph, 0, breadth, NONE) };
    }
    const context = snapshot.context as StepContext;
    switch (event.type) {
      case 'fermata.cancel':
      case 'fermata.runTimedOut':
        return { live: rows.live() };
      case 'fermata.pause':
        return waitingParents(graph);
      case 'fermata.resume':
      case 'fermata.task.joins':
        return {
          ...(event.type === 'fermata.resume' ? waitingParents(graph) : {}),
          candidates: candidates(graph, context.nextRoot, context.breadth - context.active, NONE),
        };
      case 'fermata.task.parked':
        return { candidates: candidates(graph, context.nextRoot, 1 + context.breadth - context.active, NONE) };
      case 'fermata.task.adds':
        return preparedAdditions(graph, event as unknown as TaskAdds, context, assertRunnable, originsOf(rows));
      case 'fermata.task.cancel': {
        const name = String(event['task']);
        const { status, live } = graph.row(name);
        if (isSettled(status)) return { cancels: 'nothing' };
        if (live) return { cancels: 'actor' };
        return { ...afterEnd(graph, context, name, 'fail'), ...described(graph, name) };
      }
      default:
        if (event.type.startsWith('xstate.done.actor.')) {
          const { name, consequence } = event['output'] as TaskOutput;
          return afterEnd(graph, context, name, consequence);
        }
        if (event.type.startsWith('xstate.error.actor.')) {
          const name = String(event['actorId']);
          return {
            ...afterEnd(graph, context, name, 'fail'),
            ...described(graph, name),
            ...(isWaiting(graph.row(name)) || isParkedWait(graph, name) || childRunOf(graph, name) !== undefined
              ? { waited: true }
              : {}),
            ...childOfBroken(graph, name),
          };
        }
        return undefined;
    }
  };
}

const NONE: ReadonlySet<string> = new Set();

function preparedAdditions(
  graph: RunGraph,
  { task, items, tasks, ask, again }: TaskAdds,
  context: StepContext,
  assertRunnable: AssertRunnable,
  origins: Origins | undefined,
): PreparedStep {
  if (isSettled(graph.row(task).status)) return {};
  const joining = { position: context.total, breadth: context.breadth };
  if (ask !== undefined) {
    const added = roundAdditions(graph, task, ask, joining, assertRunnable);
    if (origins === undefined || 'refused' in added) return { additions: added };
    const edited = added.tasks.map((one) => ({ ...one, spec: withPrompt(one.spec, origins.prompts[one.spec.name]) }));
    return { additions: { ...added, tasks: edited } };
  }
  if (again === true && origins !== undefined) return { additions: origins.additions(graph, task, context.total) };
  if (items === undefined)
    return { additions: additions(graph, task, { written: tasks, position: context.total }, assertRunnable) };
  const { call } = graph.spec(task);
  // Without a bound of its own that of the slots holds: items that wait, for people or events, need none.
  return { concurrency: (call.kind === 'map' ? call.concurrency : undefined) ?? items.length };
}

/** What may follow the end of a task. */
function afterEnd(graph: RunGraph, context: StepContext, name: string, consequence: Consequence): PreparedStep {
  const part = partIn(graph, name);
  const items = part === undefined ? afterItem(graph, name, consequence) : { item: true as const };
  const meant = items !== undefined && consequence === 'fail' ? 'none' : consequence;
  if (endsRun(context, meant)) return { ...items, live: graph.rows.live() };
  if (context.ending !== null) return { ...items };
  // A proposed task that fails takes along what needs it: its run it does not fail.
  const skip =
    skipsDependents(context, meant) || (part !== undefined && consequence === 'fail')
      ? graph.hardDescendants(name).filter((dependent) => !isSettled(graph.row(dependent).status))
      : [];
  const own = closedGroup(graph, name);
  const left = leftBy(graph, name);
  const cancelled = left.cancelled.map((task) => ({ name: task, ...described(graph, task) }));
  const gone = new Set([name, ...skip, ...left.cancelled]);
  const group: GroupStep = {
    ...items,
    drop: [...(items?.drop ?? []), ...(own?.drop ?? [])],
    stop: [...(items?.stop ?? []), ...(own?.stop ?? []), ...left.stop],
  };
  const over = joinedBy(graph, gone);
  const closed = new Set(group.drop?.map(({ map }) => map));
  const admissible = candidates(graph, context.nextRoot, 1 + context.breadth - context.active, gone, closed);
  const ended = 1 + skip.length + cancelled.length;
  const settled = context.settled + ended + (group.drop ?? []).reduce((sum, { count }) => sum + count, 0);
  return {
    ...withoutEmpty(group),
    ...(over.length === 0 ? {} : { over }),
    ...(cancelled.length === 0 ? {} : { cancelled }),
    ...(admissible.length === 0 ? {} : { candidates: admissible }),
    ...(skip.length === 0
      ? {}
      : { skip: skip.map((task) => ({ name: task, because: name, ...described(graph, task) })) }),
    ...(settled >= context.total ? { output: runOutput(graph) } : {}),
  };
}

/** What the end of an item means for its map: the map says what becomes of the others, and hears when all have ended. */
function afterItem(
  graph: RunGraph,
  name: string,
  consequence: Consequence,
): (GroupStep & { readonly item: true }) | undefined {
  const item = graph.item(name);
  if (item === undefined) return undefined;
  const { map, group } = item;
  const { call } = graph.spec(map);
  const stops = consequence === 'fail' && (call.kind !== 'map' || call.onItemFailure === 'stop');
  // Of one that was cancelled before it began, or that broke, the rows do not say yet that it has ended.
  const row = graph.row(name);
  const settled = group.settled + (isSettled(row.status) ? 0 : 1);
  const active = group.active - (isSettled(row.status) || !row.live ? 0 : 1);
  const left = stops ? group.total - settled - active : 0;
  const isOver = isSettled(graph.row(map).status);
  return {
    item: true,
    ...(left > 0 ? { drop: [{ map, count: left }] } : {}),
    ...(stops && active > 0 ? { stop: liveItems(graph, map, name) } : {}),
    ...(settled + left >= group.total && !isOver ? { joined: map } : {}),
  };
}

/** A map that ends before its items do takes them along. */
function closedGroup(graph: RunGraph, name: string): GroupStep | undefined {
  const { group } = graph.growth(name);
  if (group === undefined || group.settled >= group.total) return undefined;
  const left = group.total - group.settled - group.active;
  return {
    ...(left > 0 ? { drop: [{ map: name, count: left }] } : {}),
    ...(group.active > 0 ? { stop: liveItems(graph, name) } : {}),
  };
}

/** The journal keeps every step: what says nothing is left out. */
function withoutEmpty({ drop = [], stop = [], ...rest }: GroupStep): GroupStep {
  return { ...rest, ...(drop.length === 0 ? {} : { drop }), ...(stop.length === 0 ? {} : { stop }) };
}

function liveItems(graph: RunGraph, map: string, except?: string): readonly string[] {
  return graph.rows.live().filter((name) => name !== except && graph.item(name)?.map === map);
}

/** The description of a task that has no actor to render it; absent where none is written, or where it needs what never came. */
export function described(graph: RunGraph, name: string): { readonly description?: string } {
  const { description, dependsOn, part } = graph.spec(name);
  if (description === undefined) return {};
  const read = new Set(readsOf(description).tasks);
  const known = part?.aliases ?? {};
  const results = dependsOn.filter((dependency) => read.has(known[dependency] ?? dependency));
  const scope = taskScope(graph.rows.input(), asNamed({ part }, resultsOf(graph, results)));
  return describedIn(description, { ...scope, ...sharedScope(graph.rows, readsOf(description).shared) });
}

function describedIn(description: string | undefined, scope: Scope): { readonly description?: string } {
  if (description === undefined) return {};
  try {
    return { description: renderPrompt(description, scope) };
  } catch (thrown) {
    if (thrown instanceof FermataError && thrown.code === 'promptFailed') return {};
    throw thrown;
  }
}

/**
 * Tasks that may get a slot, in document order: those that wait for nothing, and those whose turn has come.
 *
 * @param gone tasks that end in this turn
 * @param closed maps of which no more items begin from this turn on
 */
function candidates(
  graph: RunGraph,
  nextRoot: number,
  slots: number,
  gone: ReadonlySet<string>,
  closed: ReadonlySet<string> = NONE,
): readonly Candidate[] {
  if (slots <= 0) return [];
  const found: Candidate[] = [];
  const ready = [
    ...graph.rows.ready(slots + gone.size + closed.size).filter(({ name }) => !gone.has(name) && !closed.has(name)),
    ...released(graph, gone),
    ...nextTurns(graph, gone),
  ].toSorted((one, other) => one.position - other.position);
  let root = nextRoot;
  let at = 0;
  while (found.length < slots) {
    const waiting = ready[at];
    const spec = nextRootSpec();
    if (spec !== undefined && (waiting === undefined || spec.position < waiting.position)) {
      found.push({ name: spec.name, live: false, root });
      root++;
    } else if (waiting !== undefined) {
      const { group } = graph.growth(waiting.name);
      if (group === undefined) found.push({ name: waiting.name, live: graph.row(waiting.name).live });
      else found.push(...nextItems(graph, waiting.name, group, slots - found.length, gone));
      at++;
    } else {
      break;
    }
  }
  return found;

  /** Roots that were cancelled before they began are passed over. */
  function nextRootSpec() {
    for (;;) {
      const spec = graph.roots[root];
      if (spec === undefined) return undefined;
      const row = graph.rows.task(spec);
      if (!gone.has(spec.name) && (row === undefined || !isSettled(row.status))) return spec;
      root++;
    }
  }
}

/** Items of a map that may begin: the next ones that were not cancelled before. */
function nextItems(
  graph: RunGraph,
  map: string,
  group: Group,
  slots: number,
  gone: ReadonlySet<string>,
): readonly Candidate[] {
  const found: Candidate[] = [];
  const most = Math.min(slots, group.concurrency - group.active);
  for (let index = group.next; index < group.total && found.length < most; index++) {
    const name = itemName(map, index);
    const row = graph.rows.task({ name, position: itemPosition(group, index) });
    if (!gone.has(name) && (row === undefined || !isSettled(row.status))) found.push({ name, live: false });
  }
  return found;
}

/**
 * Tasks that merely come after those that end in this very turn, or after who added them, and wait for nothing else. Their
 * rows do not say so yet: nothing else would ever wake them.
 */
function released(graph: RunGraph, gone: ReadonlySet<string>): TaskRow[] {
  const waiting = new Map<string, number>();
  const open = new Map<string, number>();
  for (const name of gone) if (!isSettled(graph.row(name).status)) isOver(name);
  return [...waiting].flatMap(([name, left]) => {
    const row = graph.row(name);
    return left === 0 && !row.live && !isSettled(row.status) ? [row] : [];
  });

  function isOver(name: string): void {
    for (const { name: next } of graph.dependents(name))
      if (!gone.has(next)) waiting.set(next, (waiting.get(next) ?? graph.row(next).waiting) - 1);
    const { parent } = graph.growth(name);
    if (parent === null) return;
    const left = (open.get(parent) ?? graph.growth(parent).open) - 1;
    open.set(parent, left);
    if (left === 0 && graph.row(parent).status === 'completed') isOver(parent);
  }
}

/** The output of the last task; an object by name where there are several. `complete`: at least one of them completed. */
function runOutput(graph: RunGraph): { readonly value: unknown; readonly complete: boolean } {
  const results = resultsOf(graph, graph.last());
  const completed = results.filter(([, { status }]) => status === 'completed');
  const complete = completed.length > 0;
  const [only] = results;
  if (results.length === 1 && only !== undefined) return { value: only[1].output, complete };
  return { value: Object.fromEntries(completed.map(([name, { output }]) => [name, output])), complete };
}

/** Results read without a break: about ten milliseconds. */
const RESULTS_AT_ONCE = 500;

/**
 * The results of many tasks. A last turn may need 100,000 of them, more than a second of reading: between slices it
 * waits, as for a load, so that the process serves others meanwhile.
 */
export function resultsOf(graph: RunGraph, names: readonly string[]): [string, TaskResult][] {
  const read = (slice: readonly string[]): [string, TaskResult][] => slice.map((name) => [name, resultOf(graph, name)]);
  if (names.length <= RESULTS_AT_ONCE) return read(names);
  const results: [string, TaskResult][] = [];
  for (let from = 0; from < names.length; from += RESULTS_AT_ONCE) {
    const slice = names.slice(from, from + RESULTS_AT_ONCE);
    for (const result of graph.rows.read(`results/${from}`, () => later(read(slice)))) results.push(result);
  }
  return results;
}

/** A value, once others had their turn: for the slices of a long reading. */
export async function later<Value>(value: Value): Promise<Value> {
  await pause();
  return value;
}

function resultOf(graph: RunGraph, name: string): TaskResult {
  const { status, resultSeq } = graph.row(name);
  return resultSeq === null
    ? { status }
    : { status, output: (graph.rows.entry(resultSeq) as { result?: unknown }).result };
}

/**
 * Prepares the start of a task: whether it runs at all, and then everything that is a template or an expression, rendered.
 * And what its items gave.
 */
export function prepareTask(
  definitionOf: DefinitionOf,
  predicates: Predicates,
  originsOf: OriginsOf = NO_FORKS,
): Prepare {
  return ({ event, snapshot, rows }: Preparing) => {
    const graph = new RunGraph(rows, definitionOf(rows));
    if (event.type === 'task.callsModel') return questionOf(graph.definition, event);
    if (snapshot !== undefined)
      return event.type === 'fermata.task.joined' &&
        (snapshot.context as TaskContext).call.kind !== 'planExecuteReflect'
        ? itemsOutput(graph, (snapshot.context as TaskContext).name)
        : undefined;
    const { name } = (event as unknown as { input: { name: string } }).input;
    const spec = graph.spec(name);
    const origins = originsOf(rows);
    try {
      const known = origins?.outcome(graph, spec);
      if (known !== undefined) return preparedOutcome(spec, known);
    } catch (thrown) {
      if (thrown instanceof FermataError && thrown.code === 'originMissing') return { error: toErrorData(thrown) };
      throw thrown;
    }
    const unseen = spec.gates.filter((gate) => gate.unseen).map(({ by }) => by);
    const seen = unseen.length === 0 ? spec.dependsOn : spec.dependsOn.filter((other) => !unseen.includes(other));
    const results = taskScope(rows.input(), asNamed(spec, resultsOf(graph, seen)));
    const owner = spec.part?.owner ?? name;
    const scope = {
      ...results,
      ...itemScope(graph, owner, results.tasks),
      ...roundScope(graph, spec),
      ...sharedScope(rows, spec.shared),
    };
    // Read before anything is caught: what a read has to wait for is no fault of the task.
    const decided = new Map(spec.gates.map(({ by }) => [by, decidedBy(graph, by)]));
    const before = origins?.skipped(graph, spec);
    try {
      const skip = skipOf(spec, scope, predicates, decided) ?? stopOf(spec, scope);
      if (skip !== undefined)
        return {
          skip: { ...skip, ...(before === undefined ? {} : { reused: before }) },
          ...describedIn(spec.description, scope),
        } satisfies PreparedSkip;
      const { approval, retry, timeoutSeconds, onInDoubt, onComplete, outputs, cancelWhen, skipPolicy } = spec;
      const prepared: MachineTask = {
        ...refusalBelow(spec, renderTask(spec, scope, predicates)),
        ...(approval === undefined ? {} : { approval: gateOf(approval) }),
        retry,
        ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
        onInDoubt,
        ...(outputs === undefined ? {} : { publishes: true }),
        ...(cancelWhen !== undefined && skipPolicy === 'cascade' ? { cascades: true } : {}),
        ...(onComplete === undefined ? {} : { addTasks: onComplete.addTasks }),
        seed: `${rows.origin.seed}/${name}`,
      };
      return prepared;
    } catch (thrown) {
      return { error: toErrorData(thrown, 'promptFailed') };
    }
  };
}

/** Prepares a task that works in rounds: what the call gave that it waits for. */
export function prepareRounds(definitionOf: DefinitionOf): Prepare {
  return ({ event, snapshot, rows }: Preparing) =>
    event.type === 'fermata.task.joined' && snapshot !== undefined
      ? phaseOutcome(new RunGraph(rows, definitionOf(rows)), (snapshot.context as { readonly name: string }).name)
      : undefined;
}

/** What a task is made ready with that need not run: it only says what is known, and adds what it adds. */
function preparedOutcome(
  { retry, timeoutSeconds, onInDoubt, onComplete, outputs, description: written }: TaskSpec,
  { result, facts, description = written?.includes('{') === true ? undefined : written }: TakenOver,
): PreparedOutcome {
  const known = {
    ...(description === undefined ? {} : { description }),
    known: { result, facts },
    ...(outputs === undefined ? {} : { publishes: true as const }),
  };
  if (onComplete === undefined) return known;
  return {
    ...known,
    retry,
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
    onInDoubt,
    addTasks: onComplete.addTasks,
  };
}

/** What a function asks a model, with the defaults of its document. */
function questionOf({ provider, model }: Definition, event: object): PreparedModelCall {
  const { question } = event as { readonly question: Partial<PreparedModelCall> & { readonly prompt: string } };
  return { kind: 'model', provider, model, responseFormat: 'text', ...question };
}

/** What the texts of an item see beside what its map does. */
export function itemScope(graph: RunGraph, name: string, tasks: Scope['tasks']): Partial<Scope> {
  const item = graph.item(name);
  if (item === undefined) return {};
  const { seq, from } = partOf(item.group, item.index);
  const { items } = graph.rows.entry(seq) as AddedItems;
  const value = items[item.index - from];
  const { call } = graph.spec(item.map);
  // A call of a tree sees its part where the whole list would be.
  if (call.kind === 'reduce') return { tasks: { ...tasks, [call.over]: { status: 'completed', output: value } } };
  return { item: value, index: item.index };
}

/** What the items of a map gave, in their order; of those that failed, their errors. */
function itemsOutput(graph: RunGraph, map: string): JoinedItems {
  const { group } = graph.growth(map);
  const { total = 0, parts = [] } = group ?? {};
  const from = parts.at(-1)?.from ?? 0;
  const names = Array.from({ length: total - from }, (_, index) => itemName(map, from + index));
  const results = resultsOf(graph, names);
  const errors: (ErrorData | null)[] = [];
  const failed: { task: string; error: ErrorData }[] = [];
  let cancelled = 0;
  for (const [task, { status }] of results) {
    const isFine = status === 'completed' || status === 'skipped' || !barsDependents(graph.row(task), graph.spec(task));
    const error = isFine ? null : errorOf(graph.row(task));
    errors.push(error);
    if (error !== null) failed.push({ task, error });
    if (error !== null && status === 'cancelled') cancelled++;
  }
  // Those that were cancelled because of it come before it as well, and explain nothing.
  const first = failed.find(({ error }) => error.code !== 'cancelled') ?? failed[0];
  const outputs = results.map(([, { output = null }]) => output);
  const { call } = graph.spec(map);
  const further = call.kind === 'reduce' && outputs.length > 1 ? { next: partsOf(outputs, call.arity) } : {};
  return {
    outputs,
    ...further,
    ...(first === undefined ? {} : { errors, first, failed: failed.length, cancelled }),
  };
}

function errorOf({ name, status, detailJson }: TaskRow): ErrorData {
  const detail = (detailJson === null ? {} : JSON.parse(detailJson)) as { error?: ErrorData; reason?: string };
  return (
    detail.error ?? { code: 'cancelled', message: detail.reason ?? `Task "${name}" was ${status}.`, retry: 'never' }
  );
}

/** What a condition came to. Its row says it: its output may name very many tasks. */
function decidedBy(graph: RunGraph, condition: string): Decided {
  const { status, detailJson } = graph.row(condition);
  if (status !== 'completed') return { status };
  const { condition: found } = JSON.parse(detailJson ?? '{}') as { readonly condition?: Found };
  return found === undefined ? { status } : { status, found };
}

function gateOf({ onReject, timeoutSeconds }: ApprovalSpec): PreparedApproval {
  return { onReject, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) };
}
