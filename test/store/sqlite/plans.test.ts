import { drizzle } from 'drizzle-orm/better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { connect, type Connection } from '../../../src/store/sqlite/connection.ts';
import { prepareJournalReads } from '../../../src/store/sqlite/journal.ts';
import { ledgerStore } from '../../../src/store/sqlite/ledger.ts';
import { lists } from '../../../src/store/sqlite/lists.ts';
import { prepareRecoveryReads } from '../../../src/store/sqlite/recovery.ts';
import { RunKeys } from '../../../src/store/sqlite/run-keys.ts';
import { runList } from '../../../src/store/sqlite/run-list.ts';
import { prepareTurnReads } from '../../../src/store/sqlite/turn-reads.ts';
import { upgrade } from '../../../src/store/sqlite/upgrade.ts';
import { runKey } from '../contract/rows.ts';

// Question: does the cost of a read stay the same when the tables grow a thousandfold (R3)?

const asked: { query: string; parameters: unknown[] }[] = [];
const connection = connect(':memory:');
upgrade(connection, ':memory:');
const { driver } = connection;
driver.exec(
  `insert into run (key, tenant, id, machine, tags, seed, created_at) values (1, 'default', 'a', 'm', '[]', 's', 1)`,
);
const db = drizzle({ client: driver, logger: { logQuery: (query, parameters) => asked.push({ query, parameters }) } });
/** Notes what is asked past drizzle, too. */
const noting = {
  prepare(query: string) {
    const statement = driver.prepare(query).raw();
    const noted = (parameters: readonly unknown[]): readonly unknown[] => {
      asked.push({ query, parameters: [...parameters] });
      return parameters;
    };
    return {
      raw: () => ({
        get: (parameters: readonly unknown[]) => statement.get(noted(parameters)),
        all: (parameters: readonly unknown[]) => statement.all(noted(parameters)),
      }),
    };
  },
} as unknown as Connection['driver'];
const noted = { db, driver: noting };
afterAll(() => driver.close());

const keys = new RunKeys(noted);
const journal = prepareJournalReads(noted);
const turn = prepareTurnReads(noted, keys, journal);
const recovery = prepareRecoveryReads(noted, keys);
const page = lists(noted, keys, journal);
const runs = runList(db, keys);
const costs = ledgerStore({ ...connection, db });
const a = runKey('a');
const effectSeen = { ...a, token: '1.0' };

const reads: Record<string, () => unknown> = {
  run: () => turn.run(a),
  actor: () => turn.actor(a, 'root'),
  task: () => turn.row(a, 'task', 'plan'),
  approval: () => turn.row(a, 'approval', 'plan'),
  'ready tasks': () => turn.readyTasks(a, 9),
  'live tasks': () => turn.liveTasks(a),
  'tasks by their names': () => turn.tasksNamed(a, ['plan', 'write']),
  'a wait': () => turn.row(a, 'wait', 'plan'),
  'a kept event': () => turn.row(a, 'keptEvent', '1'),
  'an event type': () => turn.row(a, 'eventType', 'paid'),
  'event types': () => turn.eventTypes(a, 9),
  'open waits': () => turn.openWaits(a, 'paid', { limit: 9, after: { position: 1, task: 'plan' } }),
  'kept events': () => turn.keptEvents(a, 'paid', { limit: 9, after: 1 }),
  'who holds something of a shared budget': () => turn.budgetHolders(a, { limit: 9, after: 'plan' }),
  'of which budgets a run holds something, or wants to': () => turn.budgetsAskedBy(a),
  'a call that waits for money': () => turn.row(a, 'budgetWait', 'plan/call'),
  'calls that wait for money': () =>
    turn.openBudgetWaits(a, { limit: 9, after: { least: 1, task: 'plan', call: 'call' } }),
  entry: () => turn.entry(a, 1),
  'entry of a fact': () => turn.entryOfFact(a, 1),
  blob: () => turn.blob('h'),
  'message taken': () => turn.messageTaken(a, 'm'),
  'started under a key': () => turn.startedUnder('default', 'k'),
  'effects of a run': () => turn.effectsOf(a),
  'due timers': () => recovery.dueTimers(1, 9),
  'next due': () => recovery.nextDue(0),
  'open effects': () => recovery.openEffects(effectSeen, 9),
  'cut runs': () => recovery.cutRuns(),
  messages: () => recovery.messages(9, 1),
  journal: () => page.journal(a, { after: 1, limit: 9, kind: 'fact', actor: 'root' }),
  feed: () => page.feed('default', 1, 9),
  actors: () => page.actors(a),
  tasks: () => page.tasks(a, { after: 1, limit: 9 }),
  'pending approvals': () => page.approvals('default', { status: 'pending', after: 1, limit: 9 }),
  'newest runs': () => runs('default', { limit: 9 }),
  'older runs': () => runs('default', { limit: 9, after: 'a' }),
  'runs after a deleted one': () => runs('default', { limit: 9, after: 'gone' }),
  'latest run of a workflow': () => runs('default', { limit: 1, workflowId: 'w' }),
  'runs of a workflow by status': () => runs('default', { limit: 9, workflowId: 'w', status: 'running' }),
  'runs by status': () => runs('default', { limit: 9, status: 'running', after: 'a' }),
  'runs by tags': () => runs('default', { limit: 9, tags: ['x', 'y'] }),
  'runs by a tag and a status, from a cursor on': () =>
    runs('default', { limit: 9, tags: ['x'], status: 'running', after: 'a' }),
  'forks of a run': () => runs('default', { limit: 9, forkedFrom: 'b' }),
  'forks of a run by status, from a cursor on': () =>
    runs('default', { limit: 9, forkedFrom: 'b', status: 'running', after: 'a' }),
  'where the ledger begins and ends': () => costs.ledgerRange('default', {}),
  'budgets of a kind': () => runs('default', { limit: 9, tags: ['budget:day'], idPrefix: 'budget:day:', after: 'a' }),
  'runs of a workflow by tag': () => runs('default', { limit: 9, tags: ['x'], workflowId: 'w' }),
};

/** A partial index and the list of messages hold only what the answer needs: they are read from end to end. */
const WHOLE = /^SCAN (run_state USING INDEX run_state_cut|message|CONSTANT ROW)$/;

test.each(Object.keys(reads))('R3: %s: found through an index, in its order', async (name) => {
  asked.length = 0;
  await reads[name]?.();
  expect(asked.length).toBeGreaterThan(0);
  for (const { query, parameters } of asked) {
    const steps = driver.prepare<unknown[], { detail: string }>(`explain query plan ${query}`).all(...parameters);
    for (const { detail } of steps) {
      if (WHOLE.test(detail)) continue;
      expect(detail).not.toMatch(/^SCAN (?!json_each)|TEMP B-TREE/);
    }
  }
});

test.each([{}, { status: 'running' }, { open: true }, { tags: ['x'] }, { without: ['budget@1'] }] as const)(
  'R3: runs that are named by their ids, filtered by %j: found by those',
  (filter) => {
    asked.length = 0;
    runs('default', { ...filter, among: ['a', 'b'], limit: 9 });
    for (const { query, parameters } of asked) {
      const steps = driver.prepare<unknown[], { detail: string }>(`explain query plan ${query}`).all(...parameters);
      expect(steps.map(({ detail }) => detail)).toContain('SEARCH run USING INDEX run_id (tenant=? AND id=?)');
    }
    expect(asked.length).toBe('open' in filter ? 4 : 1);
  },
);

const slice = { first: 1, last: 9 };
test.each(['day', 'model', 'provider', 'workflow', 'tag', 'tenant'] as const)(
  'R3: a slice of the ledger by %s: no other row of it is read, whatever is filtered',
  async (by) => {
    asked.length = 0;
    for (const filter of [{}, { workflow: 'w' }, { tag: 'x' }, { run: 'a' }, { from: 1, to: 2 }])
      await costs.spending('default', { by, ...slice, ...filter });
    expect(asked).toHaveLength(5);
    for (const { query, parameters } of asked) {
      const steps = driver.prepare<unknown[], { detail: string }>(`explain query plan ${query}`).all(...parameters);
      const [outer] = steps.map(({ detail }) => detail);
      expect(outer).toBe('SEARCH ledger USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)');
    }
  },
);
