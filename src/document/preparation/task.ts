/** What a task needs for a decision (R2): whether it runs, its texts rendered, what is known of it, what its items gave. */
import type { TaskContext } from '../../../machines/task/context.ts';
import type { PreparedApproval, PreparedOutcome, PreparedSkip, PreparedTask } from '../../../machines/task/prepared.ts';
import { FermataError, toErrorData, type ErrorData } from '../../errors.ts';
import type { Prepare, Preparing } from '../../runtime/registration.ts';
import { NO_KEY, type KeyOf } from '../answer-cache.ts';
import { stopOf } from '../cancel-when.ts';
import { priced, withCandidates, withKeys, type Measures } from '../candidates.ts';
import { conditionsOf } from '../calls.ts';
import { sharedKeysAsked, type Predicates } from '../condition.ts';
import type { ApprovalSpec, Definition, TaskSpec } from '../definition.ts';
import type { DefinitionOf } from '../definition-of.ts';
import { NOTHING_LEARNED } from '../estimate/learned.ts';
import { NO_FORKS, type OriginsOf } from '../fork/origins-of.ts';
import type { TakenOver } from '../fork/taken-over.ts';
import type { Found } from '../kinds/condition.ts';
import type { PreparedModelCall } from '../kinds/model.ts';
import { NO_PRICE, NO_PRICES, type Price, type PricesOf } from '../prices.ts';
import { renderTask, taskScope, type RenderedTask } from '../render.ts';
import { asNamed, refusalBelow, roundScope } from '../rounds.ts';
import { RunGraph } from '../run-graph.ts';
import { sharedScope } from '../shared-values.ts';
import { skipOf, type Decided } from '../when.ts';
import { describedIn } from './description.ts';
import { itemScope, itemsOutput } from './items.ts';
import { resultsOf } from './results.ts';

/** Of runs of a version that knows no choice. */
const NO_MEASURES: Measures = {
  tiers: {},
  inputTokensOf: () => ({ most: 0, expected: 0 }),
  learnedOf: () => NOTHING_LEARNED,
};

/** What a process knows that a task may need. Runs of a version of the machine that knows less do without. */
export interface KnownToTasks {
  readonly originsOf: OriginsOf;
  readonly pricesOf: PricesOf;
  readonly measures: Measures;
  readonly keyOf: KeyOf;
}

/**
 * Prepares the start of a task: whether it runs at all, and then everything that is a template or an expression, rendered.
 * And what its items gave.
 */
export function prepareTask(
  definitionOf: DefinitionOf,
  predicates: Predicates,
  { originsOf = NO_FORKS, pricesOf = NO_PRICES, measures = NO_MEASURES, keyOf = NO_KEY }: Partial<KnownToTasks> = {},
): Prepare {
  return ({ event, snapshot, rows, now }: Preparing) => {
    const graph = new RunGraph(rows, definitionOf(rows));
    const price = (): Price => pricesOf(rows, graph.definition, now);
    if (event.type === 'task.callsModel') return priced(questionOf(graph.definition, event), price());
    if (snapshot !== undefined)
      return event.type === 'fermata.task.joined' &&
        (snapshot.context as TaskContext).call.kind !== 'planExecuteReflect'
        ? itemsOutput(graph, (snapshot.context as TaskContext).name)
        : undefined;
    const { name } = (event as unknown as { input: { name: string } }).input;
    const spec = graph.spec(name);
    const origins = originsOf(rows);
    try {
      const known = origins?.outcome(graph, name);
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
    const before = origins?.skipped(graph, name);
    // A reduction in one piece is a call of a model.
    const priceOf = spec.call.kind === 'model' || spec.call.kind === 'reduce' ? price() : NO_PRICE;
    const takesOver = spec.call.kind === 'subworkflow' && spec.call.wait ? origins?.childRun(graph, name) : undefined;
    let prepared: PreparedTask;
    try {
      const skip = skipOf(spec, scope, predicates, decided) ?? stopOf(spec, scope);
      if (skip !== undefined)
        return {
          skip: { ...skip, ...(before === undefined ? {} : { reused: before }) },
          ...describedIn(spec.description, scope),
        } satisfies PreparedSkip;
      const { approval, retry, timeoutSeconds, onInDoubt, onComplete, outputs, cancelWhen, skipPolicy } = spec;
      const rendered = goingOn(takesOver, refusalBelow(spec, renderTask(spec, scope, predicates)));
      prepared = {
        ...rendered,
        ...(approval === undefined ? {} : { approval: gateOf(approval) }),
        retry,
        ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
        onInDoubt,
        ...(outputs === undefined ? {} : { publishes: true }),
        ...(cancelWhen !== undefined && skipPolicy === 'cascade' ? { cascades: true } : {}),
        ...(onComplete === undefined ? {} : { addTasks: onComplete.addTasks }),
        seed: `${rows.origin.seed}/${name}`,
      };
    } catch (thrown) {
      return { error: toErrorData(thrown, 'promptFailed') };
    }
    const { call } = prepared;
    if (call.kind !== 'model' || spec.call.kind !== 'model') return prepared;
    const { name: workflow } = graph.definition;
    const place = { spec: spec.call, part: spec.part, workflow, priceOf, rows };
    const keyed = (asked: PreparedModelCall): PreparedModelCall => keyOf(asked, place);
    return chosenFrom(prepared, () =>
      withKeys(withCandidates(call, spec, { ...measures, rows, workflow, price: priceOf }), keyed),
    );
  };
}

/** With whom it may ask. Counting may have to wait for an encoder, which is no fault of the task. */
function chosenFrom(
  prepared: PreparedTask,
  candidates: () => PreparedModelCall,
): PreparedTask | { readonly error: ErrorData } {
  try {
    return { ...prepared, call: candidates() };
  } catch (thrown) {
    if (thrown instanceof FermataError) return { error: toErrorData(thrown) };
    throw thrown;
  }
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
  { call, retry, timeoutSeconds, onInDoubt, onComplete, outputs, description: written }: TaskSpec,
  { result, facts, description = written?.includes('{') === true ? undefined : written }: TakenOver,
): PreparedOutcome {
  const known = {
    ...(description === undefined ? {} : { description }),
    known: { result, facts },
    // What it published where it was worked out is among the values with which the fork began.
    ...(outputs === undefined || facts['reused'] !== undefined ? {} : { publishes: true as const }),
  };
  if (onComplete === undefined) return known;
  // Of any other kind they are for its work, which is done; its function has the time of a call whose author does not say.
  const isForCalls = call.kind === 'model' || call.kind === 'code';
  return {
    ...known,
    retry,
    ...(timeoutSeconds === undefined || !isForCalls ? {} : { timeoutMs: timeoutSeconds * 1_000 }),
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
