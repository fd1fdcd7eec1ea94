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
  readonly retry: {
    readonly maxRetries: number;
    readonly initialSeconds: number;
    readonly factor: number;
    readonly maxSeconds: number;
  };
  readonly timeoutSeconds: number | undefined;
  /** What a task of the kind `wait` waits for. */
  readonly call: {
    readonly kind: string;
    readonly for?: {
      readonly seconds?: number;
      readonly until?: string;
      readonly event?: { readonly type: string; readonly filter: string | undefined };
    };
    readonly onTimeout?: 'fail' | 'skip' | 'continue';
  };
  readonly onInDoubt: 'retry' | 'ask' | 'fail';
  readonly approval:
    | { readonly timeoutSeconds: number | undefined; readonly onReject: 'skip' | 'cancel' | 'fail' }
    | undefined;
}

/** A run as a reader of the API sees it at the end. */
export interface FinalRun {
  readonly status: string;
  readonly output: unknown;
  readonly facts: readonly SeenFact[];
  /** Statuses of its tasks, by name; those that never began may be absent. */
  readonly tasks: Readonly<Record<string, string>>;
}
