/**
 * A store in memory. It passes the contract that SQLite passes, and is what simulations run on: what is committed
 * outlives the store (`MemoryDatabase`), so that a crash is nothing but another store over the same rows.
 */
import { FermataError } from '../../errors.ts';
import { StoreError, type Store } from '../../store/store.ts';
import { answersOf } from './answers.ts';
import { commitGroup, dropUnused, sendMessages } from './commit.ts';
import { MemoryDatabase, nameOf } from './database.ts';
import { ledgerOf } from './ledger.ts';
import { readsOf } from './reads.ts';
import { dropSuspects, suspectsOf } from './suspects.ts';
import { vectorsOf } from './vectors.ts';
import { workflowsOf } from './workflows.ts';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/**
 * A store over a database in memory.
 *
 * @example
 * const store = memoryStore();
 * const runtime = await createRuntime({ store, machines });
 */
export function memoryStore(database: MemoryDatabase = new MemoryDatabase()): Store {
  const me = Symbol('store');
  let works = false;
  const isOpen = (): boolean => database.owner === me;
  const use = (): MemoryDatabase => {
    if (isOpen()) return database;
    throw new FermataError(
      'storeUnavailable',
      'The store in memory is not open. Call open() first, and nothing after close().',
    );
  };

  return {
    ...readsOf(use),
    ...workflowsOf(use),
    ...suspectsOf(use),
    ...ledgerOf(use),
    ...answersOf(use),
    ...vectorsOf(use),
    deciding(mark) {
      works = true;
      use().lastStop = { orderly: false, deciding: mark };
    },

    async open() {
      if (database.owner !== undefined)
        throw new FermataError('databaseInUse', 'Another store has this database open. Close it, or abandon() it.');
      database.owner = me;
      const { position, messageId } = database.highest;
      return { position, messageId, lastStop: database.lastStop };
    },
    async close() {
      if (!isOpen()) return;
      database.owner = undefined;
      // Who did no work leaves what the one before it died of.
      if (works) database.lastStop = { orderly: true };
    },
    healthy: async () => isOpen(),

    async commit(group) {
      if (!isOpen()) throw new StoreError('unchanged', 'Nothing was written: the store in memory is not open.');
      commitGroup(database, group);
    },

    async deleteRun(key, { unended = false, messagesSent = [] } = {}) {
      const record = use().run(key);
      if (record === undefined) return false;
      if (!unended && !ENDED.has(record.state.status)) {
        throw new FermataError(
          'runNotEnded',
          `Run "${key.run}" has not ended, and only ended runs can be deleted. Cancel it first.`,
        );
      }
      const forks = database
        .runsOf(key.tenant)
        .filter(({ origin, state }) => !ENDED.has(state.status) && origin.forkedFrom?.includes(key.run) === true);
      if (forks.length > 0)
        throw new FermataError('runHasForks', `Run "${key.run}" has forks that have not ended and read from it.`, {
          data: { forks: forks.map(({ origin }) => origin.run) },
        });
      database.write((writing) => {
        writing.delete(database.runs, nameOf(key));
        sendMessages(database, writing, messagesSent);
        for (const { position } of record.entries.values()) writing.delete(database.positions, position);
        for (const { hash } of record.blobs.values()) dropUnused(database, writing, hash);
        const suspected = [...database.suspects.values()].filter((row) => nameOf(row) === nameOf(key));
        dropSuspects(database, writing, suspected);
      });
      return true;
    },

    async machineHash(machine, hash) {
      const known = use().machines.get(machine);
      if (known === undefined && hash !== undefined) database.machines.set(machine, hash);
      return known;
    },
    machines: async () => [...use().machines.keys()],
  };
}
