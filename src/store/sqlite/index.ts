/**
 * The store on SQLite: one file, one process, one connection. Nothing here awaits: a read falls between two commits
 * and never into one (S2), and a turn that asks something is answered at once.
 */
import { pause, systemLoop } from '../../clock.ts';
import { FermataError } from '../../errors.ts';
import { StoreError } from '../store.ts';
import type { Store } from '../store.ts';
import type { VectorIndex } from '../vectors.ts';
import { answerStore } from './answers.ts';
import { prepareCommit } from './commit.ts';
import { countStore } from './counts.ts';
import { watched } from './damage.ts';
import { noMark, openMark } from './deciding-mark.ts';
import { prepareDeleteRun } from './delete-run.ts';
import { prepareProbe, readHighWater } from './high-water.ts';
import { prepareJournalReads } from './journal.ts';
import { ledgerStore } from './ledger.ts';
import { lists } from './lists.ts';
import { prepareMachines } from './machines.ts';
import { openDatabase } from './open.ts';
import type { OpenDatabase } from './open.ts';
import type { SqliteOptions } from './options.ts';
import { prepareRecoveryReads } from './recovery.ts';
import { RunKeys } from './run-keys.ts';
import { runList } from './run-list.ts';
import { suspectStore } from './suspects.ts';
import { prepareTurnReads } from './turn-reads.ts';
import { workflowStore } from './workflows.ts';
import { SqliteVectors } from './vectors/index.ts';
import { Writer } from './writer.ts';

export type { SqliteOptions } from './options.ts';

/**
 * A store in a SQLite file.
 *
 * @param file a path, or `:memory:` for a store that ends with the process
 * @example
 * const store = sqliteStore('./fermata.db');
 * const { position, messageId } = await store.open();
 */
export function sqliteStore(file: string, options: SqliteOptions = {}): Store {
  let opened: Opened | undefined;

  const use = (): Opened => {
    if (opened !== undefined) return opened;
    throw new FermataError(
      'storeUnavailable',
      `The store of "${file}" is not open. Call open() first, and nothing after close().`,
    );
  };

  return {
    async open(doubt) {
      if (opened !== undefined)
        throw new FermataError('databaseInUse', `This store has "${file}" open already. Open it once.`);
      const database = openDatabase(file, options);
      try {
        opened = prepare(database, doubt ?? (() => {}));
        return { ...readHighWater(database.connection.db), lastStop: opened.mark.lastStop };
      } catch (error) {
        opened = undefined;
        database.close();
        throw error;
      }
    },

    async close() {
      const closing = opened;
      opened = undefined;
      try {
        // A commit in doubt is settled by the next start. Closing the file would move the log, and with it decide.
        if (closing?.writer.isInDoubt === false) closing.database.close();
      } finally {
        // An orderly stop, also on a full disk: what could not be moved is in the log.
        closing?.mark.remove();
      }
    },

    deciding: (mark) => opened?.mark.write(mark),

    healthy: async () => opened?.writer.canWrite() ?? false,

    async commit(group) {
      if (opened === undefined)
        throw new StoreError('unchanged', `Nothing was written: the store of "${file}" is not open.`);
      opened.commit(group);
    },

    run: (key) => use().turn.run(key),
    actor: (key, address) => use().turn.actor(key, address),
    row: (key, table, rowKey) => use().turn.row(key, table, rowKey),
    readyTasks: (key, limit) => use().turn.readyTasks(key, limit),
    liveTasks: (key) => use().turn.liveTasks(key),
    tasksNamed: (key, names) => use().turn.tasksNamed(key, names),
    eventTypes: (key, limit) => use().turn.eventTypes(key, limit),
    openWaits: (key, type, page) => use().turn.openWaits(key, type, page),
    openWatches: (key, sharedKey, page) => use().turn.openWatches(key, sharedKey, page),
    openBudgetWaits: (key, page) => use().turn.openBudgetWaits(key, page),
    budgetHolders: (key, page) => use().turn.budgetHolders(key, page),
    budgetsAskedBy: (key) => use().turn.budgetsAskedBy(key),
    keptEvents: (key, type, page) => use().turn.keptEvents(key, type, page),
    entry: (key, seq) => use().turn.entry(key, seq),
    entryOfFact: (key, factSeq) => use().turn.entryOfFact(key, factSeq),
    blob: (hash) => use().turn.blob(hash),
    awaitedRuns: (key) => use().turn.awaitedRuns(key),
    messageTaken: (key, id) => use().turn.messageTaken(key, id),
    startedUnder: (tenant, key) => use().turn.startedUnder(tenant, key),
    effectsOf: (key) => use().turn.effectsOf(key),

    dueTimers: async (until, limit, after) => use().recovery.dueTimers(until, limit, after),
    nextDue: async (until) => use().recovery.nextDue(until),
    openEffects: async (after, limit) => use().recovery.openEffects(after, limit),
    cutRuns: async () => use().recovery.cutRuns(),
    openRuns: async (page) => use().recovery.openRuns(page),
    messages: async (limit, after) => use().recovery.messages(limit, after),

    suspects: async () => use().suspects.suspects(),
    putSuspects: async (rows) => use().suspects.putSuspects(rows),
    dropSuspects: async (key) => use().suspects.dropSuspects(key),

    runs: async (tenant, filter) => use().lists.runs(tenant, filter),
    journal: async (key, page) => use().lists.journal(key, page),
    feed: async (tenant, after, limit) => use().lists.feed(tenant, after, limit),
    actors: async (key) => use().lists.actors(key),
    timersOf: async (key) => use().lists.timersOf(key),
    tasks: async (key, page) => use().lists.tasks(key, page),
    sharedValues: async (key, page) => use().lists.sharedValues(key, page),
    approvals: async (tenant, page) => use().lists.approvals(tenant, page),

    ledgerRange: async (tenant, filter) => use().ledger.ledgerRange(tenant, filter),
    spending: async (tenant, slice) => use().ledger.spending(tenant, slice),
    accounts: async (tenant, page) => use().ledger.accounts(tenant, page),
    spentBy: async (key, times) => use().ledger.spentBy(key, times),
    ledgerTime: async (tenant, times) => use().ledger.ledgerTime(tenant, times),
    charged: async (tenant, slice) => use().ledger.charged(tenant, slice),
    begunBy: async (key, page) => use().ledger.begunBy(key, page),
    spentByTasks: async (key, page) => use().ledger.spentByTasks(key, page),
    spentBelow: async (key, filter) => use().ledger.spentBelow(key, filter),
    ledger: async (key, page) => use().ledger.ledger(key, page),

    answer: async (tenant, hash, at) => use().answers.answer(tenant, hash, at),
    answers: async (tenant, at) => use().answers.answers(tenant, at),
    served: async (tenant) => use().answers.served(tenant),
    listAnswers: async (tenant, page) => use().answers.listAnswers(tenant, page),
    forgetAnswers: async (tenant, filter, page) => use().answers.forgetAnswers(tenant, filter, page),
    trimAnswers: async (tenant, bounds) => use().answers.trimAnswers(tenant, bounds),

    addVector: async (tenant, vector) => use().vectors.addVector(tenant, vector),
    vectorOf: async (tenant, hash) => use().vectors.vectorOf(tenant, hash),
    removeVectors: async (tenant, hashes) => use().vectors.removeVectors(tenant, hashes),
    nearest: async (tenant, query) => use().vectors.nearest(tenant, query),

    createWorkflow: async (row) => use().workflows.createWorkflow(row),
    addWorkflowVersion: async (row) => use().workflows.addWorkflowVersion(row),
    keepWorkflow: async (row) => use().workflows.keepWorkflow(row),
    workflow: (tenant, id, version) => use().workflows.workflow(tenant, id, version),
    workflowByName: async (tenant, name) => use().workflows.workflowByName(tenant, name),
    workflowVersions: async (tenant, id) => use().workflows.workflowVersions(tenant, id),
    workflows: async (tenant, filter) => use().workflows.workflows(tenant, filter),
    deleteWorkflow: async (tenant, id, at) => use().workflows.deleteWorkflow(tenant, id, at),

    deleteRun: async (key, options) => use().deleteRun(key, options),
    machineHash: async (name, hash) => use().machines.hash(name, hash),
    machines: async () => use().machines.names(),
    counts: async () => use().counts.counts(),
  };
}

/** The parts of an open store, their hot statements prepared. */
type Opened = ReturnType<typeof prepare>;

function prepare(database: OpenDatabase, doubt: (error: StoreError) => void) {
  const { connection } = database;
  const { db, driver } = connection;
  const keys = new RunKeys(connection);
  const journal = prepareJournalReads(connection);
  const mark = database.path === undefined ? noMark : openMark(database.path);
  const fail = (error: StoreError): void => {
    // The process will stop, and not because of what it decides.
    mark.remove();
    doubt(error);
  };
  const writer = new Writer(driver, prepareProbe(connection), fail, database.checkpoints);
  const watch = <T extends object>(reads: T): T =>
    watched(reads, database.path ?? ':memory:', (damage) => writer.stop(damage));
  const vectors = new SqliteVectors(connection, { writer, pause: () => pause(systemLoop) });
  return {
    database,
    mark,
    writer,
    commit: prepareCommit(connection, keys, writer),
    turn: watch(prepareTurnReads(connection, keys, journal)),
    recovery: watch(prepareRecoveryReads(connection, keys)),
    suspects: watch(suspectStore(connection, writer)),
    lists: watch({ ...lists(connection, keys, journal), runs: runList(db, keys) }),
    workflows: watch(workflowStore(db, writer)),
    ledger: watch(ledgerStore(connection)),
    answers: watch(answerStore(connection, writer, vectors)),
    vectors: watch<VectorIndex>({
      addVector: (tenant, vector) => vectors.addVector(tenant, vector),
      vectorOf: (tenant, hash) => vectors.vectorOf(tenant, hash),
      removeVectors: (tenant, hashes) => vectors.removeVectors(tenant, hashes),
      nearest: (tenant, query) => vectors.nearest(tenant, query),
    }),
    deleteRun: prepareDeleteRun(connection, keys, journal, writer),
    machines: prepareMachines(connection, writer),
    counts: watch(countStore(connection, { pause: () => pause(systemLoop) })),
  };
}
