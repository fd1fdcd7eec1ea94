/** From a checked document to its inner form: short forms resolved, defaults in place, dependencies complete. */
import { CALL_SECONDS, type ApprovalSpec, type Definition, type Gate, type TaskSpec } from './definition.ts';
import { conditionSpec } from './kinds/condition.ts';
import { callSpec, type CheckedTask } from './kinds/index.ts';
import type { Links } from './links.ts';
import { walkGraph } from './order.ts';
import type { CheckedDocument } from './schema.ts';
import { eachOf, type Steps } from './steps.ts';

/**
 * The inner form of a document.
 *
 * @param links for each task, in order, what it depends on, whether written or read
 */
export function* normalise(document: CheckedDocument, links: readonly Links[]): Steps<Definition> {
  const { name, description, tags, input, config } = document;
  const previous = config.strategy === 'sequential' ? previousTasks(document, links) : new Map<string, string>();
  const gatesByTask = gatesOf(document.tasks);
  const tasks: TaskSpec[] = [];
  yield* eachOf(document.tasks, (task, position) => {
    const { dependsOn = [], unseen = [], shared } = links[position] ?? {};
    const before = previous.get(task.name);
    const after = before === undefined || dependsOn.includes(before) ? [] : [before];
    const gates = (gatesByTask.get(task.name) ?? NO_GATES).map((gate) => ({
      ...gate,
      unseen: unseen.includes(gate.by),
    }));
    tasks.push(taskSpec(task, config, { position, dependsOn, after, gates, shared }));
  });
  const { strategy, breadth, timeoutSeconds, onTaskFailure, collectIntermediate, priority, provider, model, depth } =
    config;
  return {
    name,
    description,
    tags,
    input,
    strategy,
    breadth,
    timeoutSeconds,
    onTaskFailure,
    collectIntermediate,
    priority,
    provider,
    model,
    models: config.models,
    optimize: config.optimize,
    prices: config.prices,
    budget: config.budget,
    cache: config.cache,
    depth,
    tasks,
  };
}

/** What the tasks of a document take from its `config`. */
export type TaskDefaults = Pick<CheckedDocument['config'], 'provider' | 'model' | 'models' | 'optimize' | 'depth'> & {
  readonly cache?: CheckedDocument['config']['cache'];
};

/**
 * The inner form of one task.
 *
 * @param place where it stands, and what it waits for
 */
export function taskSpec(
  task: CheckedTask,
  defaults: TaskDefaults,
  place: Pick<TaskSpec, 'position' | 'dependsOn' | 'after' | 'gates' | 'shared'>,
): TaskSpec {
  const call = callSpec(task, defaults, (inner) => taskSpec(inner, defaults, { ...place, after: [], gates: [] }));
  return {
    name: task.name,
    ...place,
    description: task.description,
    when: task.when,
    cancelWhen: task.cancelWhen,
    outputs: Object.keys(task.outputs?.shared ?? {}).length === 0 ? undefined : task.outputs?.shared,
    skipPolicy: task.skipPolicy,
    call,
    retry: { ...task.retry, maxRetries: task.maxRetries ?? task.retry.maxRetries },
    // A reduction in one piece is a call like any other.
    timeoutSeconds: task.timeoutSeconds ?? (call.kind === 'model' ? CALL_SECONDS : undefined),
    onInDoubt: task.onInDoubt,
    approval: approvalOf(task),
    onComplete: task.onComplete && {
      ...task.onComplete,
      allow: task.onComplete.allow,
      maxDynamicDepth: task.onComplete.maxDynamicDepth ?? defaults.depth,
    },
    estimatedDurationSeconds: task.estimatedDurationSeconds,
    expectedOutputTokens: task.expectedOutputTokens,
    tags: task.tags,
    metadata: task.metadata,
  };
}

type NamedGate = Omit<Gate, 'unseen'>;
const NO_GATES: readonly NamedGate[] = [];

/** For each task that conditions choose, which ones, and in which of their branches. */
export function gatesOf(tasks: readonly CheckedTask[]): ReadonlyMap<string, readonly NamedGate[]> {
  const gates = new Map<string, { readonly by: string; readonly branches: string[] }[]>();
  for (const task of tasks) {
    if (!('kind' in task) || task.kind !== 'condition') continue;
    for (const [label, names] of Object.entries(conditionSpec(task).branches)) {
      for (const name of names) {
        const known = gates.get(name) ?? [];
        const last = known.at(-1);
        if (last?.by === task.name) last.branches.push(label);
        else gates.set(name, [...known, { by: task.name, branches: [label] }]);
      }
    }
  }
  return gates;
}

function approvalOf(task: CheckedTask): ApprovalSpec | undefined {
  if (task.approval !== undefined) {
    const { prompt, timeoutSeconds, onReject } = task.approval;
    return { prompt, timeoutSeconds, onReject };
  }
  if (task.requiresApproval !== true) return undefined;
  return {
    prompt: task.approvalPrompt,
    timeoutSeconds: task.approvalTimeoutSeconds,
    onReject: task.onReject ?? 'fail',
  };
}

/** For each task the one before it, in an order that respects the dependencies and otherwise is the document's. */
function previousTasks({ tasks }: CheckedDocument, links: readonly Links[]): Map<string, string> {
  const positions = new Map(tasks.map(({ name }, position) => [name, position]));
  const numbered = links.map(({ dependsOn }) =>
    dependsOn.map((name) => positions.get(name)).filter((at) => at !== undefined),
  );
  const names = walkGraph(numbered).order.map((position) => tasks[position]?.name);
  const previous = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    const before = index === 0 ? undefined : names[index - 1];
    if (name !== undefined && before !== undefined) previous.set(name, before);
  }
  return previous;
}
