/** From a run's tenant and id to the integer under which its rows are kept. */
import { and, eq, sql } from 'drizzle-orm';
import type { RunKey } from '../runs.ts';
import type { Connection } from './connection.ts';
import { builder } from './prepared.ts';
import { readStatement } from './prepared-reads.ts';
import { run } from './schema.ts';

/** Runs whose key is kept in memory; the least recently used one goes first. */
const CAPACITY = 20_000;

const prepareFind = readStatement(() =>
  builder
    .select({ key: run.key })
    .from(run)
    .where(and(eq(run.tenant, sql.placeholder('tenant')), eq(run.run, sql.placeholder('run')))),
);

/**
 * Integer keys of runs. They are kept in memory, because every read and write of a turn needs one.
 *
 * @example const key = keys.of({ tenant: 'default', run: '0192…' }); // 17, or undefined
 */
export class RunKeys {
  /** In order of use: a Map keeps the order of insertion, and a key that is used is inserted again. */
  readonly #recent = new Map<string, number>();
  readonly #find;

  constructor(connection: Connection) {
    this.#find = prepareFind(connection);
  }

  of(owner: RunKey): number | undefined {
    const name = nameOf(owner);
    const key = this.#recent.get(name) ?? this.#find.get({ tenant: owner.tenant, run: owner.run })?.key;
    if (key !== undefined) this.#keep(name, key);
    return key;
  }

  /** Only after the commit that created the run: a key of a transaction that fell would be given to another run. */
  remember(owner: RunKey, key: number): void {
    this.#keep(nameOf(owner), key);
  }

  forget(owner: RunKey): void {
    this.#recent.delete(nameOf(owner));
  }

  #keep(name: string, key: number): void {
    this.#recent.delete(name);
    this.#recent.set(name, key);
    if (this.#recent.size <= CAPACITY) return;
    const [oldest] = this.#recent.keys();
    if (oldest !== undefined) this.#recent.delete(oldest);
  }
}

/** NUL is in neither part: the API refuses it. */
function nameOf({ tenant, run }: RunKey): string {
  return `${tenant}\0${run}`;
}
