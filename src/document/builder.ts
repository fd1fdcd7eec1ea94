/** Documents in TypeScript: the same document as in JSON or YAML, with names that the compiler checks. */
import { parseDocument } from './parse.ts';
import type { WorkflowDocument, WorkflowTask } from './schema.ts';

/** Everything of a document but its name and tasks. */
export type WorkflowOptions = Omit<WorkflowDocument, 'name' | 'tasks'>;

type Without<Task, Field extends PropertyKey> = Task extends unknown ? Omit<Task, Field> : never;

/** A task whose dependencies are among `Names`. */
export type TaskOptions<Names extends string> = Without<WorkflowTask, 'name' | 'dependsOn'> & {
  readonly dependsOn?: readonly Names[];
};

interface Link {
  readonly task: WorkflowTask;
  readonly before: Link | undefined;
}

/** A document in the making; every `task` gives a new builder and leaves this one as it is. */
export class WorkflowBuilder<Names extends string = never> {
  readonly #head: WorkflowOptions & { readonly name: string };
  /** A linked list: a copy of all tasks for each task would take quadratic time. */
  readonly #last: Link | undefined;

  constructor(head: WorkflowOptions & { readonly name: string }, last?: Link) {
    this.#head = head;
    this.#last = last;
  }

  /** Adds a task; it may depend on tasks that were added before. */
  task<const Name extends string>(name: Name, options: TaskOptions<Names>): WorkflowBuilder<Names | Name> {
    const { dependsOn, ...rest } = options;
    const task: WorkflowTask =
      dependsOn === undefined ? { name, ...rest } : { name, ...rest, dependsOn: [...dependsOn] };
    return new WorkflowBuilder<Names | Name>(this.#head, { task, before: this.#last });
  }

  /**
   * The document, checked, as a plain object: what `POST /api/v1/workflows` takes.
   *
   * @throws FermataError as `parseDocument`
   */
  build(): WorkflowDocument {
    const tasks: WorkflowTask[] = [];
    for (let link = this.#last; link !== undefined; link = link.before) tasks.push(link.task);
    const document: WorkflowDocument = { ...this.#head, tasks: tasks.reverse() };
    parseDocument(document);
    return document;
  }
}

/**
 * Begins a document.
 *
 * @example
 * workflow('report', { config: { breadth: 2 } })
 *   .task('plan', { prompt: 'Plan a report on {{ input.topic }}' })
 *   .task('write', { dependsOn: ['plan'], prompt: 'Write it: {{ tasks.plan.output }}' })
 *   .build();
 */
export function workflow(name: string, options: WorkflowOptions = {}): WorkflowBuilder {
  return new WorkflowBuilder({ name, ...options });
}
