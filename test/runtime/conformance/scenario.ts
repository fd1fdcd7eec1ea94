/** One machine, driven step by step in plain XState and durably; what is seen after each step must be the same. */
import {
  createActor,
  fromPromise,
  SimulatedClock,
  type AnyActor,
  type AnyActorRef,
  type AnyStateMachine,
} from 'xstate';
import { FermataError } from '../../../src/errors.ts';
import { openRuntime, turnsOfTheLoop, type RuntimeSetup } from '../../harness/runtime.ts';

/** Something that happens to the machine from outside. */
export type Step =
  | { readonly send: { readonly type: string; readonly [key: string]: unknown } }
  | { readonly advance: number }
  | { readonly resolve: string; readonly with?: unknown }
  | { readonly reject: string; readonly with: string };

/** Promises that the scenario's steps settle, by name. */
export class Gates {
  readonly #open = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>();
  /** How often a gate was waited for. */
  readonly calls: string[] = [];

  /** Promise logic that waits for the gate its input names. */
  readonly logic = fromPromise<unknown, { name: string }>(({ input }) => {
    this.calls.push(input.name);
    return new Promise((resolve, reject) => this.#open.set(input.name, { resolve, reject }));
  });

  resolve(name: string, value: unknown): void {
    this.#open.get(name)?.resolve(value);
  }

  reject(name: string, message: string): void {
    this.#open.get(name)?.reject(new Error(message));
  }
}

/** A machine and what happens to it. */
export interface Scenario {
  readonly name: string;
  machine(gates: Gates): AnyStateMachine;
  readonly input?: unknown;
  readonly steps: readonly Step[];
}

/** What is compared: after each step the whole persisted tree, and everything emitted so far by any actor. */
export interface Seen {
  readonly snapshots: readonly unknown[];
  readonly emitted: readonly (readonly [actor: string, event: unknown])[];
}

/** Drives the machine in plain XState. */
export async function runPlain(scenario: Scenario): Promise<Seen> {
  const gates = new Gates();
  const clock = new SimulatedClock();
  const emitted: [string, unknown][] = [];
  const snapshots: unknown[] = [];
  const root = createActor(scenario.machine(gates), {
    input: scenario.input,
    clock,
    inspect: (event) => {
      if (event.type !== '@xstate.actor') return;
      const actor = event.actorRef as AnyActor;
      actor.on('*', (said: unknown) => emitted.push([addressOf(actor), said]));
    },
  });
  root.subscribe({ error: () => {} });
  const see = async (): Promise<void> => {
    await turnsOfTheLoop(3);
    snapshots.push(comparable(root.getPersistedSnapshot()));
  };
  root.start();
  await see();
  for (const step of scenario.steps) {
    if ('send' in step) root.send(step.send as never);
    else if ('resolve' in step) gates.resolve(step.resolve, step.with);
    else if ('reject' in step) gates.reject(step.reject, step.with);
    else for (let i = 0; i < step.advance; i++) clock.increment(1);
    await see();
  }
  root.stop();
  return { snapshots, emitted };
}

/** Drives it durably; with `restarts`, the process ends and begins anew after every step. */
export async function runDurably(
  scenario: Scenario,
  options: { readonly restarts: boolean } & Pick<RuntimeSetup, 'wrap'>,
): Promise<Seen> {
  const { restarts, ...setup } = options;
  const gates = new Gates();
  const under = await openRuntime({ machines: { 'scenario@1': scenario.machine(gates) }, leavesWork: true, ...setup });
  const snapshots: unknown[] = [];
  const { runId } = await under.runtime.start('scenario', { input: scenario.input });
  const see = async (): Promise<void> => {
    await under.settle();
    snapshots.push(comparable((await under.runtime.snapshot(runId)).snapshot));
    if (restarts) await under.restart();
    await under.settle();
  };
  await see();
  for (const step of scenario.steps) {
    if ('send' in step) await under.runtime.send(runId, step.send).catch(ignoreRefusal);
    else if ('resolve' in step) gates.resolve(step.resolve, step.with);
    else if ('reject' in step) gates.reject(step.reject, step.with);
    else await under.advance(step.advance);
    await see();
  }
  const emitted = under.facts
    .filter(({ type }) => type === 'emitted')
    .map(({ actor, data }): [string, unknown] => [actor, data['event']]);
  return { snapshots, emitted };
}

/** What plain XState ignores, the runtime refuses to a caller outside. */
function ignoreRefusal(thrown: unknown): void {
  if (!(thrown instanceof FermataError) || !['eventNotAccepted', 'runEnded'].includes(thrown.code)) throw thrown;
}

function addressOf(actor: Pick<AnyActorRef, 'id' | '_parent'>): string {
  const above = actor._parent === undefined ? '' : addressOf(actor._parent);
  return actor._parent === undefined ? '/' : `${above === '/' ? '' : above}/${actor.id}`;
}

/** The persisted tree without what cannot be the same: ended promises keep their output in plain XState only, errors their stack. */
function comparable(persisted: unknown): unknown {
  const { children, error, value, ...rest } = persisted as Record<string, unknown>;
  const below = Object.entries(
    (children ?? {}) as Record<string, { snapshot: Record<string, unknown>; src: unknown; systemId?: string }>,
  ).map(([id, { snapshot, src, systemId }]) => [
    id,
    { src, systemId, ...(('value' in snapshot ? comparable(snapshot) : { status: snapshot['status'] }) as object) },
  ]);
  return JSON.parse(
    JSON.stringify({
      ...rest,
      value,
      ...(error === undefined ? {} : { error: error instanceof Error ? error.message : error }),
      children: Object.fromEntries(below),
    }),
  );
}
