/**
 * The one composition root: serve, demo, the command line's embedded run, the embedded API of workflows and the tests
 * all come through here. Choices are made here and nowhere else.
 */
import { hash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { findFunction } from '../actors/code-function.ts';
import { code } from '../actors/code.ts';
import { CommittedShared } from '../actors/shared-source.ts';
import { modelCall } from '../actors/model-call.ts';
import { subworkflow } from '../actors/subworkflow.ts';
import { findProvider, openaiFromEnvironment, providerSecrets, type Providers } from '../actors/model/provider.ts';
import { planExecuteReflectMachine } from '../machines/plan-execute-reflect.ts';
import { sharedMachine } from '../machines/shared-space.ts';
import { taskMachine } from '../machines/task.ts';
import { taskMachine as taskMachine1 } from '../machines/workflow-1/task.ts';
import { workflowMachine as workflowMachine1 } from '../machines/workflow-1/workflow.ts';
import { workflowMachine } from '../machines/workflow.ts';
import { pause, systemClock, systemLoop, type Clock, type EventLoop } from './clock.ts';
import { checkConfig, checkEnvironment } from './check-config.ts';
import type { FermataConfig } from './config.ts';
import { FermataError } from './errors.ts';
import { checkWrittenArguments, readArguments } from './document/arguments.ts';
import { assertAllRunnable, callsOf, type AssertRunnable } from './document/calls.ts';
import type { ExecuteRequest } from './document/execute.ts';
import type { WorkflowDocument } from './document/schema.ts';
import { beginChildRun, type ChildRequest } from './document/child-runs.ts';
import { findPredicate, type Predicates } from './document/condition.ts';
import type { Definition } from './document/definition.ts';
import { originsIn, type OriginsOf } from './document/fork/origins-of.ts';
import { outsideEvents, withKeptEvents } from './document/outside-events.ts';
import { inBrief } from './document/in-brief.ts';
import type { DefinitionOf } from './document/definition-of.ts';
import { prepareRounds } from './document/preparation/rounds.ts';
import { prepareTask } from './document/preparation/task.ts';
import { prepareWorkflow } from './document/preparation/workflow.ts';
import { documentProjection, progressOf } from './document/projection.ts';
import { checkAnswer } from './document/response.ts';
import { prepareShared, withSharing } from './document/shared-context.ts';
import { withTime } from './document/waits.ts';
import { startWorkflow } from './document/start.ts';
import { Workflows } from './document/workflows.ts';
import { redactor, secretVariables } from './http/redact.ts';
import type { MachineRegistration } from './runtime/catalog.ts';
import { createRuntime, type Runtime, type RuntimeOptions, type Started } from './runtime/runtime.ts';
import type { Machine } from './runtime/xstate.ts';
import type { RunStatus, Store, WorkflowFilter, WorkflowRow } from './store/store.ts';

/** What a Fermata is made of. */
export interface FermataOptions {
  readonly store: Store;
  readonly config?: FermataConfig;
  /** Where `OPENAI_API_KEY` and `OPENAI_BASE_URL` are read from; default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** What drives the work; default: the event loop of this process. */
  readonly loop?: EventLoop;
  /** Makes the ids of runs and workflows, in ascending order; default: UUIDs of version 7. */
  readonly newId?: () => string;
  /** In place of the effects of this house (`modelCall`, `code`), which the tasks of documents call by these names. */
  readonly actors?: RuntimeOptions['actors'];
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
}

/** A running Fermata: the durable actor system, and the documents that its workflow machine interprets. */
export interface Fermata {
  readonly runtime: Runtime;
  readonly workflows: Workflows;
  /**
   * Starts a run of a document, or of a stored one by its name. A document is stored where it is new, and is a new version
   * where it has changed.
   *
   * @throws FermataError `invalidDocument`, `invalidInput` with every fault; `notFound`; what `assertRunnable` throws
   * @example
   * const { runId } = await fermata.start(research, { input: { topic: 'tea' } })
   * console.log((await fermata.runtime.waitFor(runId)).output)
   */
  start(workflow: WorkflowDocument | string, request?: ExecuteRequest): Promise<Started>;
  /**
   * Throws `providerMissing`, `functionMissing` or `invalidArgument` where a run of the definition, or of a workflow that
   * its tasks run, could not do its work here.
   */
  assertRunnable(definition: Definition): Promise<void>;
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
  originsOf: OriginsOf,
  predicates: Predicates,
  assertRunnable: AssertRunnable,
): Readonly<Record<`workflow@${number}`, MachineRegistration>> {
  return {
    'workflow@1': workflowRegistration(definitionOf, predicates, workflowMachine1, taskMachine1),
    'workflow@2': {
      ...workflowRegistration(definitionOf, predicates, workflowMachine, taskMachine),
      definition: definitionText(workflowMachine, taskMachine, planExecuteReflectMachine, sharedMachine),
      prepare: {
        '': withSharing(
          definitionOf,
          withKeptEvents(definitionOf, prepareWorkflow(definitionOf, assertRunnable, originsOf)),
          originsOf,
        ),
        task: withTime(inBrief(prepareTask(definitionOf, predicates, originsOf))),
        shared: prepareShared(definitionOf, originsOf),
        'task>planExecuteReflect': prepareRounds(definitionOf),
      },
      outside: outsideEvents(definitionOf),
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

/** Without the source of functions: the package holds other texts of them than the clone. */
function definitionText(...machines: readonly Machine[]): string {
  return JSON.stringify(machines.map(({ definition }) => definition));
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
    pause: () => pause(loop),
  });
  const originsOf = originsIn(store);
  const definitionOf: DefinitionOf = (rows) => {
    const { workflowId = '', workflowVersion = 0 } = rows.origin;
    const prompts = originsOf(rows)?.prompts;
    return rows.read('definition', () => workflows.definition(workflowId, workflowVersion, prompts));
  };
  const providers: Providers = { openai: openaiFromEnvironment(environment), ...config.providers };
  const redact = redactor(secretsOf(config, environment));
  const { functions = {}, predicates = {} } = config;
  const assertRunnable: AssertRunnable = (definition) => {
    for (const { provider, called, given, predicate, task } of callsOf(definition)) {
      if (provider !== undefined) findProvider(providers, provider);
      if (called !== undefined) {
        const found = findFunction(functions, called, task);
        if (given !== undefined && typeof found !== 'function')
          checkWrittenArguments(found.input, given, { task, function: called });
      }
      if (predicate !== undefined) findPredicate(predicates, predicate);
    }
  };
  const assertAll = (definition: Definition): Promise<void> => assertAllRunnable(definition, workflows, assertRunnable);
  // Known before anything is recovered, and so before any task begins a run.
  let opened: Runtime | undefined;
  const running = (): Runtime => opened ?? unopened();
  const runtime = await createRuntime({
    store,
    machines: { ...config.machines, ...builtInMachines(definitionOf, originsOf, predicates, assertRunnable) },
    actors: {
      ...config.actors,
      modelCall: modelCall({ providers, checkAnswer, clock, redact }),
      code: code({
        functions,
        redact,
        readArguments,
        assertProvider: (name) => void findProvider(providers, name),
        shared: new CommittedShared(() => opened, options.log ?? (() => {})),
      }),
      subworkflow: subworkflow({
        begin: (request) => beginChildRun({ runtime: running(), workflows, assertRunnable }, request as ChildRequest),
        clock,
      }),
      ...options.actors,
    },
    clock,
    loop,
    projections: [documentProjection(definitionOf)],
    tenant,
    newRunId: newId,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.onFatal === undefined ? {} : { onFatal: options.onFatal }),
    ...(options.crashPoint === undefined ? {} : { crashPoint: options.crashPoint }),
    ...(options.around === undefined ? {} : { around: options.around }),
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
    ...(options.passive === undefined ? {} : { passive: options.passive }),
    opened(open) {
      opened = open;
      options.opened?.(open);
    },
    ...(options.tags === undefined ? {} : { tags: options.tags }),
  });
  return {
    runtime,
    workflows,
    assertRunnable: assertAll,
    start: (workflow, request) => startWorkflow({ runtime, workflows, assertRunnable: assertAll }, workflow, request),
    workflowRows: (filter) => store.workflows(tenant, filter),
    close: () => runtime.close(),
  };
}

function hashOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

function unopened(): never {
  throw new FermataError('internal', 'A task began a run before the runtime was open. Please report this.');
}

export { taskMachine, workflowMachine };
