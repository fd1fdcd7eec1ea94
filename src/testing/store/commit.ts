/** Writes a group: all of it or nothing (S1), by the rules that the tables of SQLite keep. */
import { StoreError } from '../../store/store.ts';
import type { BlobUse } from '../../store/blobs.ts';
import type { CommitGroup, RunChanges } from '../../store/commit.ts';
import type { MessageRow } from '../../store/messages.ts';
import type { RowChange } from '../../store/rows.ts';
import type { RunOrigin } from '../../store/runs.ts';
import { addToAnswers } from './answers.ts';
import { nameOf, type MemoryDatabase, type RunRecord, type Writing } from './database.ts';
import { addToLedger, openAccount } from './ledger.ts';
import { dropSuspects } from './suspects.ts';

/** Throws `StoreError` `unchanged` where a rule is broken. */
export function commitGroup(database: MemoryDatabase, group: CommitGroup): void {
  database.write((writing) => writeGroup(database, writing, group));
}

/** Throws where `commitGroup` would, and writes nothing. */
export function assertCommittable(database: MemoryDatabase, group: CommitGroup): void {
  database.write((writing) => {
    writeGroup(database, writing, group);
    writing.takeBack();
  });
}

function writeGroup(database: MemoryDatabase, writing: Writing, group: CommitGroup): void {
  for (const { hash, text } of group.blobs) if (!database.blobs.has(hash)) writing.set(database.blobs, hash, text);
  const records = group.runs.map((changes) => writeRun(database, writing, changes));
  sendMessages(database, writing, group.messagesSent);
  dropSuspects(database, writing, group.suspectsGone ?? []);
  for (const id of group.messagesTaken) writing.delete(database.messages, id);
  // Last: what one run lets go of another may claim in the same group.
  for (const [index, { blobsGone }] of group.runs.entries()) {
    const record = records[index];
    for (const use of blobsGone) {
      if (record !== undefined) writing.delete(record.blobs, holding(use));
      dropUnused(database, writing, use.hash);
    }
  }
}

/** Puts messages on their way. */
export function sendMessages(database: MemoryDatabase, writing: Writing, rows: readonly MessageRow[]): void {
  for (const row of rows) {
    writing.insert(database.messages, row.id, row, 'message');
    raise(database, writing, 'messageId', row.id);
  }
}

/** A big value that nobody refers to is gone. A message under way may be all that does. */
export function dropUnused(database: MemoryDatabase, writing: Writing, hash: string): void {
  for (const { blobs } of database.runs.values()) for (const use of blobs.values()) if (use.hash === hash) return;
  for (const { blobs } of database.messages.values()) if (blobs.includes(hash)) return;
  writing.delete(database.blobs, hash);
}

function writeRun(database: MemoryDatabase, writing: Writing, changes: RunChanges): RunRecord {
  const record =
    changes.origin === undefined ? known(database, changes) : begun(database, writing, changes, changes.origin);
  if (record.revision !== changes.revision) {
    throw new StoreError(
      'unchanged',
      `Run "${changes.run}" was decided on its revision ${changes.revision}, but somebody else has written it since. ` +
        'Nothing of the group was written: read the run again and decide anew.',
    );
  }
  // A copy: whoever decides goes on counting in its own, and what is not committed must not be seen (S2).
  const { counts, systemIds } = changes.state;
  writing.assign(record, 'state', { ...changes.state, counts: { ...counts }, systemIds: { ...systemIds } });
  writing.assign(record, 'revision', changes.revision + 1);
  if (changes.machine !== undefined) writing.assign(record, 'origin', { ...record.origin, machine: changes.machine });
  const owner = { tenant: changes.tenant, run: changes.run };
  for (const entry of changes.entries) {
    writing.insert(record.entries, entry.seq, entry, `entry of run "${changes.run}"`);
    writing.insert(database.positions, entry.position, { run: owner, entry }, 'journal position');
    raise(database, writing, 'position', entry.position);
  }
  for (const [seq, entry] of record.entries) {
    if (changes.entriesFrom === undefined || seq >= changes.entriesFrom) break;
    writing.delete(record.entries, seq);
    writing.delete(database.positions, entry.position);
  }
  for (const row of changes.actors) writing.set(record.actors, row.address, row);
  for (const row of changes.timersArmed) writing.insert(record.timers, row.token, row, 'timer');
  for (const row of changes.effectsAsked) writing.insert(record.effects, row.token, row, 'effect');
  for (const change of changes.rows) writeRow(database, writing, record, change);
  for (const { id, seq } of changes.taken) writing.insert(record.taken, id, seq, 'taken message');
  for (const use of changes.blobs) {
    if (!database.blobs.has(use.hash))
      throw new StoreError('unchanged', `Run "${changes.run}" claims the big value ${use.hash}, which is not stored.`);
    writing.set(record.blobs, holding(use), use);
  }
  for (const token of changes.effectsMarked) {
    const row = record.effects.get(token);
    if (row !== undefined) writing.set(record.effects, token, { ...row, marked: true });
  }
  for (const token of changes.timersGone) writing.delete(record.timers, token);
  for (const token of changes.effectsGone) writing.delete(record.effects, token);
  return record;
}

function known(database: MemoryDatabase, changes: RunChanges): RunRecord {
  const record = database.run(changes);
  if (record !== undefined) return record;
  throw new StoreError(
    'unchanged',
    `Run "${changes.run}" does not exist, and the group does not begin it. Was it deleted?`,
  );
}

function begun(database: MemoryDatabase, writing: Writing, changes: RunChanges, origin: RunOrigin): RunRecord {
  const { idempotency, tenant } = origin;
  const started = database.runsOf(tenant).find((other) => other.origin.idempotency?.key === idempotency?.key);
  if (idempotency !== undefined && started !== undefined)
    throw new StoreError('unchanged', `Run "${started.origin.run}" was started under the key "${idempotency.key}".`);
  const record: RunRecord = {
    key: database.highest.run + 1,
    origin: { ...origin, idempotency },
    state: changes.state,
    revision: 0,
    entries: new Map(),
    actors: new Map(),
    timers: new Map(),
    effects: new Map(),
    tasks: new Map(),
    approvals: new Map(),
    growth: new Map(),
    growthLists: new Map(),
    waits: new Map(),
    keptEvents: new Map(),
    eventTypes: new Map(),
    shared: new Map(),
    sharedWrites: new Map(),
    watches: new Map(),
    budgetWaits: new Map(),
    taken: new Map(),
    blobs: new Map(),
  };
  raise(database, writing, 'run', record.key);
  writing.insert(database.runs, nameOf(origin), record, 'run');
  if (origin.parent !== undefined) openAccount(database, writing, origin);
  return record;
}

function writeRow(database: MemoryDatabase, writing: Writing, record: RunRecord, change: RowChange): void {
  switch (change.table) {
    case 'task':
      return writing.set(record.tasks, change.key, change.row);
    case 'growth':
      return writing.set(record.growth, change.key, change.row);
    case 'growthList':
      return writing.insert(record.growthLists, change.key, change.row, 'entry of a list');
    case 'wait':
      return writing.set(record.waits, change.key, change.row);
    case 'keptEvent':
      return writing.set(record.keptEvents, change.key, change.row);
    case 'eventType':
      return writing.set(record.eventTypes, change.key, change.row);
    case 'shared':
      return writing.set(record.shared, change.key, change.row);
    case 'sharedWrite':
      return writing.set(record.sharedWrites, change.key, change.row);
    case 'watch':
      return writing.set(record.watches, change.key, change.row);
    case 'budgetWait':
      return writing.set(record.budgetWaits, change.key, change.row);
    case 'ledger':
      return addToLedger(database, writing, record.origin, change.row);
    case 'answer':
      return addToAnswers(database, writing, record.origin, change.row);
    case 'approval':
  }
  const order = record.approvals.get(change.key)?.order ?? database.highest.approval + 1;
  raise(database, writing, 'approval', order);
  writing.set(record.approvals, change.key, { order, row: change.row });
}

function raise(
  { highest }: MemoryDatabase,
  writing: Writing,
  name: keyof MemoryDatabase['highest'],
  value: number,
): void {
  if (value > highest[name]) writing.assign(highest, name, value);
}

function holding({ holder, hash }: BlobUse): string {
  return `${holder}\0${hash}`;
}
