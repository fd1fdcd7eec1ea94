/** What may be observed of calls (P6), and of what the other side has answered (P7): part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { Observation, SeenCall } from './observation.ts';
import { check, type Run, type Task } from './reference-run.ts';

/** Calls that are not its task's own. */
const ON_THE_SIDE: ReadonlySet<string> = new Set(['compare', 'verify']);

/** The calls of all runs. */
export class CallsModel {
  /** Of each call, by its key: whose it is, how often it was made, when last. */
  readonly #calls = new Map<string, { readonly of: string; times: number; life: number }>();
  /** Its last key, by task, attempt and function. */
  readonly #keys = new Map<string, string>();
  readonly #answers = new Map<string, unknown[]>();
  readonly #failures = new Map<string, unknown[]>();
  #life = 0;

  /** Whether a process has died, so that a call may be in doubt. */
  get hasRestarted(): boolean {
    return this.#life > 1;
  }

  /** A process begins. */
  began(): void {
    this.#life++;
  }

  /**
   * A call leaves the process.
   *
   * @param retries how often somebody has allowed that it is made again
   */
  made(
    run: Run,
    { task: name, attempt, src, called = ON_THE_SIDE.has(src) ? src : '', key, repeated }: SeenCall,
    retries: number,
  ): void {
    const of = name === undefined ? key : `${run.name}/${name}/${attempt}/${called}`;
    const before = this.#calls.get(key);
    const where = `call ${key} of run ${run.name}${name === undefined ? '' : `, task ${name}, attempt ${attempt}`}`;
    check(before === undefined || before.of === of, `P6 ${where} has the key of ${before?.of}`);
    const [earlier = key, task] = [this.#keys.get(of), run.tasks.get(name ?? '')];
    // A model may be asked once more for tasks that fit: its answer was none.
    const isRepair = task?.plan.onComplete !== undefined && this.#answers.has(earlier);
    // Somebody has let the task call once more, and so it looks for similar questions once more.
    const isAnew = ON_THE_SIDE.has(src) && retries > 0;
    check(earlier === key || isRepair || isAnew, `P6 ${where} has another key than before, ${earlier}`);
    check(before === undefined || repeated, `P6 ${where} is a repeat and does not say so`);
    check(before?.life !== this.#life, `P6 ${where} was made in this process before`);
    this.#keys.set(of, key);
    const times = (before?.times ?? 0) + 1;
    this.#calls.set(key, { of, times, life: this.#life });
    if (task === undefined) return;
    const isIts = task.status === 'running' && task.attempt === attempt;
    check(isIts, `P6 ${where}: the task is ${task.status} at attempt ${task.attempt}`);
    // A vector or a verdict is asked for again, whatever the task says of its own call.
    const onInDoubt = ON_THE_SIDE.has(src) ? 'retry' : task.plan.onInDoubt;
    const allowed = onInDoubt === 'retry' ? Infinity : onInDoubt === 'fail' ? 1 : 1 + retries;
    check(times <= allowed, `P6 ${where} was made ${times} times although its policy is ${onInDoubt}`);
  }

  /** What became of a call. */
  ended(seen: Extract<Observation, { kind: 'answer' | 'failure' }>): void {
    if (seen.kind === 'answer') add(this.#answers, seen.call.key, seen.value);
    else add(this.#failures, seen.call.key, seen.code);
  }

  /** Whether a task was answered so; where a function was asked afterwards, perhaps in an earlier attempt. */
  hasAnswered(run: Run, task: Task, result: unknown): boolean {
    const { call, onComplete } = task.plan;
    const first = onComplete === undefined ? task.attempt : 1;
    const attempts = Array.from({ length: task.attempt - first + 1 }, (_, at) => first + at);
    const answers = attempts.flatMap(
      (attempt) => this.#answers.get(this.#keyOf(run, task, attempt, call.function)) ?? [],
    );
    return answers.some((answer) => isDeepStrictEqual((answer as { readonly value?: unknown }).value, result));
  }

  /** Whether the other side has failed so in the task's attempt. */
  hasFailed(run: Run, task: Task, code: string): boolean {
    const { call, onComplete } = task.plan;
    return [call.function, onComplete?.addTasks].some((called) =>
      this.#failures.get(this.#keyOf(run, task, task.attempt, called))?.includes(code),
    );
  }

  #keyOf({ name }: Run, { plan }: Task, attempt: number, called = ''): string {
    return this.#keys.get(`${name}/${plan.name}/${attempt}/${called}`) ?? '';
  }
}

function add(lists: Map<string, unknown[]>, key: string, value: unknown): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}
