/** What the reference model knows of documents, and is shown of runs. */
import type { SeenFact } from './observation.ts';

/** A document, as far as it says what may happen. */
export interface Plan {
  readonly breadth: number;
  readonly onTaskFailure: 'stop' | 'continue';
  readonly timeoutSeconds: number | undefined;
  readonly tasks: readonly PlannedTask[];
}

/** One task of it. */
export interface PlannedTask {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly after: readonly string[];
  /** Conditions that choose it; where there are any, one has to. */
  readonly gates: readonly { readonly by: string; readonly branches: readonly string[] }[];
  /** An expression, or something else that the model cannot judge. */
  readonly when?: unknown;
  readonly cancelWhen?: string | undefined;
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
  readonly skipPolicy: 'run' | 'cascade';
  readonly call: PlannedCall;
  readonly onComplete?: { readonly addTasks: string } | undefined;
  /** Where another one works in rounds, and has added it for them. */
  readonly part?: unknown;
  readonly retry: {
    readonly maxRetries: number;
    readonly initialSeconds: number;
    readonly factor: number;
    readonly maxSeconds: number;
  };
  readonly timeoutSeconds: number | undefined;
  readonly onInDoubt: 'retry' | 'ask' | 'fail';
  readonly approval:
    | { readonly timeoutSeconds: number | undefined; readonly onReject: 'skip' | 'cancel' | 'fail' }
    | undefined;
}

/** What a task does; of conditions what they decide by, of waits what they wait for, of maps what their items are. */
export interface PlannedCall {
  readonly kind: string;
  /** Of `code`. */
  readonly function?: string;
  /** Of a model whose answers serve again. */
  readonly cache?:
    | {
        readonly namespace: string | undefined;
        /** Where the answer to a similar question will do. */
        readonly similar?: { readonly threshold: number; readonly verify: boolean } | undefined;
      }
    | undefined;
  /** What questions have in common that may be similar. */
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  readonly responseFormat?: unknown;
  readonly for?: {
    readonly seconds?: number;
    readonly until?: string;
    readonly event?: { readonly type: string; readonly filter: string | undefined };
  };
  readonly onTimeout?: 'fail' | 'skip' | 'continue';
  readonly decides?: { readonly if?: unknown } | { readonly switch?: unknown };
  readonly branches?: Readonly<Record<string, readonly string[]>>;
  readonly task?: PlannedTask;
  readonly onItemFailure?: 'stop' | 'continue' | 'collect';
  readonly concurrency?: number | undefined;
  /** Of a reduction in a tree: the task whose list it reduces, and how many outputs one call sees. */
  readonly over?: string;
  readonly arity?: number;
  /** Of work in rounds: tasks of a plan at once, and rounds at most. */
  readonly breadth?: number | undefined;
  readonly depth?: number;
  /** Of `subworkflow`: its task ends with the run. */
  readonly wait?: boolean;
}

/** A run as a reader of the API sees it at the end. */
export interface FinalRun {
  readonly status: string;
  readonly output: unknown;
  readonly counts: Readonly<Record<string, number>>;
  readonly facts: readonly SeenFact[];
  /** Statuses of its tasks, by name; those that never began may be absent. */
  readonly tasks: Readonly<Record<string, string>>;
}
