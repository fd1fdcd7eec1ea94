/** Prompts that a fork has in place of those of its document. */
import type { TaskSpec } from '../definition.ts';
import { isRecord } from '../json.ts';
import { readsOf } from '../prompt.ts';

/** A document with other prompts; as it was where none of them is of one of its tasks. */
export function withPrompts(document: unknown, prompts: Readonly<Record<string, string>>): unknown {
  if (!isRecord(document) || !Array.isArray(document['tasks'])) return document;
  const tasks: readonly unknown[] = document['tasks'];
  return {
    ...document,
    tasks: tasks.map((task) => {
      if (!isRecord(task)) return task;
      const name = task['name'];
      if (typeof name !== 'string' || !Object.hasOwn(prompts, name)) return task;
      return promptIn(task, prompts[name] ?? '');
    }),
  };
}

/** The task with that prompt: itself, or, of a map, the task of its items. */
function promptIn(task: Readonly<Record<string, unknown>>, prompt: string): unknown {
  if (typeof task['prompt'] === 'string') return { ...task, prompt };
  const inner = task['task'];
  return task['kind'] === 'map' && isRecord(inner) ? { ...task, task: promptIn(inner, prompt) } : task;
}

/** A task that joined a run, with another prompt. It depends on what that one reads, too. */
export function withPrompt(spec: TaskSpec, prompt: string | undefined): TaskSpec {
  if (prompt === undefined || spec.call.kind !== 'model') return spec;
  const { tasks, shared } = readsOf(prompt);
  const read = tasks.filter((name) => name !== spec.name);
  const keys = [...new Set([...(spec.shared ?? []), ...shared])];
  return {
    ...spec,
    shared: keys,
    dependsOn: [...new Set([...spec.dependsOn, ...read])],
    call: { ...spec.call, prompt },
  };
}
