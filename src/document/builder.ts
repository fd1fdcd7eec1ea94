/** Documents in TypeScript: the same document as in JSON or YAML, with names that the compiler checks. */
import { CodeTask, references, type References } from './code-task.ts';
import { parseDocument } from './parse.ts';
import type { WorkflowDocument, WorkflowTask } from './schema.ts';

/** Everything of a document but its name and tasks. */
export type WorkflowOptions = Omit<WorkflowDocument, 'name' | 'tasks'>;

type Without<Task, Field extends PropertyKey> = Task extends unknown ? Omit<Task, Field> : never;

/** A task whose dependencies are among `Names`. */
export type TaskOptions<Names extends string> = Without<WorkflowTask, 'name' | 'dependsOn'> & {
  readonly dependsOn?: readonly Names[];
};

type Made<Outputs> = CodeTask<unknown> | ((tasks: References<Outputs>) => CodeTask<unknown>) | TaskOptions<string>;

interface Link {
  readonly task: WorkflowTask;
  readonly before: Link | undefined;
}

/**
 * A document in the making; every `task` gives a new builder and leaves this one as it is. `Outputs`: what its tasks
 * give, by name.
 */
export class WorkflowBuilder<Outputs = Readonly<Record<never, never>>> {
  readonly #head: WorkflowOptions & { readonly name: string };
  /** A linked list: a copy of all tasks for each task would take quadratic time. */
  readonly #last: Link | undefined;

  constructor(head: WorkflowOptions & { readonly name: string }, last?: Link) {
    this.#head = head;
    this.#last = last;
  }

  /** Adds a task; it may depend on tasks that were added before. */
  task<const Name extends string, Output>(
    name: Name,
    made: CodeTask<Output> | ((tasks: References<Outputs>) => CodeTask<Output>),
  ): WorkflowBuilder<Outputs & Readonly<Record<Name, Output>>>;
  task<const Name extends string>(
    name: Name,
    options: TaskOptions<keyof Outputs & string>,
  ): WorkflowBuilder<Outputs & Readonly<Record<Name, never>>>;
  task(name: string, made: Made<Outputs>): WorkflowBuilder<never> {
    const options = typeof made === 'function' ? made(references()) : made;
    const { dependsOn, ...rest } = options instanceof CodeTask ? options.options : options;
    const task: WorkflowTask =
      dependsOn === undefined ? { name, ...rest } : { name, ...rest, dependsOn: [...dependsOn] };
    return new WorkflowBuilder<never>(this.#head, { task, before: this.#last });
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
