/** What the tasks of a document call, also those inside of other tasks: it has to be there before a run begins. */
import { FROM_OUTPUT, type Definition, type TaskSpec } from './definition.ts';

/** One provider or one function, and the task that calls it. */
export interface Called {
  readonly task: string;
  readonly provider?: string;
  /** Name of a registered function. */
  readonly called?: string;
}

/** Everything that the tasks of a definition call. */
export function callsOf({ tasks }: Pick<Definition, 'tasks'>): readonly Called[] {
  return tasks.flatMap((spec) => callsOfTask(spec, spec.name));
}

function callsOfTask({ call, onComplete }: TaskSpec, task: string): readonly Called[] {
  const adding = onComplete?.addTasks;
  const adds: readonly Called[] = adding === undefined || adding === FROM_OUTPUT ? [] : [{ task, called: adding }];
  switch (call.kind) {
    case 'model':
      return [{ task, provider: call.provider }, ...adds];
    case 'code':
      return [{ task, called: call.function }, ...adds];
    case 'map':
    case 'reduce':
      return [...callsOfTask(call.task, task), ...adds];
  }
}
