/**
 * Writes a group.
 *
 * Inside a run's changes the order is: what is new, then what changed, then what is gone. A timer that was armed and
 * cancelled in the same group is therefore gone.
 */
import { and, eq, sql } from 'drizzle-orm';
import { StoreError } from '../store.ts';
import type { BlobUse } from '../blobs.ts';
import type { CommitGroup, RunChanges } from '../commit.ts';
import type { RowChange } from '../rows.ts';
import type { RunOrigin, RunState } from '../runs.ts';
import { isUnused } from './conditions.ts';
import type { Connection } from './connection.ts';
import { prepareNextRun, raiseHighWater } from './high-water.ts';
import { pagesOf } from './journal.ts';
import { answerWrites } from './answers.ts';
import { ledgerWrites } from './ledger-writes.ts';
import { OWN_ID } from './run-row.ts';
import { builder, insertStatement, setColumns, together, upsertStatement, writeStatement } from './prepared.ts';
import type { RunKeys } from './run-keys.ts';
import { parentColumns } from './run-row.ts';
import {
  actor,
  approval,
  blob,
  blobUse,
  budgetWait,
  effect,
  eventType,
  forkedFrom,
  growth,
  growthList,
  journal,
  keptEvent,
  message,
  run,
  runState,
  runTag,
  shared,
  sharedWrite,
  taken,
  task,
  timer,
  wait,
  watch,
} from './schema.ts';
import { prepareDropSuspect } from './suspects.ts';
import type { Writer } from './writer.ts';

/** Commits a group: all of it or nothing (S1). Throws `StoreError` and nothing else (S3). */
export type Commit = (group: CommitGroup) => void;

const runIs = sql.placeholder('run');
const tokenIs = sql.placeholder('token');
const unwritten = and(eq(runState.run, runIs), eq(runState.revision, sql.placeholder('revision')));
const revision = sql`revision + 1`;
const indexed = ['status', 'agendaJson'];
const prepareWrites = together({
  run: insertStatement(run),
  nextRun: prepareNextRun,
  state: insertStatement(runState),
  tag: insertStatement(runTag),
  forkedFrom: insertStatement(forkedFrom),
  updateState: writeStatement(() =>
    builder
      .update(runState)
      .set({ ...setColumns(runState, ['run', 'revision']), revision })
      .where(unwritten),
  ),
  updateUnindexed: writeStatement(() =>
    builder
      .update(runState)
      .set({ ...setColumns(runState, ['run', 'revision', ...indexed]), revision })
      .where(
        and(
          unwritten,
          sql`${runState.status} = ${sql.placeholder('status')}`,
          sql`${runState.agendaJson} is ${sql.placeholder('agendaJson')}`,
        ),
      ),
  ),
  journal: insertStatement(journal),
  // A row has the number of its last entry.
  forgetEntries: writeStatement(() =>
    builder.delete(journal).where(and(eq(journal.run, runIs), sql`${journal.seq} < ${sql.placeholder('from')}`)),
  ),
  machine: writeStatement(() =>
    builder
      .update(run)
      .set({ machine: sql`${sql.placeholder('machine')}` })
      .where(eq(run.key, runIs)),
  ),
  actor: upsertStatement(actor, [actor.run, actor.address], { auto: 'key' }),
  timer: insertStatement(timer),
  dropTimer: writeStatement(() => builder.delete(timer).where(and(eq(timer.run, runIs), eq(timer.token, tokenIs)))),
  effect: insertStatement(effect),
  markEffect: writeStatement(() =>
    builder
      .update(effect)
      .set({ marked: true })
      .where(and(eq(effect.run, runIs), eq(effect.token, tokenIs))),
  ),
  dropEffect: writeStatement(() => builder.delete(effect).where(and(eq(effect.run, runIs), eq(effect.token, tokenIs)))),
  task: upsertStatement(task, [task.run, task.name], { fixed: [task.position] }),
  approval: upsertStatement(approval, [approval.run, approval.task], { auto: 'order' }),
  growth: upsertStatement(growth, [growth.run, growth.task], {
    fixed: [growth.parent, growth.depth, growth.specSeq],
  }),
  growthList: insertStatement(growthList),
  wait: upsertStatement(wait, [wait.run, wait.task], { fixed: [wait.type, wait.position] }),
  keptEvent: upsertStatement(keptEvent, [keptEvent.run, keptEvent.seq], { fixed: [keptEvent.type] }),
  eventType: upsertStatement(eventType, [eventType.run, eventType.type]),
  shared: upsertStatement(shared, [shared.run, shared.key]),
  sharedWrite: upsertStatement(sharedWrite, [sharedWrite.run, sharedWrite.write]),
  watch: upsertStatement(watch, [watch.run, watch.task, watch.key], { fixed: [watch.position] }),
  budgetWait: upsertStatement(budgetWait, [budgetWait.run, budgetWait.task, budgetWait.call]),
  ledger: ledgerWrites,
  answers: answerWrites,
  taken: insertStatement(taken),
  blob: writeStatement(() =>
    builder
      .insert(blob)
      .values({ hash: sql.placeholder('hash'), text: sql.placeholder('text') })
      .onConflictDoNothing(),
  ),
  blobUse: writeStatement(() =>
    builder
      .insert(blobUse)
      .values({ run: runIs, hash: sql.placeholder('hash'), holder: sql.placeholder('holder') })
      .onConflictDoNothing(),
  ),
  dropBlobUse: writeStatement(() =>
    builder
      .delete(blobUse)
      .where(
        and(
          eq(blobUse.run, runIs),
          eq(blobUse.hash, sql.placeholder('hash')),
          eq(blobUse.holder, sql.placeholder('holder')),
        ),
      ),
  ),
  dropUnusedBlob: writeStatement(() => builder.delete(blob).where(isUnused(sql.placeholder('hash')))),
  dropSuspect: prepareDropSuspect,
  message: insertStatement(message),
  takeMessage: writeStatement(() => builder.delete(message).where(eq(message.id, sql.placeholder('id')))),
  messageHighWater: raiseHighWater('message'),
});

/** Prepares the statements of a commit, once. */
export function prepareCommit(connection: Connection, keys: RunKeys, writer: Writer): Commit {
  const write = prepareWrites(connection);

  /** Returns the run's key. */
  function writeRun(changes: RunChanges, created: Map<RunOrigin, number>): number {
    const key = changes.origin === undefined ? existing(changes) : create(changes, changes.origin);
    if (changes.origin !== undefined) created.set(changes.origin, key);
    for (const page of pagesOf(changes.entries, changes.state.facts)) write.journal({ ...page, run: key });
    if (changes.entriesFrom !== undefined) write.forgetEntries({ run: key, from: changes.entriesFrom });
    if (changes.machine !== undefined) write.machine({ run: key, machine: changes.machine });
    for (const row of changes.actors) write.actor({ ...row, run: key });
    for (const row of changes.timersArmed) write.timer({ ...row, run: key });
    for (const row of changes.effectsAsked) write.effect({ ...row, run: key });
    for (const change of changes.rows) writeRow(key, change);
    for (const { id, seq } of changes.taken) write.taken({ run: key, id, seq });
    for (const { hash, holder } of changes.blobs) write.blobUse({ run: key, hash, holder });
    for (const token of changes.effectsMarked) write.markEffect({ run: key, token });
    for (const token of changes.timersGone) write.dropTimer({ run: key, token });
    for (const token of changes.effectsGone) write.dropEffect({ run: key, token });
    return key;
  }

  function letGo(key: number, gone: readonly BlobUse[]): void {
    for (const { hash, holder } of gone) {
      write.dropBlobUse({ run: key, hash, holder });
      write.dropUnusedBlob({ hash });
    }
  }

  function create(changes: RunChanges, origin: RunOrigin): number {
    const key = write.run({ ...originColumns(origin), key: write.nextRun() });
    write.state({ ...stateColumns(changes.state), run: key, revision: changes.revision + 1 });
    for (const tag of new Set(origin.tags)) write.tag({ run: key, tag });
    for (const [distance, from] of (origin.forkedFrom ?? []).entries())
      write.forkedFrom({ run: key, distance, origin: from });
    if (origin.parent !== undefined) write.ledger.open(key);
    return key;
  }

  function existing(changes: RunChanges): number {
    const key = keys.of(changes);
    if (key === undefined) {
      throw new StoreError(
        'unchanged',
        `Run "${changes.run}" does not exist, and the group does not begin it. Was it deleted?`,
      );
    }
    const state = { ...stateColumns(changes.state), run: key, revision: changes.revision };
    // Most groups leave alone what is indexed; an index whose column is written is written too.
    if (write.updateUnindexed(state) === 1 || write.updateState(state) === 1) return key;
    throw new StoreError(
      'unchanged',
      `Run "${changes.run}" was decided on its revision ${changes.revision}, but somebody else has written it since. ` +
        'Nothing of the group was written: read the run again and decide anew.',
    );
  }

  function writeRow(key: number, change: RowChange): void {
    switch (change.table) {
      case 'task':
        return void write.task({ ...change.row, run: key, name: change.key });
      case 'approval':
        return void write.approval({ ...change.row, run: key, task: change.key });
      case 'growth':
        return void write.growth({ ...change.row, run: key, task: change.key });
      case 'growthList':
        return void write.growthList({ ...change.row, run: key });
      case 'wait':
        return void write.wait({ ...change.row, run: key });
      case 'keptEvent':
        return void write.keptEvent({ ...change.row, run: key });
      case 'eventType':
        return void write.eventType({ ...change.row, run: key });
      case 'shared':
        return void write.shared({ ...change.row, run: key });
      case 'sharedWrite':
        return void write.sharedWrite({ ...change.row, run: key });
      case 'watch':
        return void write.watch({ ...change.row, run: key });
      case 'budgetWait':
        return void write.budgetWait({ ...change.row, run: key });
      case 'ledger':
        return write.ledger.add(key, change.row);
      case 'answer':
        return write.answers.add(key, change.row);
    }
  }

  function writeGroup(group: CommitGroup, created: Map<RunOrigin, number>): void {
    for (const { hash, text } of group.blobs) write.blob({ hash, text });
    const keysOf = group.runs.map((changes) => writeRun(changes, created));
    for (const row of group.messagesSent) write.message(row);
    for (const id of group.messagesTaken) write.takeMessage({ id });
    for (const gone of group.suspectsGone ?? []) write.dropSuspect(gone);
    // Last: what one run lets go of another may claim in the same group.
    for (const [index, { blobsGone }] of group.runs.entries()) letGo(keysOf[index] ?? 0, blobsGone);
    const lastSent = group.messagesSent.reduce((last, { id }) => Math.max(last, id), 0);
    if (lastSent > 0) write.messageHighWater(lastSent);
  }

  return (group) => {
    const created = new Map<RunOrigin, number>();
    try {
      writer.write(() => writeGroup(group, created));
    } catch (error) {
      // A key that was looked up inside the transaction may be of a run that fell with it.
      for (const changes of group.runs) keys.forget(changes);
      throw error;
    }
    for (const [owner, key] of created) keys.remember(owner, key);
  };
}

function originColumns(origin: RunOrigin) {
  return {
    tenant: origin.tenant,
    run: origin.run,
    machine: origin.machine,
    workflowId: origin.workflowId ?? null,
    workflowName: origin.workflowName ?? null,
    workflowVersion: origin.workflowVersion ?? null,
    ...parentColumns(origin.parent),
    tagsJson: JSON.stringify(origin.tags),
    seed: origin.seed === origin.run ? OWN_ID : origin.seed,
    createdAt: origin.createdAt,
    inputJson: origin.inputJson,
    idempotencyKey: origin.idempotency?.key ?? null,
    bodyHash: origin.idempotency?.bodyHash ?? null,
    forkJson: origin.forkJson ?? null,
  };
}

function stateColumns(state: RunState) {
  const { counts, systemIds, ...columns } = state;
  return { ...columns, countsJson: JSON.stringify(counts), systemIdsJson: JSON.stringify(systemIds) };
}
