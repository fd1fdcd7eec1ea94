/** Runs documents of `code` tasks on a real file, with a clock that the test moves. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'vitest';
import type { CodeContext } from '../../actors/code-function.ts';
import type { Providers } from '../../actors/model/provider.ts';
import type { FermataConfig } from '../../src/config.ts';
import { compose, type Fermata, type FermataOptions } from '../../src/compose.ts';
import type { Predicates } from '../../src/document/condition.ts';
import { execute, type ExecuteRequest } from '../../src/document/execute.ts';
import { effect, type InDoubtPolicy } from '../../src/runtime/effect.ts';
import { fork, type ForkRequest } from '../../src/document/fork/request.ts';
import type { Fact } from '../../src/runtime/facts.ts';
import type { Runtime, RunView } from '../../src/runtime/runtime.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock, steadyLoop } from './clock.ts';
import { folderInMemory, layDatabase } from './database.ts';

/** A call of the registered function `work`, which the test ends. */
export interface Call {
  readonly task: string;
  readonly input: unknown;
  readonly context: CodeContext;
  resolve(value?: unknown): void;
  reject(error: unknown): void;
}

/** What a held model call gives, where it says what it used. */
class Said {
  readonly value: unknown;
  readonly usage: object | undefined;

  constructor(value: unknown, usage: object | undefined) {
    this.value = value;
    this.usage = usage;
  }
}

/** A workflow engine whose every call waits for the test. */
export class Workbench {
  readonly clock = new ManualClock();
  readonly #folder = folderInMemory();
  readonly #file = join(this.#folder, 'test.db');
  /** Calls that have not ended, in the order in which they began. */
  readonly calls: Call[] = [];
  /** Every call that ever began, by task. */
  readonly began: string[] = [];
  fermata!: Fermata;
  /** Runs that tasks begin are held back until it is settled: set by `holdRuns`. */
  #gate: Promise<void> = Promise.resolve();
  readonly #providers: Providers;
  #budgets: FermataConfig['budgets'];
  readonly #predicates: Predicates;

  /** Stands around the store, from the next start on. */
  wrap: (store: Store) => Store = (store) => store;
  /** What the runtime stopped with. */
  readonly fatal: Error[] = [];

  /** Name of an effect whose calls fail. */
  broken: string | undefined;
  readonly #holdsModels: boolean;
  #ids = 0;

  private constructor(providers: Providers, predicates: Predicates, holdsModels: boolean) {
    this.#providers = providers;
    this.#predicates = predicates;
    this.#holdsModels = holdsModels;
  }

  /** `providers` answer the tasks that have a prompt; default: nobody. */
  static async open(providers: Providers = {}, predicates: Predicates = {}): Promise<Workbench> {
    const bench = new Workbench(providers, predicates, false);
    await layDatabase(bench.#file);
    await bench.#compose();
    return bench;
  }

  /** Model calls wait for the test as well, as calls of `work` do: their value is what the model would have said. */
  static async openHolding(budgets?: FermataConfig['budgets']): Promise<Workbench> {
    const bench = new Workbench({ openai: { apiKey: 'none' } }, {}, true);
    bench.#budgets = budgets;
    await layDatabase(bench.#file);
    await bench.#compose();
    return bench;
  }

  async #compose(config?: FermataOptions['config']): Promise<void> {
    const held = (task: string, input: unknown, context: CodeContext): Promise<unknown> => {
      this.began.push(task);
      return new Promise((resolve, reject) => {
        const call = { task, input, context, resolve, reject };
        this.calls.push(call);
        context.signal.addEventListener('abort', () => {
          this.calls.splice(this.calls.indexOf(call), 1);
          reject(context.signal.reason);
        });
      });
    };
    const work = (input: unknown, context: CodeContext): Promise<unknown> => held(context.task, input, context);
    interface Asked {
      readonly task: string;
      readonly attempt: number;
      readonly model: string;
      readonly onInDoubt?: InDoubtPolicy;
    }
    const modelCall = effect<Asked, { readonly value: unknown; readonly usage?: object }>({
      run: async (input, context) => {
        const nothing = { progress: () => {}, model: () => Promise.reject(new Error('a model asks no model')) };
        const shared = undefined as never;
        const said = await held(input.task, input, {
          ...context,
          ...input,
          ...nothing,
          shared,
          idempotencyKey: context.key,
        });
        if (!(said instanceof Said)) return { value: said };
        const { value, usage } = said;
        const known = usage === undefined ? {} : { usage };
        return { value, ...known, text: String(value), model: input.model, finishReason: 'stop' };
      },
      remote: true,
      onInDoubt: ({ onInDoubt = 'retry' }) => onInDoubt,
    });
    this.fermata = await compose({
      store: this.wrap(sqliteStore(this.#file)),
      onFatal: (error) => this.fatal.push(error),
      clock: this.clock,
      loop: steadyLoop,
      environment: {},
      // Back-offs are drawn from the id of the run: with one drawn by chance, a walk would now and then go another way.
      newId: () => `id-${String(++this.#ids).padStart(8, '0')}`,
      ...(this.#holdsModels ? { actors: { modelCall } } : {}),
      around: async ({ src, run }) => {
        if (src === 'subworkflow') await this.#gate;
        if (src === this.broken) throw new Error('broken');
        return run();
      },
      config: config ?? {
        functions: { work, echo: (input: unknown) => input },
        predicates: this.#predicates,
        providers: this.#providers,
        ...(this.#budgets === undefined ? {} : { budgets: this.#budgets }),
      },
    });
  }

  /** As after three deaths of the process that a run has caused. */
  async restartWithout(run: string): Promise<void> {
    await this.restart(undefined, () => {
      const driver = new BetterSqlite3(this.#file);
      const suspects = `insert into suspect (tenant, run_id, key, what, count, at, quarantined_at)`;
      driver.prepare(`${suspects} values ('default', ?, 'event/x', 'while it decided', 3, 0, 1)`).run(run);
      driver.close();
      // They know the file as it was before.
      rmSync(`${this.#file}.sums`);
    });
  }

  /** As after a restart: everything in memory is gone. `config` stands in for the functions of this bench. */
  async restart(config?: FermataOptions['config'], meanwhile = (): void => {}): Promise<void> {
    await this.fermata.close();
    this.calls.length = 0;
    meanwhile();
    await this.#compose(config);
    await this.settle();
  }

  /** From now on no task can begin a run, until what this answers is called; with an error, those that wait cannot at all. */
  holdRuns(): (error?: Error) => Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#gate = promise;
    promise.catch(() => {});
    return async (error) => {
      this.#gate = Promise.resolve();
      if (error === undefined) resolve();
      else reject(error);
      await this.settle();
    };
  }

  /**
   * Stores a document whose tasks call `work` unless they say otherwise, and starts a run of it; `machine`: of an older
   * version of the machine that interprets it.
   */
  async start(
    document: { readonly tasks: readonly object[]; readonly [key: string]: unknown },
    request: ExecuteRequest = {},
    machine?: `workflow@${number}`,
  ): Promise<string> {
    const tasks = document.tasks.map((task) =>
      'prompt' in task || 'kind' in task ? task : { kind: 'code', function: 'work', ...task },
    );
    const { workflows, runtime } = this.fermata;
    const workflow = await workflows.create({
      name: `w${this.began.length}-${Math.trunc(performance.now() * 1_000)}`,
      ...document,
      tasks,
    });
    const starter: Pick<Runtime, 'start'> =
      machine === undefined ? runtime : { start: (_, options) => runtime.start(machine, options) };
    const started = await execute(starter, workflow, await workflows.definition(workflow.id, 1), request, {
      budgetFor: this.fermata.budgetFor,
    });
    await this.settle();
    return started.runId;
  }

  /** Forks a run; answers with the id of the new one. */
  async fork(run: string, request: ForkRequest): Promise<string> {
    const { runId } = await fork(this.fermata, run, request);
    await this.settle();
    return runId;
  }

  /** Waits until everything that has come in is committed and its consequences have begun. */
  async settle(): Promise<void> {
    // What begins a run is over in a moment, unlike the calls that the test ends.
    const begins = (): boolean => this.fermata.runtime.load.effectsInFlight > this.calls.length;
    for (let round = 0, quiet = 0; quiet < 3 && round < 300; round++, quiet = begins() ? 0 : quiet + 1) {
      await this.fermata.runtime.idle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async advance(seconds: number): Promise<void> {
    await this.clock.advance(seconds * 1_000, () => this.settle());
  }

  call(task: string): Call {
    const call = this.calls.find((candidate) => candidate.task === task);
    if (call === undefined)
      return expect.fail(
        `no call of "${task}" is under way; under way: ${this.calls.map((other) => other.task).join(', ')}`,
      );
    return call;
  }

  /** Names of the tasks whose calls are under way. */
  get running(): string[] {
    return this.calls.map(({ task }) => task);
  }

  async complete(task: string, value: unknown = `${task} done`): Promise<void> {
    const call = this.call(task);
    this.calls.splice(this.calls.indexOf(call), 1);
    call.resolve(value);
    await this.settle();
  }

  /** Ends the first call of a model that is under way for a task; it has used so many tokens, or does not say how many. */
  async answer(task: string, outputTokens: number | undefined, value: unknown = `${task} done`): Promise<void> {
    const isAsked = (input: unknown): boolean => typeof input === 'object' && input !== null && 'prompt' in input;
    const call = this.calls.find((candidate) => candidate.task === task && isAsked(candidate.input));
    if (call === undefined)
      return expect.fail(`no model is asked for "${task}"; under way: ${this.running.join(', ')}`);
    this.calls.splice(this.calls.indexOf(call), 1);
    call.resolve(new Said(value, outputTokens === undefined ? undefined : { inputTokens: 1, outputTokens }));
    await this.settle();
  }

  async fail(task: string, error: unknown = new Error(`${task} broke`)): Promise<void> {
    const call = this.call(task);
    this.calls.splice(this.calls.indexOf(call), 1);
    call.reject(error);
    await this.settle();
  }

  async decide(run: string, task: string, approved: boolean, more: object = {}): Promise<void> {
    await this.fermata.runtime.control(run, childAddress('/', task), {
      type: 'fermata.approve',
      decision: { approved, ...more },
    });
    await this.settle();
  }

  read(run: string): Promise<RunView> {
    return this.fermata.runtime.read(run);
  }

  /** Statuses of the tasks that have rows, by name. */
  async statuses(run: string): Promise<Record<string, string>> {
    return Object.fromEntries(
      (await this.fermata.runtime.tasks(run, { limit: 1_000 })).map(({ name, status }) => [name, status]),
    );
  }

  /** Facts so far. */
  async facts(run: string): Promise<{ type: string; data: Fact['data'] }[]> {
    const entries = await this.fermata.runtime.journal(run, { limit: 10_000, kind: 'fact' });
    return entries.map(({ type, data }) => ({ type, data: data as Fact['data'] }));
  }

  /** `type task` of each fact. */
  async story(run: string): Promise<string[]> {
    return (await this.facts(run)).map(({ type, data }) => ('task' in data ? `${type} ${String(data['task'])}` : type));
  }

  async close(): Promise<void> {
    await this.settle();
    await this.fermata.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
