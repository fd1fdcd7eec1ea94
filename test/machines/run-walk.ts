/** A run on its way through the real runtime, with tasks whose calls wait for the test. */
import { expect } from 'vitest';
import { FermataError } from '../../src/errors.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import type { Workbench } from '../harness/documents.ts';
import { ADDED, tasksOf, type RunKind, type RunPath, type RunState, type RunStep } from './run-paths.ts';
import { expectSettled } from './task-walk.ts';

/** More than all back-offs of a path, and not so much that the clock has to be looked at a thousand times on the way. */
const TIMEOUT_SECONDS = 200;
/** A back-off that nobody waits for. */
const BEYOND_SECONDS = 1_000_000;
const BACKOFF_SECONDS = 10;
/** A value that has no text: a decision or an error that carries it breaks the actor that takes it. */
const WITHOUT_TEXT = { toString: 1 };

/**
 * Walks a path, and sees after each step that the run is as the machine says. `seen`: how many of its first steps another
 * path has in common with it, on which they were looked at: looking is a third of the work.
 */
export async function walkRun(bench: Workbench, kind: RunKind, path: RunPath, seen = 0): Promise<string> {
  const walk = new RunWalk(bench, kind, path, await start(bench, kind));
  try {
    if (seen === 0) await walk.is(path.begin);
    for (const [at, { step, leadsTo }] of path.steps.entries()) {
      await walk.take(step, at);
      if (at >= seen) await walk.is(leadsTo);
    }
    await expectSettled(bench, walk.run);
  } finally {
    if ((await bench.read(walk.run)).endedAt === null) await bench.fermata.runtime.cancel(walk.run);
    await bench.settle();
  }
  return walk.run;
}

function start(bench: Workbench, kind: RunKind): Promise<string> {
  const { breadth, onTaskFailure, grows, version } = kind;
  const document = {
    config: { breadth, onTaskFailure, timeoutSeconds: TIMEOUT_SECONDS },
    tasks: tasksOf(kind).map((name, at) => ({
      ...taskOf(kind, name),
      ...(grows === true && at === 0 ? { onComplete: { addTasks: 'fromOutput' } } : {}),
    })),
  };
  return bench.start(document, {}, version === undefined ? undefined : `workflow@${version}`);
}

function taskOf({ waitsFor }: RunKind, name: string): object {
  return {
    name,
    kind: 'code',
    function: 'work',
    timeoutSeconds: BEYOND_SECONDS,
    retry: { maxRetries: 1 },
    ...(waitsFor === 'person' ? { requiresApproval: true } : {}),
  };
}

class RunWalk {
  readonly run: string;
  readonly #bench: Workbench;
  readonly #kind: RunKind;
  readonly #path: RunPath;
  readonly #began: number;
  /** When the back-off of a task is over, in milliseconds since 1970. */
  readonly #due = new Map<string, number>();

  constructor(bench: Workbench, kind: RunKind, path: RunPath, run: string) {
    this.run = run;
    this.#bench = bench;
    this.#kind = kind;
    this.#path = path;
    this.#began = bench.clock.now();
  }

  async is({ flow }: RunState): Promise<void> {
    const { snapshot } = await this.#bench.fermata.runtime.snapshot(this.run);
    const counts = ({ total, settled, active, parked }: typeof flow.context) => ({ total, settled, active, parked });
    expect({ value: snapshot.value, ...counts(snapshot.context as typeof flow.context) }).toEqual({
      value: flow.value,
      ...counts(flow.context),
    });
  }

  async take({ type, task = '' }: RunStep, at: number): Promise<void> {
    const bench = this.#bench;
    switch (type) {
      case 'completes':
        return bench.complete(task, { tasks: [] });
      case 'adds one and completes':
        return bench.complete(task, { tasks: [taskOf(this.#kind, ADDED)] });
      case 'fails':
        return bench.fail(task, new FermataError('functionMissing', 'gone'));
      case 'stumbles':
        return this.#stumble(task, at);
      case 'goes on':
        return this.#kind.waitsFor === 'person' ? bench.decide(this.run, task, true) : this.#endBackoff(task);
      case 'breaks':
        return this.#break(task);
      case 'is cancelled':
        return this.#control('/', { type: 'fermata.task.cancel', task });
      case 'the run is paused':
        return this.#control('/', { type: 'fermata.pause' });
      case 'the run is resumed':
        return this.#control('/', { type: 'fermata.resume' });
      case 'the run is cancelled':
        await bench.fermata.runtime.cancel(this.run);
        return bench.settle();
      case 'the run takes too long':
        return bench.advance(TIMEOUT_SECONDS - (bench.clock.now() - this.#began) / 1_000);
    }
  }

  /** A back-off that is not awaited on this path lies beyond the end of the run. */
  async #stumble(task: string, at: number): Promise<void> {
    const awaited = this.#path.steps.slice(at).some(({ step }) => step.type === 'goes on' && step.task === task);
    const seconds = awaited ? BACKOFF_SECONDS * (1 + this.#due.size) : BEYOND_SECONDS;
    this.#due.set(task, this.#bench.clock.now() + seconds * 1_000);
    await this.#bench.fail(task, new FermataError('modelRateLimited', 'later', { retryAfterMs: seconds * 1_000 }));
  }

  async #endBackoff(task: string): Promise<void> {
    await this.#bench.advance(((this.#due.get(task) ?? 0) - this.#bench.clock.now()) / 1_000);
  }

  async #break(task: string): Promise<void> {
    const running = this.#bench.running.includes(task);
    await this.#control(
      childAddress('/', task),
      running
        ? { type: 'xstate.error.actor.call', error: { message: WITHOUT_TEXT } }
        : { type: 'fermata.approve', decision: { approved: false, by: WITHOUT_TEXT } },
    );
  }

  async #control(actor: string, event: { readonly type: string; readonly [field: string]: unknown }): Promise<void> {
    await this.#bench.fermata.runtime.control(this.run, actor, event);
    await this.#bench.settle();
  }
}
