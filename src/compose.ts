/**
 * The one composition root: serve, demo, the command line's embedded run, the embedded API of workflows and the tests
 * all come through here. Choices are made here and nowhere else.
 */
import { v7 as uuid } from 'uuid';
import { code, findFunction } from '../actors/code.ts';
import { modelCall } from '../actors/model-call.ts';
import { findProvider, openaiFromEnvironment, type Providers } from '../actors/model/provider.ts';
import { taskMachine } from '../machines/task.ts';
import { workflowMachine } from '../machines/workflow.ts';
import { systemClock, type Clock } from './clock.ts';
import type { FermataConfig } from './config.ts';
import type { Definition } from './document/definition.ts';
import { prepareTask, prepareWorkflow, type DefinitionOf } from './document/preparation.ts';
import { documentProjection, progressOf } from './document/projection.ts';
import { checkAnswer } from './document/response.ts';
import { Workflows } from './document/workflows.ts';
import type { MachineRegistration } from './runtime/catalog.ts';
import { createRuntime, type Runtime, type RuntimeOptions } from './runtime/runtime.ts';
import type { RunStatus, Store } from './store/store.ts';

/** What a Fermata is made of. */
export interface FermataOptions {
  readonly store: Store;
  readonly config?: FermataConfig;
  /** Where `OPENAI_API_KEY` and `OPENAI_BASE_URL` are read from; default: nowhere. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  readonly log?: RuntimeOptions['log'];
  readonly onFatal?: RuntimeOptions['onFatal'];
  readonly crashPoint?: RuntimeOptions['crashPoint'];
  readonly maxInFlight?: number;
  readonly passive?: RuntimeOptions['passive'];
}

/** A running Fermata: the durable actor system, and the documents that its workflow machine interprets. */
export interface Fermata {
  readonly runtime: Runtime;
  readonly workflows: Workflows;
  /** Throws `providerMissing` or `functionMissing` where a run of the definition could not do its work here. */
  assertRunnable(definition: Definition): void;
  close(): Promise<void>;
}

/** The workflow machine with everything the runtime should know about it. */
function workflowRegistration(definitionOf: DefinitionOf): MachineRegistration {
  return {
    machine: workflowMachine,
    // Without the source of functions: the package holds other texts of them than the clone.
    definition: JSON.stringify([workflowMachine.definition, taskMachine.definition]),
    status: (snapshot) => snapshot.value as RunStatus,
    outcome: (snapshot) => snapshot.output as { output: unknown; reason: unknown },
    prepare: { '': prepareWorkflow(definitionOf), task: prepareTask(definitionOf) },
    progress: progressOf,
  };
}

/** Opens the store, registers everything, recovers, and begins to work. Throws what `createRuntime` throws. */
export async function compose(options: FermataOptions): Promise<Fermata> {
  const { store, config = {}, clock = systemClock } = options;
  const tenant = 'default';
  const workflows = new Workflows({ store, tenant, now: () => clock.now(), newId: () => uuid() });
  const definitionOf: DefinitionOf = (rows) => {
    const { workflowId = '', workflowVersion = 0 } = rows.origin;
    return rows.read('definition', () => workflows.definition(workflowId, workflowVersion));
  };
  const providers: Providers = { openai: openaiFromEnvironment(options.environment ?? {}), ...config.providers };
  const functions = config.functions ?? {};
  const runtime = await createRuntime({
    store,
    machines: { ...config.machines, 'workflow@1': workflowRegistration(definitionOf) },
    actors: { ...config.actors, modelCall: modelCall({ providers, checkAnswer, clock }), code: code({ functions }) },
    clock,
    projections: [documentProjection(definitionOf)],
    tenant,
    newRunId: () => uuid(),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.onFatal === undefined ? {} : { onFatal: options.onFatal }),
    ...(options.crashPoint === undefined ? {} : { crashPoint: options.crashPoint }),
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
    ...(options.passive === undefined ? {} : { passive: options.passive }),
  });
  return {
    runtime,
    workflows,
    assertRunnable(definition) {
      for (const { name, call } of definition.tasks) {
        if (call.kind === 'model') findProvider(providers, call.provider);
        else findFunction(functions, call.function, name);
      }
    },
    close: () => runtime.close(),
  };
}

export { taskMachine, workflowMachine };
