/**
 * A simulated world: a whole Fermata in one thread, with a clock, a store, models and a network that are simulated and
 * driven by one seed. A month passes in a millisecond, processes die at commits, answers are lost; and the same seed
 * gives the same world, to the byte.
 *
 * A long file, because it is the whole door in one place: half of it is what its methods promise.
 */
import type { CodeFunctions } from '../../actors/code-function.ts';
import { verify } from '../../actors/verify.ts';
import type { Providers } from '../../actors/model/provider.ts';
import type { Fermata } from '../compose.ts';
import type { FermataConfig } from '../config.ts';
import type { PriceBook } from '../cost/price-book.ts';
import { loadEncoders } from '../cost/tokens.ts';
import { callsOf } from '../document/calls.ts';
import type { Predicates } from '../document/condition.ts';
import type { Definition } from '../document/definition.ts';
import { subworkflowsOf } from '../document/known-workflows.ts';
import { parseDocument } from '../document/parse.ts';
import type { WorkflowDocument } from '../document/schema.ts';
import { FermataError } from '../errors.ts';
import type { RunView, RuntimeOptions } from '../runtime/runtime.ts';
import { Client, errorOf, type ApiAnswer, type ApiRequest } from './client.ts';
import { toMs, type Duration } from './duration.ts';
import { NO_FAULTS, probabilitiesOf, type Faults, type Probabilities } from './faults.ts';
import { judge } from './judge.ts';
import { checkLedger } from './ledger-check.ts';
import { Lives } from './lives.ts';
import { Trace, type Observation, type SeenCall, type SeenFact } from './observation.ts';
import {
  scriptedEmbeddings,
  scriptedModel,
  simulatedPrices,
  type Answers,
  type Embeddings,
  type Latency,
} from './outside.ts';
import type { WallClock } from './process.ts';
import { randomOf, type Random } from './random.ts';
import { ReferenceModel } from './reference-model.ts';
import type { TaskStatus } from '../store/tasks.ts';
import type { MemoryDatabase } from './store/database.ts';
import { keepsBudget } from './reference-run.ts';
import { checkAllGivenBack, checkSharedBudgets } from './shared-budgets-check.ts';
import { Timeline } from './timeline.ts';

/** What a world is made of. */
export interface SimulationOptions {
  /** Everything that chance decides; default 1. */
  readonly seed?: number | string;
  /** Documents whose runs can be started by name. */
  readonly workflows?: readonly WorkflowDocument[];
  /** Functions of `code` tasks. They are called for real, and must wait for nothing outside of this world. */
  readonly functions?: CodeFunctions;
  /** Predicates of conditions. */
  readonly predicates?: Predicates;
  /** What models say. One that judges an answer is asked with a prompt that begins `An answer was given`. */
  readonly answers?: Answers;
  /** What stands for texts, where documents have a `similarityThreshold`. */
  readonly embeddings?: Embeddings;
  /** What models cost; default: a dollar for a million tokens of the prompt, four for those of the answer. */
  readonly prices?: PriceBook;
  /** Budgets of several runs, as in a configuration. */
  readonly budgets?: FermataConfig['budgets'];
  /** Machines of your own, as `name@version`, and what they invoke. */
  readonly machines?: RuntimeOptions['machines'];
  readonly actors?: RuntimeOptions['actors'];
  /** What goes wrong; default: nothing. */
  readonly faults?: Faults;
  /** How long calls take; default: 1 to 50 ms, by chance. */
  readonly latency?: Latency;
  /** When it begins, in milliseconds since 1970; default: 1 January 2026. */
  readonly startAt?: number;
}

/** How a run is started. */
export interface StartRequest {
  readonly input?: unknown;
  readonly tags?: readonly string[];
  /** Idempotency key: the same key again is the same run. Default: a new one. */
  readonly key?: string;
}

/** After that long without anything to do, nothing comes any more: whoever tries again has tried. */
const QUIET_MS = 31_000;
/** Of the story that led to a broken promise. */
const SHOWN_LINES = 60;
/** A run that goes on for longer than this is not waited for. */
const LONGEST_RUN_MS = 10 * 365 * 86_400_000;

/**
 * Makes a world.
 *
 * @example
 * const world = await simulate({ seed: 7, workflows: [report], answers: ({ task }) => `${task}: done`, faults: { crashes: true } });
 * const runId = await world.start('report', { input: { topic: 'tea' } });
 * const { status, output } = await world.run(runId);
 * await world.close();
 * @throws FermataError as `compose` and `parseDocument` do
 */
export async function simulate(options: SimulationOptions = {}): Promise<World> {
  // In a world nothing waits for a real disk.
  await loadEncoders();
  const world = new World(options);
  await world.open(options.workflows ?? []);
  return world;
}

/** A simulated world. Every method lets time pass until it has its answer. */
export class World {
  readonly #random: Random;
  readonly #timeline = new Timeline();
  readonly #wall: WallClock;
  readonly #trace = new Trace();
  readonly #lives: Lives;
  readonly #workflows = new Map<string, string>();
  #client: Client | undefined;
  #probabilities: Probabilities = NO_FAULTS;
  readonly #faults: Probabilities;
  readonly #model: ReferenceModel;
  readonly #seed: number | string;
  readonly #machines: readonly string[];
  readonly #isScripted: boolean;
  #checked = 0;
  #wrong: unknown;
  #ids = 0;

  constructor(options: SimulationOptions) {
    const {
      seed = 1,
      workflows = [],
      functions,
      predicates,
      answers,
      embeddings,
      machines,
      actors,
      faults = {},
      latency,
    } = options;
    this.#seed = seed;
    this.#random = randomOf(seed);
    const plans = new Map(
      workflows.flatMap((document) => withInline(parseDocument(document))).map((plan) => [plan.name, plan]),
    );
    this.#model = new ReferenceModel((workflow) => plans.get(workflow), judge, embeddings);
    this.#wall = { offset: options.startAt ?? Date.UTC(2026, 0, 1) };
    this.#faults = probabilitiesOf(faults);
    const providers = answers === undefined ? {} : providersOf([...plans.values()]);
    this.#machines = Object.keys(machines ?? {});
    this.#isScripted = answers !== undefined;
    this.#lives = new Lives({
      timeline: this.#timeline,
      wall: this.#wall,
      random: this.#random.fork('processes'),
      latency,
      unsteady: this.#faults.clockJumps > 0,
      probabilities: () => this.#probabilities,
      observe: (observation) => this.#observe(observation),
      fermata: {
        // Nobody outside of the world is asked.
        environment: {},
        config: {
          providers,
          ...(functions === undefined ? {} : { functions }),
          ...(predicates === undefined ? {} : { predicates }),
          ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
          ...(machines === undefined ? {} : { machines }),
          ...(actors === undefined ? {} : { actors }),
        },
        ...(answers === undefined ? {} : { actors: scripted(answers) }),
        embed: scriptedEmbeddings(embeddings),
        prices: options.prices ?? simulatedPrices,
        newId: () => `id-${String(++this.#ids).padStart(6, '0')}`,
      },
    });
  }

  /** Called once, by `simulate`. */
  async open(documents: readonly WorkflowDocument[]): Promise<void> {
    const { workflows } = await this.#until(
      this.#lives.start().then(() => this.#lives.whenUp().then(({ fermata }) => fermata)),
    );
    for (const document of calledFirst(documents)) {
      const { id, name } = await this.#until(workflows.create(document));
      this.#workflows.set(name, id);
    }
    this.#client = new Client({
      lives: this.#lives,
      timeline: this.#timeline,
      random: this.#random.fork('client'),
      probabilities: () => this.#probabilities,
      observe: (observation) => this.#observe(observation),
    });
    this.#probabilities = this.#faults;
  }

  /** What the clock of this world says, in milliseconds since 1970. */
  get now(): number {
    return Math.trunc(this.#wall.offset + this.#timeline.elapsed);
  }

  /** The Fermata that is alive now, for everything that has no method here. Throws `shuttingDown` while none is. */
  get fermata(): Fermata {
    if (this.#lives.up !== undefined) return this.#lives.up.fermata;
    throw new FermataError('shuttingDown', 'No process is alive in this world now. Call advance() until one is.');
  }

  /** What is committed: to look into, not to change. */
  get database(): MemoryDatabase {
    return this.#lives.database;
  }

  /** Every call that has left a process, repeats included, in order. */
  get calls(): readonly SeenCall[] {
    return this.#trace.seen.flatMap((seen) => (seen.kind === 'call' ? [seen.call] : []));
  }

  /** Everything that was observed so far, and as lines for people. */
  get trace(): Pick<Trace, 'seen' | 'lines'> {
    return this.#trace;
  }

  /** Of everything that was observed: the same for the same seed and the same calls. */
  get traceHash(): string {
    return this.#trace.hash;
  }

  /** Starts a run of a workflow, or of a machine, by its name. Throws as the API does. */
  async start(name: string, { input, tags, key = this.#newKey() }: StartRequest = {}): Promise<string> {
    const workflow = this.#workflows.get(name);
    if (workflow === undefined && !this.#machines.some((machine) => machine === name || machine.startsWith(`${name}@`)))
      throw this.#unknown(name);
    const path =
      workflow === undefined ? `/machines/${encodeURIComponent(name)}/runs` : `/workflows/${workflow}/execute`;
    const body = { ...(input === undefined ? {} : { input }), ...(tags === undefined ? {} : { tags }) };
    const answer = await this.#command({ method: 'POST', path, body, key }).catch((thrown: unknown) => {
      throw this.#isScripted ? thrown : unanswered(name, thrown);
    });
    return (answer as { readonly runId: string }).runId;
  }

  /**
   * Lets time pass until a run has ended, or `until` is true of it, or nothing more happens without somebody from
   * outside: whichever is first. Throws `simulationStuck` where it waits for something that is not in this world.
   */
  async run(runId: string, until: (run: RunView) => boolean = ({ endedAt }) => endedAt !== null): Promise<RunView> {
    const latest = this.#timeline.elapsed + LONGEST_RUN_MS;
    let quietSince: number | undefined;
    for (;;) {
      if (this.#probabilities === NO_FAULTS) await this.#release(runId);
      const seen = this.#lives.commits.get(runId) ?? 0;
      const view = await this.read(runId);
      if (until(view)) return view;
      while ((this.#lives.commits.get(runId) ?? 0) === seen) {
        const isQuiet = this.#timeline.quiet && this.#lives.settled;
        quietSince = isQuiet ? (quietSince ?? this.#timeline.elapsed) : undefined;
        if (await this.#timeline.step(quietSince === undefined ? latest : quietSince + QUIET_MS)) continue;
        if (quietSince === undefined) throw this.#stuck();
        return this.read(runId);
      }
    }
  }

  /** Three crashes that this world has made may have met in one call: once nothing goes wrong any more, it may try again. */
  async #release(runId: string): Promise<void> {
    const runs = [...this.database.runs.values()].map(({ origin }) => origin);
    await this.#alive(async ({ runtime }) => {
      for (const { run, parent } of runs)
        if ((run === runId || parent !== undefined) && runtime.isQuarantined(run)) await runtime.release(run);
      return true;
    });
  }

  /** Lets that much time pass, with everything that comes due in it. */
  async advance(duration: Duration): Promise<void> {
    const until = this.#timeline.elapsed + toMs(duration);
    await this.#timeline.settle();
    while (await this.#timeline.step(until));
    this.#timeline.moveTo(until);
  }

  /** A run as it is committed. Throws `notFound`. */
  read(runId: string): Promise<RunView> {
    return this.#alive(({ runtime }) => runtime.read(runId));
  }

  /** Statuses of a run's tasks by name; those that never began may be absent. Throws `notFound`. */
  async tasks(runId: string): Promise<Readonly<Record<string, TaskStatus>>> {
    const rows = await this.#alive(({ runtime }) => runtime.tasks(runId, { limit: 1_000_000 }));
    return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
  }

  /** The facts of a run, from its journal. Throws `notFound`. */
  async facts(runId: string): Promise<readonly SeenFact[]> {
    const entries = await this.#alive(({ runtime }) => runtime.journal(runId, { kind: 'fact', limit: 1_000_000 }));
    return entries.map(({ factSeq, at, type, data }) => ({
      run: runId,
      seq: factSeq ?? 0,
      at,
      type,
      data: data as SeenFact['data'],
    }));
  }

  /** Decides on a task that awaits approval. Throws as the API does: `notAwaitingApproval`, `alreadyDecided`, … */
  async approve(
    runId: string,
    task: string,
    decision: { readonly approved: boolean; readonly reason?: string; readonly by?: string },
  ): Promise<void> {
    // Its name tells its own decision from another one's, where the reply was lost.
    const body = { by: this.#newKey(), ...decision };
    await this.#command(
      { method: 'POST', path: `${pathOf(runId)}/tasks/${encodeURIComponent(task)}/approve`, body },
      ({ code, data }) =>
        code === 'alreadyDecided' && (data?.['decision'] as { by?: string } | undefined)?.by === body.by,
    );
  }

  /** Sends an event from outside; it is taken once. Throws as the API does. */
  async send(
    runId: string,
    event: { readonly type: string; readonly id?: string; readonly [field: string]: unknown },
  ): Promise<void> {
    await this.#command({ method: 'POST', path: `${pathOf(runId)}/events`, body: { id: this.#newKey(), ...event } });
  }

  /** Cancels a run. Throws as the API does. */
  async cancel(runId: string, reason = 'Cancelled.'): Promise<void> {
    await this.#command(
      { method: 'POST', path: `${pathOf(runId)}/cancel`, body: { reason } },
      ({ code }) => code === 'runEnded',
    );
  }

  /** Cancels a task, begun or not. Throws as the API does. */
  async cancelTask(runId: string, task: string, reason = 'Cancelled.'): Promise<void> {
    const path = `${pathOf(runId)}/tasks/${encodeURIComponent(task)}/cancel`;
    await this.#command({ method: 'POST', path, body: { reason } }, ({ code }) => code === 'taskSettled');
  }

  /**
   * Tries a task again: in its run where it is in doubt, in a new one where it has come to nothing. Answers with the run
   * in which it is tried. Throws as the API does.
   */
  async retry(runId: string, task: string): Promise<string> {
    const path = `${pathOf(runId)}/tasks/${encodeURIComponent(task)}/retry`;
    const isDone = ({ code }: FermataError): boolean => code === 'wrongState' || code === 'taskSettled';
    const answer = await this.#command({ method: 'POST', path, key: this.#newKey() }, isDone);
    return (answer as { readonly runId?: string } | undefined)?.runId ?? runId;
  }

  /** Starts a fork of a run, or tries again what did not succeed in it (`{ retry: true }`). Throws as the API does. */
  async fork(
    runId: string,
    request: { readonly fromTask: string } | { readonly atSeq: number } | { readonly retry: true },
    edits: Readonly<Record<string, { readonly prompt?: string; readonly output?: unknown }>> = {},
  ): Promise<string> {
    const isRetry = 'retry' in request;
    const path = `${pathOf(runId)}/${isRetry ? 'retry' : 'fork'}`;
    const body = isRetry ? {} : { ...request, edits };
    const answer = await this.#command({ method: 'POST', path, body, key: this.#newKey() });
    return (answer as { readonly runId: string }).runId;
  }

  /** Pauses a run: no more tasks begin. Throws as the API does. */
  async pause(runId: string): Promise<void> {
    await this.#command({ method: 'POST', path: `${pathOf(runId)}/pause` }, ({ code }) => code === 'wrongState');
  }

  /** Goes on after a pause. Throws as the API does. */
  async resume(runId: string): Promise<void> {
    await this.#command({ method: 'POST', path: `${pathOf(runId)}/resume` }, ({ code }) => code === 'wrongState');
  }

  /** Any request of the API; errors are answers here. Paths begin behind `/api/v1`. */
  request(request: ApiRequest): Promise<ApiAnswer> {
    return this.#until(this.#http.ask(request));
  }

  /** The process dies where it stands; the next one begins after `downFor`. Answers once that one is there. */
  async crash(downFor: Duration = 0): Promise<void> {
    await this.#until(this.#lives.whenUp());
    this.#lives.crash(toMs(downFor));
    await this.#until(this.#lives.whenUp());
  }

  /** The process stops in good order, and the next one begins. */
  async restart(): Promise<void> {
    if (await this.#until(this.#lives.stop())) await this.#until(this.#lives.start());
    await this.#until(this.#lives.whenUp());
  }

  /** From now on nothing goes wrong. */
  heal(): void {
    this.#probabilities = NO_FAULTS;
  }

  /** The clock is set, ahead or (negative) back; timers go on as they were. */
  setClock(byMs: number): void {
    this.#wall.offset += byMs;
    this.#observe({ kind: 'clock', byMs });
  }

  /**
   * Throws where something that was observed so far breaks what is promised of runs of documents: order, numbers, attempts,
   * dates, keys, results (`reference-model.ts` lists the promises). The error shows what led there.
   */
  check(): void {
    this.#lookIntoLedger();
    if (this.#wrong !== undefined) throw this.#wrong;
    for (const seen of this.#trace.seen.slice(this.#checked)) {
      this.#checked++;
      try {
        this.#model.see(seen);
      } catch (thrown) {
        throw this.#explained(thrown);
      }
    }
  }

  /** `heal`, and waits until nothing more happens; then `check`, and whether every run has ended as it is shown. */
  async finish(): Promise<void> {
    this.heal();
    for (const run of this.#lives.commits.keys()) if (!keepsBudget(run)) await this.run(run);
    // What the last of them gives back is on its way.
    if ([...this.#lives.commits.keys()].some(keepsBudget)) await this.advance(QUIET_MS);
    this.check();
    try {
      await this.#model.finish(async (run) => {
        const { status, output, counts } = await this.read(run);
        return { status, output, counts, tasks: await this.tasks(run), facts: await this.facts(run) };
      });
      if (
        [...this.database.runs.values()].every(({ origin, state }) => keepsBudget(origin.run) || state.endedAt !== null)
      )
        checkAllGivenBack(this.database);
    } catch (thrown) {
      throw this.#explained(thrown);
    }
  }

  /** Stops the process. */
  async close(): Promise<void> {
    this.heal();
    await this.#until(this.#lives.stop());
  }

  /** A command, or what it was refused with, unless `done` sees that it was taken at the first time. */
  async #command(request: ApiRequest, done: (error: FermataError) => boolean = () => false): Promise<unknown> {
    const answer = await this.request(request);
    if (answer.status < 400) return answer.body;
    const error = errorOf(answer);
    if (answer.again && done(error)) return undefined;
    throw error;
  }

  /** Asks the process that is alive, and where it dies the next one. */
  async #alive<T>(ask: (fermata: Fermata) => Promise<T>): Promise<T> {
    for (;;) {
      const { process, fermata } = await this.#until(this.#lives.whenUp());
      const died = Symbol('died');
      const answer = await this.#until(Promise.race([ask(fermata).catch(orLater), process.died.then(() => died)]));
      if (answer !== died && answer !== undefined) return answer as T;
      await this.advance(1);
    }
  }

  /** Lets time pass until a promise has settled. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => void (isSettled = true);
    promise.then(settled, settled);
    await this.#timeline.settle();
    while (!isSettled) {
      const went = await this.#timeline.step();
      if (!went && !isSettled) throw this.#stuck();
    }
    return promise;
  }

  #unknown(name: string): FermataError {
    const known = [...this.#workflows.keys(), ...this.#machines];
    return new FermataError(
      'notFound',
      `This world has nothing that is called "${name}"; there are: ${known.join(', ') || 'none'}. Give it to simulate(), ` +
        'as one of its workflows or machines.',
    );
  }

  #stuck(): FermataError {
    const story = this.#trace.lines.slice(-SHOWN_LINES).join('\n');
    return new FermataError(
      'simulationStuck',
      `Nothing is left to happen in this world, and still something is waited for. Does a function or an effect wait for the real world, or for something that is not there? The last that was seen:\n${story}`,
    );
  }

  get #http(): Client {
    if (this.#client !== undefined) return this.#client;
    throw new FermataError('shuttingDown', 'This world is not open. Make it with simulate().');
  }

  #explained(thrown: unknown): unknown {
    if (!(thrown instanceof FermataError) || thrown.code !== 'simulationFailed') return thrown;
    const story = this.#trace.lines.slice(0, this.#checked).slice(-SHOWN_LINES).join('\n');
    return new FermataError('simulationFailed', `${thrown.message} (seed ${this.#seed})\n${story}`, {
      cause: thrown,
      ...(thrown.data === undefined ? {} : { data: thrown.data }),
    });
  }

  #newKey(): string {
    return `key-${++this.#ids}`;
  }

  #lookIntoLedger(): void {
    this.#lookInto(() => {
      checkLedger(this.#lives.database);
      checkSharedBudgets(this.#lives.database);
    });
  }

  #lookInto(look: () => void): void {
    try {
      look();
    } catch (thrown) {
      this.#wrong ??= this.#explained(thrown);
    }
  }

  #observe(observation: Observation): void {
    this.#trace.add(observation, this.#timeline.elapsed);
    // As the next process finds it; a budget is held at each commit.
    if (observation.kind === 'crash') this.#lookIntoLedger();
    else if (observation.kind === 'commit' && observation.runs.some(({ run }) => keepsBudget(run)))
      this.#lookInto(() => checkSharedBudgets(this.#lives.database));
  }
}

/** A document, and those that stand inside of it. */
function withInline(definition: Definition): readonly Definition[] {
  const inside = subworkflowsOf(definition).flatMap(({ call: { workflow } }) =>
    'document' in workflow ? withInline(parseDocument(workflow.document)) : [],
  );
  return [definition, ...inside];
}

/** Whoever runs another workflow is stored after it; a circle is in no order, and is refused as it would be elsewhere. */
function calledFirst(documents: readonly WorkflowDocument[]): readonly WorkflowDocument[] {
  const byName = new Map(documents.map((document) => [document.name, document]));
  const ordered = new Set<WorkflowDocument>();
  const seen = new Set<WorkflowDocument>();
  const visit = (document: WorkflowDocument): void => {
    if (seen.has(document)) return;
    seen.add(document);
    for (const inner of withInline(parseDocument(document)))
      for (const { call } of subworkflowsOf(inner)) {
        const called = byName.get(call.workflow.name);
        if (called !== undefined && !('document' in call.workflow)) visit(called);
      }
    ordered.add(document);
  };
  for (const document of documents) visit(document);
  return [...ordered];
}

function pathOf(runId: string): string {
  return `/runs/${encodeURIComponent(runId)}`;
}

/** What a server would want is a key; what a world wants is a script. */
function unanswered(workflow: string, thrown: unknown): unknown {
  if (!(thrown instanceof FermataError) || thrown.code !== 'providerMissing') return thrown;
  return new FermataError(
    'providerMissing',
    `Workflow "${workflow}" asks a model, and this world has no answers. Give simulate() some: ` +
      'answers: ({ task, prompt }) => "what the model says".',
    { cause: thrown },
  );
}

/** What fails because of a fault is asked again. */
function orLater(thrown: unknown): undefined {
  if (thrown instanceof FermataError && thrown.status === 503) return undefined;
  throw thrown;
}

/** Those who would ask models. */
function scripted(answers: Answers): NonNullable<RuntimeOptions['actors']> {
  const calls = scriptedModel(answers);
  return { modelCall: calls, verify: verify(calls) };
}

/** Every provider that a document names: its models are scripted, and nobody is called. */
function providersOf(definitions: readonly Definition[]): Providers {
  const named = definitions.flatMap(callsOf).flatMap(({ provider }) => (provider === undefined ? [] : [provider]));
  return Object.fromEntries(['openai', ...named].map((name) => [name, { apiKey: 'simulated' }]));
}
