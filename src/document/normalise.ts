/** From a checked document to its inner form: short forms resolved, defaults in place, dependencies complete. */
import type { ApprovalSpec, Definition, Gate, TaskSpec } from './definition.ts';
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
  const gates = gatesOf(document.tasks);
  const tasks: TaskSpec[] = [];
  yield* eachOf(document.tasks, (task, position) => {
    const { dependsOn = [], unseen = [] } = links[position] ?? {};
    const before = previous.get(task.name);
    tasks.push({
      name: task.name,
      position,
      description: task.description,
      dependsOn,
      after: before === undefined || dependsOn.includes(before) ? [] : [before],
      gates: (gates.get(task.name) ?? NO_GATES).map((gate) => ({ ...gate, unseen: unseen.includes(gate.by) })),
      when: task.when,
      skipPolicy: task.skipPolicy,
      call: callSpec(task, config),
      retry: { ...task.retry, maxRetries: task.maxRetries ?? task.retry.maxRetries },
      timeoutSeconds: task.timeoutSeconds,
      onInDoubt: task.onInDoubt,
      approval: approvalOf(task),
      estimatedDurationSeconds: task.estimatedDurationSeconds,
      tags: task.tags,
      metadata: task.metadata,
    });
  });
  const { strategy, breadth, timeoutSeconds, onTaskFailure, collectIntermediate, priority } = config;
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
    tasks,
  };
}

type NamedGate = Omit<Gate, 'unseen'>;
const NO_GATES: readonly NamedGate[] = [];

/** For each task that conditions choose, which ones, and in which of their branches. */
function gatesOf(tasks: readonly CheckedTask[]): ReadonlyMap<string, readonly NamedGate[]> {
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
