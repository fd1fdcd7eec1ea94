/** What a task needs for a decision (R2): whether it runs, its texts rendered, what is known of it, what its items gave. */
import type { TaskContext } from '../../../machines/task/context.ts';
import type { PreparedApproval, PreparedOutcome, PreparedSkip, PreparedTask } from '../../../machines/task/prepared.ts';
import { FermataError, toErrorData } from '../../errors.ts';
import type { Prepare, Preparing } from '../../runtime/catalog.ts';
import { stopOf } from '../cancel-when.ts';
import { conditionsOf } from '../calls.ts';
import { sharedKeysAsked, type Predicates } from '../condition.ts';
import type { ApprovalSpec, Definition, TaskSpec } from '../definition.ts';
import type { DefinitionOf } from '../definition-of.ts';
import { NO_FORKS, type OriginsOf } from '../fork/origins-of.ts';
import type { TakenOver } from '../fork/origins.ts';
import type { Found } from '../kinds/condition.ts';
import type { PreparedModelCall } from '../kinds/model.ts';
import { renderTask, taskScope, type RenderedTask } from '../render.ts';
import { asNamed, refusalBelow, roundScope } from '../rounds.ts';
import { RunGraph } from '../run-graph.ts';
import { sharedScope } from '../shared-values.ts';
import { skipOf, type Decided } from '../when.ts';
import { describedIn } from './description.ts';
import { itemScope, itemsOutput } from './items.ts';
import { resultsOf } from './results.ts';

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
      ...sharedScope(rows, sharedBy(spec, predicates)),
    };
    // Read before anything is caught: what a read has to wait for is no fault of the task.
    const decided = new Map(spec.gates.map(({ by }) => [by, decidedBy(graph, by)]));
    const before = origins?.skipped(graph, spec);
    const takesOver = spec.call.kind === 'subworkflow' && spec.call.wait ? origins?.childRun(graph, spec) : undefined;
    try {
      const skip = skipOf(spec, scope, predicates, decided) ?? stopOf(spec, scope);
      if (skip !== undefined)
        return {
          skip: { ...skip, ...(before === undefined ? {} : { reused: before }) },
          ...describedIn(spec.description, scope),
        } satisfies PreparedSkip;
      const { approval, retry, timeoutSeconds, onInDoubt, onComplete, outputs, cancelWhen, skipPolicy } = spec;
      const prepared: PreparedTask = {
        ...goingOn(takesOver, refusalBelow(spec, renderTask(spec, scope, predicates))),
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

/** A sub-workflow that goes on from where the run was that the task of the origin waited for. */
function goingOn(takesOver: string | undefined, rendered: RenderedTask): RenderedTask {
  const { call } = rendered;
  return takesOver === undefined || call.kind !== 'subworkflow'
    ? rendered
    : { ...rendered, call: { ...call, takesOver } };
}

/** Keys of the shared values that its texts read, and its predicates. */
function sharedBy(spec: TaskSpec, predicates: Predicates): readonly string[] {
  return [...new Set([...(spec.shared ?? []), ...sharedKeysAsked(conditionsOf(spec), predicates)])];
}

/** What a task is made ready with that need not run: it only says what is known, and adds what it adds. */
function preparedOutcome(
  { retry, timeoutSeconds, onInDoubt, onComplete, outputs, description: written }: TaskSpec,
  { result, facts, description = written?.includes('{') === true ? undefined : written }: TakenOver,
): PreparedOutcome {
  const known = {
    ...(description === undefined ? {} : { description }),
    known: { result, facts },
    // What it published where it was worked out is among the values with which the fork began.
    ...(outputs === undefined || facts['reused'] !== undefined ? {} : { publishes: true as const }),
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
