/**
 * What this process can run: machines under `name@version`, and effects by name.
 *
 * K1. A machine that cannot be durable is refused here, with every fault and its path, not in the middle of a run.
 * K2. A definition that changed under the same `name@version` is refused: runs in flight would go on as something else.
 */
import { hash } from 'node:crypto';
import { FermataError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { effect, type EffectDefinition } from './effect.ts';
import type { Migration } from './migration.ts';
import type { MachineRegistration, Prepare } from './registration.ts';
import * as xstate from './xstate.ts';

/** A way from one version of a machine to another. */
export interface MigrationStep {
  /** `order@1`. */
  readonly from: string;
  /** `order@2`. */
  readonly to: string;
  readonly migration: Migration;
}

/** A machine in a place: the root of `order@1`, or its child `line`. */
export interface Logic {
  /** `order@1` or `order@1>line`. */
  readonly path: string;
  readonly machine: xstate.Machine;
  readonly prepare: Prepare | undefined;
  /** Ids of its delayed events that end with the process. */
  readonly callTimers: ReadonlySet<string>;
  readonly root: MachineRegistration;
}

const NAME = /^[^@>/\s][^@>/]{0,199}@[0-9A-Za-z.-]{1,50}$/;

/** Registered machines and effects. */
export class Catalog {
  readonly #machines = new Map<string, MachineRegistration>();
  readonly #latest = new Map<string, string>();
  readonly #logics = new Map<string, Logic>();
  readonly #effects: Readonly<Record<string, unknown>>;
  readonly #adapted = new WeakMap<object, EffectDefinition<unknown, unknown>>();

  constructor(
    machines: Readonly<Record<string, xstate.Machine | MachineRegistration>>,
    effects: Readonly<Record<string, unknown>>,
  ) {
    this.#effects = effects;
    for (const [name, entry] of Object.entries(machines))
      this.#register(name, xstate.isMachine(entry) ? { machine: entry } : entry);
  }

  #register(name: string, registration: MachineRegistration): void {
    if (!NAME.test(name)) {
      throw new FermataError(
        'invalidMachine',
        `A machine is registered as "${name}"; expected name@version, such as "order@1".`,
      );
    }
    const faults = this.#faults(registration.machine, name, new Set());
    if (faults.length > 0) {
      const list = faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
      throw new FermataError('invalidMachine', `Machine "${name}" cannot be made durable: ${list}.`, { faults });
    }
    const migrations = migrationsOf(registration);
    for (const [index, { from, snapshot }] of migrations.entries()) {
      const again = migrations.findIndex((other) => other.from === from) < index;
      if (NAME.test(from) && from !== name && !again && typeof snapshot === 'function') continue;
      throw new FermataError(
        'invalidMachine',
        `Machine "${name}" is registered with a migration from ${JSON.stringify(from)}; expected migrate: { from, snapshot }, where "from" is another version, such as "order@1", named once, and "snapshot" is a function.`,
      );
    }
    this.#machines.set(name, registration);
    const [short = name] = name.split('@');
    const latest = this.#latest.get(short);
    if (latest === undefined || newer(name, latest)) this.#latest.set(short, name);
  }

  #faults(machine: xstate.Machine, at: string, seen: Set<xstate.Machine>): { path: string; message: string }[] {
    if (seen.has(machine)) return [];
    seen.add(machine);
    const faults = xstate
      .faultsOf(machine, (src) => src in this.#effects)
      .map(({ path, message }) => ({ path: `${at}: ${path}`, message }));
    for (const src of xstate.declaredActors(machine)) {
      const logic = xstate.childLogic(machine, src);
      if (src in this.#effects) continue;
      if (xstate.isMachine(logic)) faults.push(...this.#faults(logic, `${at}>${src}`, seen));
      else if (xstate.promiseCreator(logic) === undefined) {
        faults.push({
          path: `${at}: actors.${src}`,
          message:
            'only machines, promise actors (fromPromise) and effects are durable; callbacks, observables and transition functions are not',
        });
      }
    }
    return faults;
  }

  /** All registered machines, as `name@version`. */
  names(): readonly string[] {
    return [...this.#machines.keys()];
  }

  /** Machines that are parts of the house. */
  inner(): readonly string[] {
    return [...this.#machines].flatMap(([name, { inner }]) => (inner === true ? [name] : []));
  }

  registration(name: string): MachineRegistration | undefined {
    return this.#machines.get(name);
  }

  /** Registered migrations: those from one machine and to one, where given. The newest target comes first. */
  migrations({
    from,
    to,
  }: { readonly from?: string | undefined; readonly to?: string | undefined } = {}): MigrationStep[] {
    return [...this.#machines]
      .filter(([name]) => to === undefined || to === name)
      .flatMap(([name, registration]) =>
        migrationsOf(registration).map((migration) => ({ from: migration.from, to: name, migration })),
      )
      .filter((step) => from === undefined || from === step.from)
      .sort((a, b) => (newer(a.to, b.to) ? -1 : 1));
  }

  /** `order` → its newest version; `order@1` → itself. Undefined where nothing of that name is registered. */
  resolve(name: string): string | undefined {
    return this.#machines.has(name) ? name : this.#latest.get(name);
  }

  /** The logic at a path; throws `machineMissing` naming what is registered. */
  logic(path: string): Logic {
    const known = this.#logics.get(path);
    if (known !== undefined) return known;
    const [name = '', ...sources] = path.split('>');
    const root = this.#machines.get(name);
    let machine = root?.machine;
    for (const src of sources) {
      const child: unknown = machine === undefined ? undefined : xstate.childLogic(machine, src);
      machine = xstate.isMachine(child) ? child : undefined;
    }
    if (root === undefined || machine === undefined) throw this.#missing(path);
    const place = sources.join('>');
    const callTimers = new Set(root.callTimers?.[place]);
    const logic: Logic = { path, machine, root, prepare: root.prepare?.[place], callTimers };
    this.#logics.set(path, logic);
    return logic;
  }

  /** Why runs of a machine cannot go on in this process; undefined where they can. */
  missing(machine: string): FermataError | undefined {
    return this.#machines.has(machine) ? undefined : this.#missing(machine);
  }

  #missing(path: string): FermataError {
    return new FermataError(
      'machineMissing',
      `A run needs "${path}", but this process registers only: ${this.names().join(', ') || 'nothing'}. The run waits for it: register it and start again.`,
      { data: { machine: path, registered: this.names() } },
    );
  }

  /** What `src` is to a machine: another machine, an effect, or nothing. */
  child(
    parent: Logic,
    src: string,
  ): { readonly logic: Logic } | { readonly effect: EffectDefinition<unknown, unknown> } | undefined {
    const definition = this.#effects[src] ?? xstate.childLogic(parent.machine, src);
    if (definition === undefined || definition === null) return undefined;
    if (xstate.isMachine(definition)) return { logic: this.logic(`${parent.path}>${src}`) };
    return { effect: this.#adapt(definition) };
  }

  /** The effect `src` of a machine; undefined where nothing is registered under that name, or a machine. */
  effect(logicPath: string, src: string): EffectDefinition<unknown, unknown> | undefined {
    const child = this.child(this.logic(logicPath), src);
    return child !== undefined && 'effect' in child ? child.effect : undefined;
  }

  /** Why the effect `src` of a machine cannot be called in this process; undefined where it can. */
  unavailable(logicPath: string, src: string, input: unknown): FermataError | undefined {
    const definition = this.effect(logicPath, src);
    if (definition === undefined)
      return new FermataError(
        'machineMissing',
        `The effect "${src}" of machine "${logicPath}" is not registered in this process. Register it under that name, and start again.`,
      );
    try {
      return definition.unavailable?.(input);
    } catch {
      // A check that is itself broken must not keep the call back: the call will show it.
      return undefined;
    }
  }

  /** True where the effect `src` is done by another machine, so that no death of this process is its doing. */
  isRemote(src: string): boolean {
    const definition = this.#effects[src];
    return (
      typeof definition === 'object' && definition !== null && 'remote' in definition && definition.remote === true
    );
  }

  #adapt(definition: object): EffectDefinition<unknown, unknown> {
    if ('kind' in definition && definition.kind === 'effect') return definition as EffectDefinition<unknown, unknown>;
    let adapted = this.#adapted.get(definition);
    if (adapted === undefined) {
      adapted = promiseEffect(definition);
      this.#adapted.set(definition, adapted);
    }
    return adapted;
  }

  /** Hash of a machine's definition, to find out whether it changed. */
  hashOf(name: string): string {
    const registration = this.#machines.get(name);
    if (registration === undefined) return '';
    return hash('sha256', registration.definition ?? xstate.definitionText(registration.machine), 'base64url');
  }

  /**
   * Throws `machineChanged` where a definition is not the one that the database knows by its name (K2).
   *
   * @param isBinding whether one that it does not know yet is the one it knows from now on
   */
  async assertUnchanged(store: Pick<Store, 'machineHash'>, isBinding: boolean): Promise<void> {
    for (const name of this.#machines.keys()) {
      const definition = this.hashOf(name);
      const known = await (isBinding ? store.machineHash(name, definition) : store.machineHash(name));
      if (known === undefined || known === definition) continue;
      throw new FermataError(
        'machineChanged',
        `The definition of "${name}" is not the one this database knows. Runs in flight would go on as something else: register the new definition under a new version, and keep the old one until its runs have ended.`,
        { data: { machine: name } },
      );
    }
  }
}

/** A promise actor as an effect: what it is given besides `input` and `signal` reaches the actor that asked. */
function promiseEffect(definition: object): EffectDefinition<unknown, unknown> {
  const create = xstate.promiseCreator(definition);
  if (create === undefined)
    throw new FermataError(
      'invalidMachine',
      'An actor is neither a machine, a promise actor (fromPromise) nor an effect.',
    );
  return effect<unknown, unknown>({
    async run(input, { signal, actor, notify, emit }) {
      const self = new xstate.ActorReference({ address: actor, birth: -1, id: actor, src: '' }, (_to, event) =>
        notify(event),
      );
      return create({ input, signal, self, system: {}, emit });
    },
  });
}

function migrationsOf({ migrate = [] }: MachineRegistration): readonly Migration[] {
  return Array.isArray(migrate) ? (migrate as readonly Migration[]) : [migrate as Migration];
}

function newer(a: string, b: string): boolean {
  const version = (name: string): string => name.slice(name.indexOf('@') + 1);
  return version(a).localeCompare(version(b), 'en', { numeric: true }) > 0;
}
