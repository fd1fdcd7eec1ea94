/** A task on its way through the real runtime: one run, in which other tasks take the slot whenever the walked one leaves it. */
import { expect } from 'vitest';
import { isSettled } from '../../src/document/task-status.ts';
import { FermataError } from '../../src/errors.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import type { TaskRow } from '../../src/store/tasks.ts';
import type { Workbench } from '../harness/documents.ts';
import { answerError, answerWith, type RawExchange, type RawModelServer } from '../harness/raw-model-server.ts';
import { callsNobody, FIRST } from './task-callers.ts';
import { GETS_SLOT, isSeen, MAX_RETRIES, stateOf, type TaskKind, type TaskPath } from './task-paths.ts';

const WALKED = 'walked';
const CALL_SECONDS = 100;
/** Of the function of a task that calls nobody else. */
const FUNCTION_SECONDS = 120;
/** From its first item to its last. */
const WORK_SECONDS = 1_000;
const APPROVAL_SECONDS = 150;
const BACKOFF_SECONDS = 1;
const WAIT_SECONDS = 10;
/** Turns of the event loop within which an answer over a socket has certainly come. */
const PATIENCE = 2_000;

/** The other side of the walked task's calls. */
export interface Caller {
  /** The fields of the task that is called there. */
  readonly task: object;
  /** The output of a task before it, on which it depends. */
  readonly after?: unknown;
  /** Ends the next of its items, where those are no calls of the bench's own function; false where none is under way. */
  endItem?(badly: boolean): boolean;
  /** Resolves once the call that is under way has arrived there. */
  called(): Promise<void>;
  answer(value: unknown): Promise<void>;
  fail(retry: 'backoff' | 'never'): Promise<void>;
}

/** Calls of the bench's own function. */
function codeCaller(bench: Workbench): Caller {
  return {
    task: {},
    called: async () => void bench.call(WALKED),
    answer: (value) => bench.complete(WALKED, value),
    fail: (retry) =>
      bench.fail(WALKED, retry === 'never' ? new FermataError('functionMissing', 'gone') : new Error('broke')),
  };
}

/** Calls of a model over a socket. */
export function modelCaller(bench: Workbench, server: RawModelServer): Caller {
  let before = server.requests.length;
  let current: RawExchange | undefined;
  const call = (): RawExchange => current ?? expect.fail('no call has come to the model');
  return {
    task: { prompt: 'Walk', responseFormat: 'json' },
    async called() {
      for (let turn = 0; server.requests.length === before && turn < PATIENCE; turn++) await bench.settle();
      expect(server.requests.length, 'one call comes to the model').toBe(before + 1);
      current = server.requests[before];
      before = server.requests.length;
    },
    answer: async (value) => answerWith(call(), JSON.stringify(value)),
    async fail(retry) {
      const status = retry === 'never' ? 400 : 500;
      answerError(call(), status, {
        message: 'broke',
        type: status === 400 ? 'invalid_request_error' : 'server_error',
      });
    },
  };
}

/** Nobody is called by a task that waits. */
function waiter({ calls, onTimeout }: TaskKind): Caller {
  const seconds = calls === 'missedTime' ? 2 * CALL_SECONDS : WAIT_SECONDS;
  const called = (): Promise<never> => expect.fail('a task that waits calls nobody');
  const task = { kind: 'wait', onTimeout, ...(calls === 'event' ? { event: { type: 'paid' } } : { seconds }) };
  return { task, called, answer: called, fail: called };
}

/** A map, which calls nobody itself. */
function mapCaller({ items = 2, onItemFailure = 'stop' }: TaskKind): Caller {
  const nobody = async (): Promise<void> => expect.fail('a map calls nobody');
  return {
    task: {
      kind: 'map',
      items: JSON.stringify(Array.from({ length: items }, (_, item) => item)),
      onItemFailure,
      task: { kind: 'code', function: 'work', timeoutSeconds: 1_000_000, maxRetries: 0 },
    },
    called: nobody,
    answer: nobody,
    fail: nobody,
  };
}

/** Whom a task of that kind calls. */
export function callerOf(kind: TaskKind, bench: Workbench, server: RawModelServer): Caller {
  switch (kind.calls) {
    case 'code':
      return codeCaller(bench);
    case 'model':
      return modelCaller(bench, server);
    case 'map':
      return mapCaller(kind);
    case 'reduce':
    case 'condition':
    case 'skipped':
    case 'unready':
      return callsNobody(kind.calls, server);
    default:
      return waiter(kind);
  }
}

/** Walks a path, and sees after each step that the task is as the machine says; then the run is completed. Answers with its id. */
export async function walkTask(bench: Workbench, caller: Caller, kind: TaskKind, path: TaskPath): Promise<string> {
  const walk = await TaskWalk.begin(bench, caller, kind, path);
  try {
    await walk.reaches(path.begin);
    for (const [at, { step, leadsTo }] of path.steps.entries()) {
      await step.happen(walk, path.steps[at + 1]?.step);
      if (isSeen(leadsTo)) await walk.reaches(leadsTo);
    }
    await walk.complete();
  } finally {
    await walk.leave();
  }
  return walk.run;
}

/** A run whose task `walked` is taken along a path. */
export class TaskWalk {
  readonly caller: Caller;
  readonly run: string;
  readonly #bench: Workbench;
  readonly #kind: TaskKind;

  private constructor(bench: Workbench, caller: Caller, kind: TaskKind, run: string) {
    this.#bench = bench;
    this.#kind = kind;
    this.caller = caller;
    this.run = run;
  }

  static async begin(bench: Workbench, caller: Caller, kind: TaskKind, { steps }: TaskPath): Promise<TaskWalk> {
    const { approval, adds, version } = kind;
    const walked = {
      name: WALKED,
      ...caller.task,
      timeoutSeconds: secondsOf(kind),
      onInDoubt: 'ask',
      retry: { maxRetries: MAX_RETRIES, initialSeconds: BACKOFF_SECONDS, factor: 1, maxSeconds: BACKOFF_SECONDS },
      ...(adds === undefined ? {} : { onComplete: { addTasks: adds, allow: { functions: ['work'] } } }),
      ...(approval ? { requiresApproval: true, approvalTimeoutSeconds: APPROVAL_SECONDS } : {}),
    };
    // Each makes room for it once, and one is left to hold the slot while it waits for something else.
    const rooms = 1 + steps.filter(({ step }) => step.title === GETS_SLOT).length;
    const others = Array.from({ length: rooms }, (_, i) => ({ name: `other ${i}`, timeoutSeconds: 1_000_000 }));
    const first = caller.after === undefined ? [] : [{ name: FIRST }];
    const document = { config: { breadth: 1, onTaskFailure: 'continue' }, tasks: [...first, walked, ...others] };
    const machine = version === undefined ? undefined : (`workflow@${version}` as const);
    const walk = new TaskWalk(bench, caller, kind, await bench.start(document, {}, machine));
    if (caller.after !== undefined) await bench.complete(FIRST, caller.after);
    return walk;
  }

  /** The walked task comes to be as the machine says it is: in the same state, at the same attempt. */
  async reaches(expected: { readonly value: unknown; readonly context: { readonly attempt: number } }): Promise<void> {
    let task = await this.#task();
    for (let turn = 0; task.state !== stateOf(expected) && turn < PATIENCE; turn++) {
      await this.#bench.settle();
      task = await this.#task();
    }
    expect(task).toEqual({ state: stateOf(expected), attempt: expected.context.attempt });
    if (task.state.startsWith('calling')) await this.caller.called();
  }

  /** Ends the other tasks; the run is then over, and so is everything in it. */
  async complete(): Promise<void> {
    for (let other = this.#other(); other !== undefined; other = this.#other()) await this.#bench.complete(other);
    await expectSettled(this.#bench, this.run);
  }

  /** Leaves nothing behind, however the walk went. */
  async leave(): Promise<void> {
    const { endedAt } = await this.#bench.read(this.run);
    if (endedAt === null) await this.#bench.fermata.runtime.cancel(this.run);
    await this.#bench.settle();
  }

  async cancel(): Promise<void> {
    await this.#control('/', { type: 'fermata.task.cancel', task: WALKED });
  }

  async decide(approved: boolean): Promise<void> {
    await this.#bench.decide(this.run, WALKED, approved);
  }

  async callAgain(): Promise<void> {
    await this.#control(childAddress('/', WALKED), { type: 'fermata.retry' });
  }

  async choose(tasks: unknown): Promise<void> {
    await this.#bench.complete(WALKED, tasks);
  }

  async failToChoose(retry: 'backoff' | 'never'): Promise<void> {
    await this.#bench.fail(
      WALKED,
      retry === 'never' ? new FermataError('functionMissing', 'gone') : new Error('broke'),
    );
  }

  /** Lets every item of a map end, the last of them badly where one is to fail. */
  async endItems(badly: boolean): Promise<void> {
    for (let turn = 0; turn < PATIENCE; turn++) {
      if (this.caller.endItem?.(badly) === true) await this.#bench.settle();
      const [running] = this.#bench.running;
      if ((await this.#task()).state !== 'joining') return;
      if (running === undefined) await this.#bench.settle();
      else if (badly && running === `${WALKED}[1]`) await this.#bench.fail(running);
      else await this.#bench.complete(running);
    }
  }

  async freeSlot(): Promise<void> {
    await this.#bench.complete(this.#other() ?? expect.fail('nobody holds the slot'));
  }

  async crash(): Promise<void> {
    await this.#bench.restart();
  }

  async sendEvent(said: object): Promise<void> {
    await this.#bench.fermata.runtime.send(this.run, { type: 'paid', ...said });
    await this.#bench.settle();
  }

  letTimeCome = (): Promise<void> => this.#bench.advance(WAIT_SECONDS);
  letApprovalExpire = (): Promise<void> => this.#bench.advance(APPROVAL_SECONDS);
  letCallTimeOut = (): Promise<void> => this.#bench.advance(isCall(this.#kind) ? CALL_SECONDS : FUNCTION_SECONDS);
  letTimePass = (): Promise<void> => this.#bench.advance(secondsOf(this.#kind));
  letBackoffEnd = (): Promise<void> => this.#bench.advance(BACKOFF_SECONDS);

  async #control(actor: string, event: { readonly type: string; readonly task?: string }): Promise<void> {
    await this.#bench.fermata.runtime.control(this.run, actor, event);
    await this.#bench.settle();
  }

  #other(): string | undefined {
    return this.#bench.running.find((task) => task !== WALKED);
  }

  async #task(): Promise<{ state: string; attempt: number }> {
    const actor = childAddress('/', WALKED);
    const { snapshot } = await this.#bench.fermata.runtime.snapshot(this.run, { actor });
    return { state: stateOf(snapshot as never), attempt: (snapshot.context as { attempt: number }).attempt };
  }
}

function isCall({ calls }: TaskKind): boolean {
  return calls === 'code' || calls === 'model';
}

/** Of the task as a whole where it calls nobody itself, else of its call. */
function secondsOf({ calls }: TaskKind): number {
  return calls === 'map' || calls === 'reduce' ? WORK_SECONDS : CALL_SECONDS;
}

/** The run has ended with every task that it began, and nothing of it is left in memory. */
export async function expectSettled(bench: Workbench, run: string): Promise<void> {
  const { runtime } = bench.fermata;
  const { status, endedAt } = await runtime.read(run);
  expect(endedAt, `the run has ended, and is not ${status}`).not.toBeNull();
  // What a run that ends before its time never began has a row at most, and is cancelled with it.
  const begun = (row: TaskRow): boolean => row.live || row.startedAt !== null || status === 'completed';
  const unsettled = (await runtime.tasks(run, { limit: 1_000 })).filter((row) => begun(row) && !isSettled(row.status));
  expect(unsettled, 'tasks that have not ended').toEqual([]);
  expect(runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
}
