/**
 * What the workflow and task machines need for a decision, read from the run's rows and attached to the event (R2):
 * which tasks may begin, which can no longer run, a task's rendered prompt, the run's output.
 */
import type { Candidate, PreparedStep, WorkflowInput } from '../../machines/workflow.ts';
import type { PreparedApproval, PreparedSkip, PreparedTask as MachineTask, TaskOutput } from '../../machines/task.ts';
import { FermataError, toErrorData } from '../errors.ts';
import type { Prepare, Preparing } from '../runtime/catalog.ts';
import type { RunRows } from '../runtime/rows.ts';
import type { TaskRow } from '../store/store.ts';
import type { Predicates } from './condition.ts';
import { endsRun, skipsDependents, type Consequence } from './consequence.ts';
import type { ApprovalSpec, Definition } from './definition.ts';
import { graphOf, type Graph } from './graph.ts';
import type { Found } from './kinds/condition.ts';
import { isSettled, isWaiting, taskRow } from './projection.ts';
import { readsOf, renderPrompt } from './prompt.ts';
import type { Scope, TaskResult } from './reads.ts';
import { renderTask, taskScope } from './render.ts';
import { isParkedWait } from './waits.ts';
import { pause } from './steps.ts';
import { skipOf, type Decided } from './when.ts';

/** The definition that a run executes. May suspend (`rows.read`) until it is loaded. */
export type DefinitionOf = (rows: RunRows) => Definition;

interface StepContext extends Pick<WorkflowInput, 'total' | 'breadth' | 'onTaskFailure'> {
  readonly settled: number;
  readonly active: number;
  readonly nextRoot: number;
  readonly ending: unknown;
}

/** Prepares the events of the workflow machine. */
export function prepareWorkflow(definitionOf: DefinitionOf): Prepare {
  return ({ event, snapshot, rows }: Preparing): PreparedStep | undefined => {
    const graph = graphOf(definitionOf(rows));
    if (snapshot === undefined) {
      const { breadth } = (event as unknown as { input: WorkflowInput }).input;
      return { candidates: candidates(rows, graph, 0, breadth, NONE) };
    }
    const context = snapshot.context as StepContext;
    switch (event.type) {
      case 'fermata.cancel':
      case 'fermata.runTimedOut':
        return { live: rows.live() };
      case 'fermata.resume':
        return { candidates: candidates(rows, graph, context.nextRoot, context.breadth - context.active, NONE) };
      case 'fermata.task.parked':
        return { candidates: candidates(rows, graph, context.nextRoot, 1 + context.breadth - context.active, NONE) };
      case 'fermata.task.cancel': {
        const name = String(event['task']);
        const { status, live } = taskRow(rows, graph, name);
        if (isSettled(status)) return { cancels: 'nothing' };
        if (live) return { cancels: 'actor' };
        return { ...afterEnd(rows, graph, context, name, 'fail'), ...described(rows, graph, name) };
      }
      default:
        if (event.type.startsWith('xstate.done.actor.')) {
          const { name, consequence } = event['output'] as TaskOutput;
          return afterEnd(rows, graph, context, name, consequence);
        }
        if (event.type.startsWith('xstate.error.actor.')) {
          const name = String(event['actorId']);
          return {
            ...afterEnd(rows, graph, context, name, 'fail'),
            ...described(rows, graph, name),
            ...(isWaiting(taskRow(rows, graph, name)) || isParkedWait(graph, rows, name) ? { waited: true } : {}),
          };
        }
        return undefined;
    }
  };
}

const NONE: ReadonlySet<string> = new Set();

/** What may follow the end of a task. */
function afterEnd(
  rows: RunRows,
  graph: Graph,
  context: StepContext,
  name: string,
  consequence: Consequence,
): PreparedStep {
  if (endsRun(context, consequence)) return { live: rows.live() };
  if (context.ending !== null) return {};
  const skip = skipsDependents(context, consequence)
    ? graph.hardDescendants(name).filter((dependent) => !isSettled(taskRow(rows, graph, dependent).status))
    : [];
  const gone = new Set([name, ...skip]);
  const admissible = candidates(rows, graph, context.nextRoot, 1 + context.breadth - context.active, gone);
  return {
    ...(admissible.length === 0 ? {} : { candidates: admissible }),
    ...(skip.length === 0
      ? {}
      : { skip: skip.map((task) => ({ name: task, because: name, ...described(rows, graph, task) })) }),
    ...(context.settled + 1 + skip.length >= context.total ? { output: runOutput(rows, graph) } : {}),
  };
}

/** The description of a task that has no actor to render it; absent where none is written, or where it needs what never came. */
export function described(rows: RunRows, graph: Graph, name: string): { readonly description?: string } {
  const { description, dependsOn } = graph.spec(name);
  if (description === undefined) return {};
  const read = new Set(readsOf(description).tasks);
  const results = dependsOn.filter((dependency) => read.has(dependency));
  return describedIn(description, taskScope(rows.input(), resultsOf(rows, graph, results)));
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

/** Tasks that may get a slot, in document order: those that wait for nothing, and those whose turn has come. */
function candidates(
  rows: RunRows,
  graph: Graph,
  nextRoot: number,
  slots: number,
  gone: ReadonlySet<string>,
): readonly Candidate[] {
  if (slots <= 0) return [];
  const found: Candidate[] = [];
  const ready = [
    ...rows.ready(slots + gone.size).filter(({ name }) => !gone.has(name)),
    ...released(rows, graph, gone),
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
      found.push({ name: waiting.name, live: rows.get('task', waiting.name)?.live ?? false });
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
      const row = rows.task(spec);
      if (!gone.has(spec.name) && (row === undefined || !isSettled(row.status))) return spec;
      root++;
    }
  }
}

/**
 * Tasks that merely come after those that end in this very turn, and wait for nothing else. Their rows do not say so yet:
 * nothing else would ever wake them.
 */
function released(rows: RunRows, graph: Graph, gone: ReadonlySet<string>): TaskRow[] {
  const left = new Map<string, number>();
  for (const name of gone) {
    if (isSettled(taskRow(rows, graph, name).status)) continue;
    for (const { name: next } of graph.dependents(name))
      if (!gone.has(next)) left.set(next, (left.get(next) ?? taskRow(rows, graph, next).waiting) - 1);
  }
  return [...left].flatMap(([name, waiting]) => {
    const row = taskRow(rows, graph, name);
    return waiting === 0 && !row.live && !isSettled(row.status) ? [row] : [];
  });
}

/** The output of the last task; an object by name where there are several. `complete`: at least one of them completed. */
function runOutput(rows: RunRows, graph: Graph): { readonly value: unknown; readonly complete: boolean } {
  const results = resultsOf(
    rows,
    graph,
    graph.last.map(({ name }) => name),
  );
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
export function resultsOf(rows: RunRows, graph: Graph, names: readonly string[]): [string, TaskResult][] {
  const read = (slice: readonly string[]): [string, TaskResult][] =>
    slice.map((name) => [name, resultOf(rows, graph, name)]);
  if (names.length <= RESULTS_AT_ONCE) return read(names);
  const results: [string, TaskResult][] = [];
  for (let from = 0; from < names.length; from += RESULTS_AT_ONCE) {
    const slice = names.slice(from, from + RESULTS_AT_ONCE);
    for (const result of rows.read(`results/${from}`, () => later(read(slice)))) results.push(result);
  }
  return results;
}

/** A value, once others had their turn: for the slices of a long reading. */
export async function later<Value>(value: Value): Promise<Value> {
  await pause();
  return value;
}

function resultOf(rows: RunRows, graph: Graph, name: string): TaskResult {
  const { status, resultSeq } = taskRow(rows, graph, name);
  return resultSeq === null ? { status } : { status, output: (rows.entry(resultSeq) as { result?: unknown }).result };
}

/** Prepares the start of a task: whether it runs at all, and then everything that is a template or an expression, rendered. */
export function prepareTask(definitionOf: DefinitionOf, predicates: Predicates): Prepare {
  return ({ event, snapshot, rows }: Preparing) => {
    if (snapshot !== undefined) return undefined;
    const { name } = (event as unknown as { input: { name: string } }).input;
    const graph = graphOf(definitionOf(rows));
    const spec = graph.spec(name);
    const unseen = spec.gates.filter((gate) => gate.unseen).map(({ by }) => by);
    const seen = unseen.length === 0 ? spec.dependsOn : spec.dependsOn.filter((other) => !unseen.includes(other));
    const results = resultsOf(rows, graph, seen);
    const scope = taskScope(rows.input(), results);
    // Read before anything is caught: what a read has to wait for is no fault of the task.
    const decided = new Map(spec.gates.map(({ by }) => [by, decidedBy(rows, graph, by)]));
    try {
      const skip = skipOf(spec, scope, predicates, decided);
      if (skip !== undefined) return { skip, ...describedIn(spec.description, scope) } satisfies PreparedSkip;
      const { approval, retry, timeoutSeconds, onInDoubt } = spec;
      const prepared: MachineTask = {
        ...renderTask(spec, scope, predicates),
        ...(approval === undefined ? {} : { approval: gateOf(approval) }),
        retry,
        ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
        onInDoubt,
        seed: `${rows.origin.seed}/${name}`,
      };
      return prepared;
    } catch (thrown) {
      return { error: toErrorData(thrown, 'promptFailed') };
    }
  };
}

/** What a condition came to. Its row says it: its output may name very many tasks. */
function decidedBy(rows: RunRows, graph: Graph, condition: string): Decided {
  const { status, detailJson } = taskRow(rows, graph, condition);
  if (status !== 'completed') return { status };
  const { condition: found } = JSON.parse(detailJson ?? '{}') as { readonly condition?: Found };
  return found === undefined ? { status } : { status, found };
}

function gateOf({ onReject, timeoutSeconds }: ApprovalSpec): PreparedApproval {
  return { onReject, ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }) };
}
