/**
 * The actors of a run on their way from one version to another: as the trees of XState's persisted form that a user's
 * function takes and gives, and back as what their rows hold.
 */
import type { ActorRow } from '../store/actors.ts';
import type { Child, StoredActor } from './actor.ts';
import type { Catalog, Logic, MigrationStep } from './catalog.ts';
import type { MigrateSnapshot, StoredRun } from './migration.ts';
import { pureResult, storingFault, type Break, type BreakCode } from './migration-break.ts';
import type { PersistedChild, PersistedSnapshot } from './persisted.ts';
import * as xstate from './xstate.ts';

/** An actor at its new version. */
export interface MovedActor extends xstate.Address {
  readonly status: ActorRow['status'];
  readonly stored: StoredActor;
}

/** Moves the actors of one run, one tree after the other, and gathers what breaks. */
export class MovedTree {
  readonly actors: MovedActor[] = [];
  readonly breaks: Break[] = [];
  readonly #run: StoredRun;
  readonly #step: MigrationStep;
  readonly #catalog: Catalog;
  readonly #rows: ReadonlyMap<string, ActorRow>;
  readonly #left: Map<string, ActorRow>;

  constructor(run: StoredRun, step: MigrationStep, catalog: Catalog) {
    this.#run = run;
    this.#step = step;
    this.#catalog = catalog;
    this.#rows = new Map(run.rows.map((row) => [row.address, row]));
    this.#left = new Map(this.#rows);
  }

  /** Actors that no tree has reached so far: detached ones, and those that ended and were forgotten. Parents come first. */
  *outside(): Generator<{ readonly address: string; readonly src: readonly string[] }, void> {
    for (const address of [...this.#left.keys()].sort((a, b) => a.length - b.length)) {
      const row = this.#left.get(address);
      if (row !== undefined) yield { address, src: this.#run.read(row).logic.split('>').slice(1) };
    }
  }

  /** Moves an actor and all below it to the logic at `path`. */
  move(address: string, path: string, migrate: MigrateSnapshot): void {
    const copies = [this.#persisted(address), this.#persisted(address)];
    const result = pureResult('snapshot', () => migrate(copies.shift() as PersistedSnapshot));
    if ('fault' in result) {
      this.#left.delete(address);
      this.breaks.push({ ...result.fault, actor: address });
      return;
    }
    let logic: Logic;
    try {
      logic = this.#catalog.logic(path);
    } catch {
      this.#left.delete(address);
      this.#breaks(address, 'sourceMissing', `"${path}" is not registered`);
      return;
    }
    this.#take(address, logic, result.value);
  }

  /** An actor and its children as XState writes them. References in context also say whom they mean, to find them again. */
  #persisted(address: string): PersistedSnapshot {
    const row = this.#rows.get(address);
    const { status, value, context, historyValue, output, error, children } = this.#read(address);
    return {
      status: row?.status === 'stopped' ? 'stopped' : status,
      value,
      context: writtenReferences(context),
      historyValue: historyValue ?? {},
      children: Object.fromEntries(
        Object.entries(children ?? {}).flatMap(([id, child]): [string, PersistedChild][] => {
          const { src, systemId } = child;
          const about = { src, ...(systemId === undefined ? {} : { systemId }), syncSnapshot: false };
          if (child.kind === 'effect') {
            const { token, settled } = child;
            const input = settled === undefined ? { input: this.#run.effectInput(token) } : {};
            return [[id, { snapshot: { status: settled ?? 'active', ...input }, ...about }]];
          }
          const at = xstate.childAddress(address, id);
          return this.#rows.has(at) ? [[id, { snapshot: this.#persisted(at), ...about }]] : [];
        }),
      ),
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
    };
  }

  #take(address: string, logic: Logic, given: unknown): void {
    const row = this.#rows.get(address);
    this.#left.delete(address);
    if (row === undefined) return;
    if (!isSnapshot(given)) {
      this.#breaks(address, 'notASnapshot', 'the function has to give an object with status, value and context');
      return;
    }
    const before = this.#read(address);
    const status = row.status === 'stopped' ? 'stopped' : before.status;
    if (given.status !== status) {
      const message = `its status is "${status}" and would be ${JSON.stringify(given.status)}: a migration begins and ends no actor`;
      this.#breaks(address, 'statusChanged', message);
    }
    const { value, output, error } = given;
    const historyValue = given.historyValue as StoredActor['historyValue'];
    const context = this.#revived(given.context, address);
    this.#storable(address, { context, output, error, value });
    const fault = xstate.valueFault(logic.machine, value);
    if (fault !== undefined) {
      const message = `its state ${JSON.stringify(value)} does not exist in "${logic.path}": ${fault}`;
      this.#breaks(address, 'stateMissing', message);
    }
    const unknown = xstate.unknownHistory(logic.machine, historyValue);
    if (unknown.length > 0) {
      const message = `it remembers ${unknown.map((id) => `"${id}"`).join(', ')}, which "${logic.path}" does not have`;
      this.#breaks(address, 'historyMissing', message);
    }
    const { status: _s, value: _v, context: _c, historyValue: _h, output: _o, error: _e, ...rest } = before;
    const children = this.#children(address, logic, before.children ?? {}, given.children ?? {});
    const stored: StoredActor = {
      ...rest,
      logic: logic.path,
      status: before.status,
      value,
      context,
      ...(Object.keys(historyValue ?? {}).length === 0 ? {} : { historyValue: historyValue ?? {} }),
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
      ...(Object.keys(children).length === 0 ? {} : { children }),
    };
    this.actors.push({ address, birth: row.birth, status: row.status, stored });
  }

  #children(
    address: string,
    logic: Logic,
    before: Readonly<Record<string, Child>>,
    given: Readonly<Record<string, PersistedChild>>,
  ): Readonly<Record<string, Child>> {
    for (const id of Object.keys(given)) {
      if (Object.hasOwn(before, id)) continue;
      this.#breaks(address, 'childAdded', `its child "${id}" is new, and a migration starts nothing`);
    }
    const children: Record<string, Child> = {};
    for (const [id, child] of Object.entries(before)) {
      const after = given[id];
      if (after === undefined) {
        if (child.kind === 'effect' && child.settled !== undefined) continue;
        // It has a row that nothing reaches any more.
        this.#left.delete(xstate.childAddress(address, id));
        this.#breaks(address, 'childRemoved', `its child "${id}" is gone, and a migration stops nothing`);
        continue;
      }
      const moved = this.#child(xstate.childAddress(address, id), logic, child, after);
      if (moved !== undefined) children[id] = moved;
    }
    return children;
  }

  #child(address: string, logic: Logic, child: Child, { src, snapshot }: PersistedChild): Child | undefined {
    const known = typeof src === 'string' ? this.#catalog.child(logic, src) : undefined;
    if (child.kind === 'effect') {
      if (child.settled !== undefined) return child;
      if (src !== child.src) {
        const message = `the effect "${child.src}" is under way and would be ${JSON.stringify(src)}: let it end first`;
        this.#breaks(address, 'childWithoutPlace', message);
      } else if (known === undefined || !('effect' in known))
        this.#breaks(address, 'sourceMissing', `"${logic.path}" has no effect "${child.src}"`);
      return child;
    }
    if (known === undefined || !('logic' in known)) {
      this.#forget(address);
      this.#breaks(address, 'sourceMissing', `"${logic.path}" has no machine ${JSON.stringify(src)}`);
      return undefined;
    }
    this.#take(address, known.logic, snapshot);
    return { ...child, src: String(src) };
  }

  /** What is below an actor that breaks is not spoken of again. */
  #forget(address: string): void {
    for (const at of this.#left.keys()) if (at === address || at.startsWith(`${address}/`)) this.#left.delete(at);
  }

  #read(address: string): StoredActor {
    return this.#run.read(this.#rows.get(address) as ActorRow);
  }

  #storable(address: string, parts: Readonly<Record<string, unknown>>): void {
    for (const [name, part] of Object.entries(parts)) {
      const fault = storingFault(part, name);
      if (fault !== undefined) this.#breaks(address, 'notStorable', fault);
    }
  }

  /** Written references as ours. One that says nobody's address means a child, as in XState. */
  #revived(value: unknown, self: string): unknown {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((part) => this.#revived(part, self));
    const record = value as Record<string, unknown>;
    if (record['xstate$$type'] === 1) {
      const id = String(record['id']);
      const address = typeof record['address'] === 'string' ? record['address'] : xstate.childAddress(self, id);
      const birth = typeof record['birth'] === 'number' ? record['birth'] : -1;
      return this.#run.refer({ address, birth });
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(record).map(([key, part]) => [key, this.#revived(part, self)]));
  }

  #breaks(actor: string, code: BreakCode, message: string): void {
    this.breaks.push({ code, actor, message: `${message} (${this.#step.from} to ${this.#step.to})` });
  }
}

function writtenReferences(value: unknown): unknown {
  if (value instanceof xstate.ActorReference)
    return { xstate$$type: 1, id: value.id, address: value.address, birth: value.birth };
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(writtenReferences);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, writtenReferences(part)]));
}

function isSnapshot(given: unknown): given is PersistedSnapshot {
  return typeof given === 'object' && given !== null && 'status' in given && 'value' in given && 'context' in given;
}
