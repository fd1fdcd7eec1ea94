/**
 * The one composition root: serve, demo, the command line's embedded run, the embedded API of workflows and the tests
 * all come through here. Choices are made here and nowhere else: a long file, so that they can be read in one place.
 */
import { hash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { findFunction } from '../actors/code-function.ts';
import { code } from '../actors/code.ts';
import { CommittedShared } from '../actors/shared-source.ts';
import { compare } from '../actors/compare.ts';
import { embeddings, type Embed } from '../actors/model/embedding.ts';
import { recall } from '../actors/recall.ts';
import { Lines } from '../actors/recall/lines.ts';
import { modelCall } from '../actors/model-call.ts';
import { subworkflow } from '../actors/subworkflow.ts';
import { verify } from '../actors/verify.ts';
import { inputTokens } from '../actors/model/input-tokens.ts';
import { findProvider, openaiFromEnvironment, providerSecrets, type Providers } from '../actors/model/provider.ts';
import { toRequest } from '../actors/model/request.ts';
import { sharedBudgetMachine } from '../machines/shared-budget.ts';
import { budgetMachine } from '../machines/budget.ts';
import { planExecuteReflectMachine } from '../machines/plan-execute-reflect.ts';
import { sharedMachine } from '../machines/shared-space.ts';
import { taskMachine } from '../machines/task.ts';
import { taskMachine as taskMachine1 } from '../machines/workflow-1/task.ts';
import { workflowMachine as workflowMachine1 } from '../machines/workflow-1/workflow.ts';
import { workflowMachine } from '../machines/workflow.ts';
import { pause, systemClock, systemLoop, type Clock, type EventLoop } from './clock.ts';
import { checkConfig, checkEnvironment } from './check-config.ts';
import type { FermataClient } from './client/index.ts';
import type { FermataConfig } from './config.ts';
import type { PriceBook } from './cost/price-book.ts';
import { Tokenizer } from './cost/tokens.ts';
import { embeddedApi } from './embedded-api.ts';
import { FermataError } from './errors.ts';
import { checkWrittenArguments, readArguments } from './document/arguments.ts';
import { budgetProjection, prepareBudget, withBounds, withBudget } from './document/budget.ts';
import type { InputTokensOf } from './document/candidates.ts';
import { assertAllRunnable, callsOf, type AssertRunnable } from './document/calls.ts';
import type { WorkflowDocument } from './document/schema.ts';
import { beginChildRun, type ChildRequest } from './document/child-runs.ts';
import { findPredicate, type Predicates } from './document/condition.ts';
import { BudgetReports } from './document/budget-reports.ts';
import { CostReports } from './document/costs.ts';
import { EarlierRuns } from './document/estimate/earlier-runs.ts';
import { Estimates } from './document/estimates.ts';
import { Etas } from './document/etas.ts';
import { foreseeing, type Foresee } from './document/preflight.ts';
import { keysWith } from './document/answer-cache.ts';
import { answersProjection } from './document/answers.ts';
import type { Definition } from './document/definition.ts';
import { originsIn } from './document/fork/origins-of.ts';
import { outsideEvents, withKeptEvents } from './document/outside-events.ts';
import { inBrief } from './document/in-brief.ts';
import { CACHE_BOUNDS, KeptAnswers } from './document/kept-answers.ts';
import type { DefinitionOf } from './document/definition-of.ts';
import { assertPriced, budgetOf } from './document/priced.ts';
import { pricesIn } from './document/prices.ts';
import { prepareRounds } from './document/preparation/rounds.ts';
import { tierOf } from './document/models.ts';
import { BYTES_PER_TOKEN } from './document/estimate/prompt-length.ts';
import { prepareTask, type KnownToTasks } from './document/preparation/task.ts';
import { prepareWorkflow } from './document/preparation/workflow.ts';
import { ledgerProjection } from './document/ledger.ts';
import { documentProjection, progressOf } from './document/projection.ts';
import { checkAnswer } from './document/response.ts';
import { prepareShared, withSharing } from './document/shared-context.ts';
import { withTime } from './document/waits.ts';
import type { SharedBudgets } from './document/shared-budget-spec.ts';
import {
  addressedBudget,
  budgetsIn,
  configuredFor,
  sayBudgetFarewell,
  sharedBudgetProjection,
  sharedBudgetRegistration,
  type BudgetFor,
} from './document/shared-budgets.ts';
import { startWorkflow, type StartRequest } from './document/start.ts';
import { Workflows } from './document/workflows.ts';
import { redactor, secretVariables } from './http/redact.ts';
import type { MachineRegistration } from './runtime/registration.ts';
import { createRuntime, type Runtime, type RuntimeOptions, type Started } from './runtime/runtime.ts';
import type { Machine } from './runtime/xstate.ts';
import type { MaybePromise } from './store/maybe-promise.ts';
import type { RunStatus } from './store/runs.ts';
import type { Store } from './store/store.ts';
import type { WorkflowFilter, WorkflowRow } from './store/workflows.ts';

/** What a Fermata is made of. */
export interface FermataOptions {
  readonly store: Store;
  readonly config?: FermataConfig;
  /** Where `OPENAI_API_KEY` and `OPENAI_BASE_URL` are read from; default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** In place of the built-in prices of models; those of `config.prices` come before it. */
  readonly prices?: PriceBook;
  readonly clock?: Clock;
  /** What drives the work; default: the event loop of this process. */
  readonly loop?: EventLoop;
  /** Makes the ids of runs and workflows, in ascending order; default: UUIDs of version 7. */
  readonly newId?: () => string;
  /** In place of the effects of this house (`modelCall`, `code`), which the tasks of documents call by these names. */
  readonly actors?: RuntimeOptions['actors'];
  /** Who makes the vectors of questions; default: the providers of the configuration. */
  readonly embed?: Embed;
  readonly log?: RuntimeOptions['log'];
  readonly onFatal?: RuntimeOptions['onFatal'];
  readonly crashPoint?: RuntimeOptions['crashPoint'];
  readonly around?: RuntimeOptions['around'];
  readonly maxInFlight?: number;
  readonly passive?: RuntimeOptions['passive'];
  /** For one document, looked at by itself: the workflows that its tasks run by name need not be there. */
  readonly alone?: boolean;
  readonly opened?: RuntimeOptions['opened'];
  readonly tags?: RuntimeOptions['tags'];
  /** By the tags of a run: why nothing is asked of a provider for it in this process. What it would ask waits. Default: all may. */
  readonly withheldFrom?: (tags: readonly string[]) => FermataError | undefined;
  /** By the tags of a run: a name for kept answers that serve no others than each other. Default: none are kept apart. */
  readonly answersApart?: (tags: readonly string[]) => string | undefined;
}

/** What costs money. A run that another one begins would not have the tags of that. */
const ASKS_PROVIDERS: ReadonlySet<string> = new Set(['modelCall', 'compare', 'verify', 'subworkflow']);

/** A running Fermata: the durable actor system, and the documents that its workflow machine interprets. */
export interface Fermata {
  readonly runtime: Runtime;
  readonly workflows: Workflows;
  /**
   * The verbs and views of the HTTP API, without HTTP: the typed client of `fermata/client`, answered in this process. What
   * is written against it runs against a server as well. Throws `FermataClientError`, with the same codes: `isFermataError`
   * knows both.
   *
   * @example
   * await fermata.api.approve(runId, 'publish', { approved: true, by: 'Ada' })
   * const { tasks } = await fermata.api.results(runId)
   */
  readonly api: FermataClient;
  /**
   * Starts a run of a document, or of a stored one by its name. A document is stored where it is new, and is a new version
   * where it has changed.
   *
   * @throws FermataError `invalidDocument`, `invalidInput` with every fault; `notFound`; what `assertRunnable` throws
   * @example
   * const { runId } = await fermata.start(research, { input: { topic: 'tea' } })
   * console.log((await fermata.runtime.waitFor(runId)).output)
   */
  start(workflow: WorkflowDocument | string, request?: StartRequest): Promise<Started>;
  /**
   * Throws `providerMissing`, `functionMissing` or `invalidArgument` where a run of the definition, or of a workflow that
   * its tasks run, could not do its work here, and `priceUnknown` where it has a budget, and a model no price.
   */
  assertRunnable(definition: Definition, config?: StartRequest['config']): Promise<void>;
  /** Throws `priceUnknown` with every model of a definition that nobody knows the price of. */
  assertPriced(definition: Definition): Promise<void>;
  /** What models cost. */
  readonly costs: CostReports;
  /** What runs would cost. */
  readonly estimates: Estimates;
  /** When runs will have ended. */
  readonly etas: Etas;
  /** What a run that begins will cost; refuses one that its budget cannot pay. */
  readonly foresee: Foresee;
  /** Which budgets a run has that begins. */
  readonly budgetFor: BudgetFor;
  /** Budgets of several runs, as they stand. */
  readonly budgets: Pick<BudgetReports, 'current' | 'list' | 'one'>;
  /** The answers that serve again. */
  readonly cache: Pick<KeptAnswers, 'report' | 'list' | 'forget' | 'trim'> & Pick<Lines, 'leaderOf'>;
  /** The newest version of each workflow as it is stored: lists need not read the documents. */
  workflowRows(filter: WorkflowFilter): Promise<readonly WorkflowRow[]>;
  close(): Promise<void>;
}

/**
 * The machines that interpret documents, every version that runs may be at: a changed one gets a new name, and the one
 * before it stays (docs/decisions/006). New runs get the newest.
 */
function builtInMachines(
  definitionOf: DefinitionOf,
  predicates: Predicates,
  known: KnownToTasks & { readonly assertRunnable: AssertRunnable; readonly budgets: SharedBudgets },
): Readonly<Record<`${'workflow' | 'budget'}@${number}`, MachineRegistration>> {
  const { originsOf, assertRunnable, budgets } = known;
  return {
    'budget@1': {
      ...sharedBudgetRegistration(budgets),
      machine: sharedBudgetMachine,
      definition: definitionText(sharedBudgetMachine),
    },
    'workflow@1': workflowRegistration(definitionOf, predicates, workflowMachine1, taskMachine1),
    'workflow@2': {
      ...workflowRegistration(definitionOf, predicates, workflowMachine, taskMachine),
      definition: definitionText(workflowMachine, taskMachine, planExecuteReflectMachine, sharedMachine, budgetMachine),
      prepare: {
        '': withBudget(
          withSharing(
            definitionOf,
            withKeptEvents(definitionOf, prepareWorkflow(definitionOf, assertRunnable, originsOf)),
            originsOf,
          ),
        ),
        task: withTime(inBrief(withBounds(known.measures.inputTokensOf, prepareTask(definitionOf, predicates, known)))),
        shared: prepareShared(definitionOf, originsOf),
        budget: prepareBudget,
        'task>planExecuteReflect': prepareRounds(definitionOf),
      },
      outside: outsideEvents(definitionOf),
      farewell: sayBudgetFarewell,
    },
  };
}

/** A workflow machine with everything the runtime should know about it. */
function workflowRegistration(
  definitionOf: DefinitionOf,
  predicates: Predicates,
  workflow: Machine,
  task: Machine,
): MachineRegistration {
  return {
    machine: workflow,
    definition: definitionText(workflow, task),
    status: (snapshot) => snapshot.value as RunStatus,
    outcome: (snapshot) => snapshot.output as { output: unknown; reason: unknown },
    prepare: { '': prepareWorkflow(definitionOf), task: prepareTask(definitionOf, predicates) },
    callTimers: { task: ['attemptTimeout'] },
    progress: progressOf,
  };
}

/** Machines do not change, and to write them was a third of opening a file that is there. */
const definitionTexts = new WeakMap<Machine, string>();

/** Without the source of functions: the package holds other texts of them than the clone. */
function definitionText(...machines: readonly Machine[]): string {
  const textOf = (machine: Machine): string => {
    const text = definitionTexts.get(machine) ?? JSON.stringify(machine.definition);
    definitionTexts.set(machine, text);
    return text;
  };
  return `[${machines.map(textOf).join(',')}]`;
}

/**
 * Values that must appear in no log, no error and no inspector: all that providers are reached with, and the variables
 * whose names say that they are secret.
 */
export function secretsOf(
  config: FermataConfig,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const openai = openaiFromEnvironment(environment);
  return [...providerSecrets({ openai }), ...providerSecrets(config.providers ?? {}), ...secretVariables(environment)];
}

/**
 * Opens the store, registers everything, recovers, and begins to work. Throws `invalidConfig`, and what `createRuntime`
 * throws.
 */
export async function compose(options: FermataOptions): Promise<Fermata> {
  const {
    store,
    config = {},
    clock = systemClock,
    loop = systemLoop,
    newId = () => uuid(),
    environment = process.env,
  } = options;
  checkConfig(config);
  // A provider of the configuration takes its place.
  if (config.providers?.['openai'] === undefined) checkEnvironment(environment);
  const tenant = 'default';
  const workflows = new Workflows({
    store,
    tenant,
    now: () => clock.now(),
    newId,
    hash: hashOf,
    ...(options.alone === true ? { alone: true } : {}),
    letOthers: () => pause(loop),
  });
  const originsOf = originsIn(store);
  const definitionOf: DefinitionOf = (rows) => {
    const { workflowId = '', workflowVersion = 0 } = rows.origin;
    const prompts = originsOf(rows)?.prompts;
    return rows.read('definition', () => workflows.definition(workflowId, workflowVersion, prompts));
  };
  const providers: Providers = { openai: openaiFromEnvironment(environment), ...config.providers };
  const redact = redactor(secretsOf(config, environment));
  const { functions = {}, predicates = {}, budgets = {}, tiers = {} } = config;
  const assertRunnable: AssertRunnable = (definition) => {
    for (const { provider, tier, called, given, predicate, task } of callsOf(definition)) {
      if (provider !== undefined) findProvider(providers, provider);
      if (tier !== undefined) for (const one of tierOf(tiers, tier)) findProvider(providers, one.provider);
      if (called !== undefined) {
        const found = findFunction(functions, called, task);
        if (given !== undefined && typeof found !== 'function')
          checkWrittenArguments(found.input, given, { task, function: called });
      }
      if (predicate !== undefined) findPredicate(predicates, predicate);
    }
  };
  const pricesBook = (): MaybePromise<PriceBook> => options.prices ?? builtInPrices();
  const pricesOf = pricesIn({
    open: pricesBook,
    given: config.prices ?? {},
    baseUrlOf: (name) => providers[name]?.baseUrl,
  });
  const assertPricedNow = async (definition: Definition): Promise<void> => {
    const book = await pricesBook();
    assertPriced(definition, pricesOf({ read: () => book as never }, definition, clock.now()), tiers);
  };
  const assertAll: Fermata['assertRunnable'] = async (definition, asked) => {
    await assertAllRunnable(definition, workflows, assertRunnable);
    if (budgetOf(definition, asked) !== undefined || configuredFor(definition.name, budgets).length > 0)
      await assertPricedNow(definition);
  };
  const cache = new KeptAnswers({
    store,
    tenant,
    bounds: { ...CACHE_BOUNDS, ...config.cache },
    now: () => clock.now(),
    hash: hashOf,
    pause: () => pause(loop),
    log: options.log ?? (() => {}),
  });
  // Known before anything is recovered, and so before any task begins a run.
  let opened: Runtime | undefined;
  let hears = false;
  // Not before the first look: a listener costs something with every fact, and most documents keep no answers.
  const hear = (): void => {
    if (!hears)
      opened?.subscribe(undefined, (fact) => (fact.type === 'cache_missed' ? cache.missed() : lines.heard(fact)));
    hears = opened !== undefined;
  };
  const lines = new Lines({
    find(key) {
      hear();
      return store.answer(tenant, key, clock.now());
    },
    isBlocked: (run) => opened?.takesNothing(run) ?? false,
    clock,
  });
  const running = (): Runtime => opened ?? unopened();
  const budgetFor = budgetsIn(budgets, running);
  const budgetReports = new BudgetReports({ configured: budgets, runtime: running });
  const earlier = new EarlierRuns(
    {
      completed: async (workflowId, limit) =>
        (await running().list({ workflowId, status: 'completed', limit })).map(({ runId }) => runId),
      tasks: (runId, page) => running().tasks(runId, page),
    },
    () => clock.now(),
    () => pause(loop),
  );
  const estimates = new Estimates({
    workflows,
    store,
    tenant,
    prices: async () => {
      const book = options.prices ?? (await builtInPrices());
      return (definition) => pricesOf({ read: () => book as never }, definition, clock.now());
    },
    now: () => clock.now(),
    letOthers: () => pause(loop),
    tiers,
    comparing: config.cache,
    earlier,
  });
  const tokenizer = new Tokenizer();
  const calls = modelCall({ providers, checkAnswer, clock, redact });
  const runtime = await createRuntime({
    store,
    machines: {
      ...config.machines,
      ...builtInMachines(definitionOf, predicates, {
        originsOf,
        pricesOf,
        measures: {
          tiers,
          inputTokensOf: inputTokensIn(tokenizer),
          learnedOf: (rows, workflow) => rows.read('what runs have taught', () => estimates.learnedFrom([workflow])),
        },
        keyOf: keysWith({
          hash: hashOf,
          comparing: config.cache,
          apart: options.answersApart,
          countOf(rows, text, model) {
            rows.read(`how ${model} counts`, () => tokenizer.load(model));
            return tokenizer.count(text, model);
          },
        }),
        assertRunnable,
        budgets,
      }),
    },
    actors: {
      ...config.actors,
      modelCall: calls,
      recall: recall({ lines, checkAnswer, clock }),
      compare: compare({
        embed: options.embed ?? embeddings({ providers, redact }),
        vectors: store,
        answers: store,
        checkAnswer,
        clock,
        log: options.log ?? (() => {}),
      }),
      verify: verify(calls),
      code: code({
        functions,
        redact,
        readArguments,
        assertProvider: (name) => void findProvider(providers, name),
        shared: new CommittedShared(() => opened, options.log ?? (() => {})),
      }),
      subworkflow: subworkflow({
        begin: (request) =>
          beginChildRun({ runtime: running(), workflows, assertRunnable, budgetFor }, request as ChildRequest),
        clock,
      }),
      ...options.actors,
    },
    clock,
    loop,
    projections: [
      documentProjection(definitionOf),
      ledgerProjection(),
      budgetProjection(),
      sharedBudgetProjection(),
      answersProjection(),
    ],
    addressed: addressedBudget,
    tenant,
    newRunId: newId,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.onFatal === undefined ? {} : { onFatal: options.onFatal }),
    ...(options.crashPoint === undefined ? {} : { crashPoint: options.crashPoint }),
    ...(options.around === undefined ? {} : { around: options.around }),
    withheld: ({ src, tags }) => (ASKS_PROVIDERS.has(src) ? options.withheldFrom?.(tags) : undefined),
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
    ...(options.passive === undefined ? {} : { passive: options.passive }),
    opened(open) {
      opened = open;
      options.opened?.(open);
    },
    ...(options.tags === undefined ? {} : { tags: options.tags }),
  });
  // Not waited for: where it cannot be read now, whoever gives something back next lets the others go on.
  if (options.passive !== true)
    void budgetReports
      .lookAgain()
      .catch((thrown: unknown) => options.log?.('budgets could not be looked at', { error: String(thrown) }));
  const etas = new Etas({ runtime, workflows, earlier, now: () => clock.now(), letOthers: () => pause(loop) });
  const foresee = foreseeing(estimates, budgetReports);
  const stopping = new AbortController();
  const fermata: Fermata = {
    runtime,
    workflows,
    api: embeddedApi({
      fermata: () => fermata,
      log: (fields, message) => options.log?.(message, fields),
      stopping: stopping.signal,
    }),
    assertRunnable: assertAll,
    assertPriced: assertPricedNow,
    start: (workflow, request) =>
      startWorkflow({ runtime, workflows, assertRunnable: assertAll, foresee, budgetFor }, workflow, request),
    costs: new CostReports({ store, tenant, pause: () => pause(loop) }),
    estimates,
    etas,
    foresee,
    budgetFor,
    budgets: budgetReports,
    workflowRows: (filter) => store.workflows(tenant, filter),
    cache: {
      report: () => cache.report(),
      list: (asked) => cache.list(asked),
      forget: (which) => cache.forget(which),
      trim: () => cache.trim(),
      leaderOf: (asker) => lines.leaderOf(asker),
    },
    close: async () => {
      stopping.abort();
      await cache.close();
      await runtime.close();
      lines.close();
    },
  };
  return fermata;
}

/** How long prompts are, as the providers count. */
function inputTokensIn(tokenizer: Tokenizer): InputTokensOf {
  return (rows, task, call) => {
    rows.read(`how ${call.model} counts`, () => tokenizer.load(call.model));
    const request = toRequest({ ...call, task }, {});
    let said = 0;
    let expected = 0;
    const most = inputTokens(request, (text) => {
      const { tokens, by } = tokenizer.count(text, call.model);
      said += tokens;
      expected += by === 'encoder' ? tokens : tokens / BYTES_PER_TOKEN;
      return tokens;
    });
    // What stands around the texts is bounded generously.
    return { most, expected: Math.ceil(expected + (most - said) / BYTES_PER_TOKEN) };
  };
}

/** Loaded with the first price: it takes longer than many a command. */
async function builtInPrices(): Promise<PriceBook> {
  const { genaiPrices } = await import('./cost/genai-prices.ts');
  return genaiPrices();
}

function hashOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

function unopened(): never {
  throw new FermataError('internal', 'A task began a run before the runtime was open. Please report this.');
}

export { taskMachine, workflowMachine };
