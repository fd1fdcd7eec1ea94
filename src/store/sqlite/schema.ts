/**
 * The tables. A change here needs `npm run migrations`, and the SQL file it writes is part of the change.
 *
 * Two habits keep a task small on disk and a commit cheap:
 *  - A run is known by its text id once, in `run`; whatever it owns carries its integer `key` and is deleted with it.
 *  - Tables keyed by (run, name) whose rows stay below a kilobyte are WITHOUT ROWID: one B-tree instead of two. drizzle
 *    cannot say so, therefore those two words are added by hand in the SQL file, and a test lists the tables that have
 *    them. `actor` and `blob` are not among them: rows past a kilobyte would each take an overflow page of their own.
 */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ActorRow, ApprovalRow, GrowthListRow, RunStatus, TaskStatus } from '../store.ts';

const ownerRun = () =>
  integer('run')
    .notNull()
    .references(() => run.key, { onDelete: 'cascade' });

/** What a run is created with; updated only by a migration of its machine, so that a big input is written once. */
export const run = sqliteTable(
  'run',
  {
    key: integer('key').primaryKey(),
    tenant: text('tenant').notNull(),
    run: text('id').notNull(),
    machine: text('machine').notNull(),
    workflowId: text('workflow_id'),
    workflowName: text('workflow_name'),
    workflowVersion: integer('workflow_version'),
    tagsJson: text('tags').notNull(),
    seed: text('seed').notNull(),
    createdAt: integer('created_at').notNull(),
    inputJson: text('input'),
    idempotencyKey: text('idempotency_key'),
    bodyHash: text('body_hash'),
    forkJson: text('fork'),
    parentRun: text('parent_run'),
    parentJson: text('parent'),
  },
  (t) => [
    uniqueIndex('run_id').on(t.tenant, t.run),
    index('run_tenant').on(t.tenant),
    uniqueIndex('run_idempotency')
      .on(t.tenant, t.idempotencyKey)
      .where(sql`idempotency_key is not null`),
    index('run_workflow')
      .on(t.workflowId)
      .where(sql`workflow_id is not null`),
    index('run_parent')
      .on(t.parentRun)
      .where(sql`parent_run is not null`),
  ],
);

/** What changes about a run: rewritten by every group that it is part of. */
export const runState = sqliteTable(
  'run_state',
  {
    run: integer('run')
      .primaryKey()
      .references(() => run.key, { onDelete: 'cascade' }),
    revision: integer('revision').notNull(),
    status: text('status').$type<RunStatus>().notNull(),
    seq: integer('seq').notNull(),
    facts: integer('facts').notNull(),
    lastAt: integer('last_at').notNull(),
    startedAt: integer('started_at'),
    endedAt: integer('ended_at'),
    progress: real('progress').notNull(),
    countsJson: text('counts').notNull(),
    reasonJson: text('reason'),
    outputJson: text('output'),
    systemIdsJson: text('system_ids').notNull(),
    agendaJson: text('agenda'),
  },
  (t) => [
    index('run_state_status').on(t.status),
    index('run_state_cut')
      .on(t.run)
      .where(sql`agenda is not null`),
  ],
);

/** Runs that a fork reads from, by their ids, since they may be deleted before it: the nearest has distance 0. */
export const forkedFrom = sqliteTable(
  'forked_from',
  { run: ownerRun(), distance: integer('distance').notNull(), origin: text('origin').notNull() },
  (t) => [primaryKey({ columns: [t.run, t.distance] }), index('forked_from_origin').on(t.origin)],
);

export const runTag = sqliteTable('run_tag', { run: ownerRun(), tag: text('tag').notNull() }, (t) => [
  primaryKey({ columns: [t.run, t.tag] }),
  index('run_tag_tag').on(t.tag),
]);

export const actor = sqliteTable(
  'actor',
  {
    key: integer('key').primaryKey(),
    run: ownerRun(),
    address: text('address').notNull(),
    birth: integer('birth').notNull(),
    status: text('status').$type<ActorRow['status']>().notNull(),
    stateJson: text('state').notNull(),
  },
  (t) => [uniqueIndex('actor_address').on(t.run, t.address)],
);

export const timer = sqliteTable(
  'timer',
  {
    run: ownerRun(),
    token: text('token').notNull(),
    due: integer('due').notNull(),
    source: text('source').notNull(),
    timerJson: text('timer').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.token] }), index('timer_due').on(t.due)],
);

export const effect = sqliteTable(
  'effect',
  {
    run: ownerRun(),
    token: text('token').notNull(),
    actor: text('actor').notNull(),
    src: text('src').notNull(),
    marked: integer('marked', { mode: 'boolean' }).notNull(),
    effectJson: text('effect').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.token] })],
);

/** Several entries a row: `journal.ts` says how, and why. */
export const journal = sqliteTable(
  'journal',
  {
    position: integer('position').primaryKey(),
    run: ownerRun(),
    seq: integer('seq').notNull(),
    facts: integer('facts').notNull(),
    count: integer('count').notNull(),
    entries: text('entries').notNull(),
  },
  (t) => [uniqueIndex('journal_seq').on(t.run, t.seq)],
);

/** Live tasks are not indexed: they are asked for once, when a run ends early, and an index would cost every task two writes. */
export const task = sqliteTable(
  'task',
  {
    run: ownerRun(),
    name: text('name').notNull(),
    position: integer('position').notNull(),
    status: text('status').$type<TaskStatus>().notNull(),
    waiting: integer('waiting').notNull(),
    ready: integer('ready', { mode: 'boolean' }).notNull(),
    live: integer('live', { mode: 'boolean' }).notNull(),
    attempts: integer('attempts').notNull(),
    startedAt: integer('started_at'),
    endedAt: integer('ended_at'),
    resultSeq: integer('result_seq'),
    detailJson: text('detail'),
  },
  (t) => [
    primaryKey({ columns: [t.run, t.name] }),
    index('task_position').on(t.run, t.position),
    index('task_ready')
      .on(t.run, t.position)
      .where(sql`ready = 1`),
  ],
);

export const approval = sqliteTable(
  'approval',
  {
    order: integer('order').primaryKey(),
    run: ownerRun(),
    task: text('task').notNull(),
    status: text('status').$type<ApprovalRow['status']>().notNull(),
    prompt: text('prompt').notNull(),
    requestedAt: integer('requested_at').notNull(),
    expiresAt: integer('expires_at'),
    decidedAt: integer('decided_at'),
    decisionJson: text('decision'),
  },
  (t) => [uniqueIndex('approval_task').on(t.run, t.task), index('approval_status').on(t.status)],
);

/** `GrowthRow`. Read by name only. */
export const growth = sqliteTable(
  'growth',
  {
    run: ownerRun(),
    task: text('task').notNull(),
    parent: text('parent'),
    depth: integer('depth').notNull(),
    specSeq: integer('spec_seq'),
    open: integer('open').notNull(),
    detailJson: text('detail'),
  },
  (t) => [primaryKey({ columns: [t.run, t.task] })],
);

/** `GrowthListRow`. Read one by one: how many there are, the row of `growth` says. */
export const growthList = sqliteTable(
  'growth_list',
  {
    run: ownerRun(),
    task: text('task').notNull(),
    list: text('list').$type<GrowthListRow['list']>().notNull(),
    at: integer('at').notNull(),
    name: text('name').notNull(),
    hard: integer('hard', { mode: 'boolean' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.task, t.list, t.at] })],
);

/** Tasks that wait for an event from outside; one that has ended its wait stays, closed. */
export const wait = sqliteTable(
  'wait',
  {
    run: ownerRun(),
    task: text('task').notNull(),
    type: text('type').notNull(),
    position: integer('position').notNull(),
    open: integer('open', { mode: 'boolean' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.run, t.task] }),
    index('wait_open')
      .on(t.run, t.type, t.position, t.task)
      .where(sql`open = 1`),
  ],
);

/** Events from outside that came before anybody waited for them. The event itself stands in the journal. */
export const keptEvent = sqliteTable(
  'kept_event',
  {
    run: ownerRun(),
    seq: integer('seq').notNull(),
    type: text('type').notNull(),
    takenBy: text('taken_by'),
  },
  (t) => [
    primaryKey({ columns: [t.run, t.seq] }),
    index('kept_event_untaken')
      .on(t.run, t.type, t.seq)
      .where(sql`taken_by is null`),
  ],
);

/** How many tasks wait for a type of event, and how many such events are kept. */
export const eventType = sqliteTable(
  'event_type',
  {
    run: ownerRun(),
    type: text('type').notNull(),
    toCome: integer('to_come').notNull(),
    waiting: integer('waiting').notNull(),
    kept: integer('kept').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.type] })],
);

/** Values that the tasks of a run share. The value itself stands in the journal. */
export const shared = sqliteTable(
  'shared',
  {
    run: ownerRun(),
    key: text('key').notNull(),
    revision: integer('revision').notNull(),
    seq: integer('seq').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.key] })],
);

/** Writes of calls of functions: repeated after a crash, they are not done again. */
export const sharedWrite = sqliteTable(
  'shared_write',
  {
    run: ownerRun(),
    write: text('write').notNull(),
    key: text('key').notNull(),
    revision: integer('revision').notNull(),
    seq: integer('seq').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.write] })],
);

/** Tasks that stop when a shared value changes so; one that has ended stays, closed. */
export const watch = sqliteTable(
  'watch',
  {
    run: ownerRun(),
    task: text('task').notNull(),
    key: text('key').notNull(),
    position: integer('position').notNull(),
    open: integer('open', { mode: 'boolean' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.run, t.task, t.key] }),
    index('watch_open')
      .on(t.run, t.key, t.position, t.task)
      .where(sql`open = 1`),
  ],
);

/** Messages from outside that were taken. */
export const taken = sqliteTable(
  'taken',
  { run: ownerRun(), id: text('id').notNull(), seq: integer('seq').notNull() },
  (t) => [primaryKey({ columns: [t.run, t.id] })],
);

/** Messages between runs that were sent and not yet taken. */
export const message = sqliteTable('message', {
  id: integer('id').primaryKey(),
  tenant: text('tenant').notNull(),
  fromRun: text('from_run').notNull(),
  toRun: text('to_run').notNull(),
  eventJson: text('event').notNull(),
  blobs: text('blobs', { mode: 'json' }).$type<readonly string[]>().notNull(),
});

/** Big values, stored once under their hash. */
export const blob = sqliteTable('blob', { hash: text('hash').primaryKey(), text: text('text').notNull() });

/**
 * Who refers to which big value: what nobody refers to any more goes with the last one that did. An actor's row is a
 * holder of its own, by its address: rewritten a thousand times, it must not leave a thousand big values behind.
 */
export const blobUse = sqliteTable(
  'blob_use',
  {
    run: ownerRun(),
    hash: text('hash')
      .notNull()
      .references(() => blob.hash),
    holder: text('holder').notNull(),
  },
  (t) => [primaryKey({ columns: [t.run, t.hash, t.holder] }), index('blob_use_hash').on(t.hash)],
);

export const workflow = sqliteTable(
  'workflow',
  {
    key: integer('key').primaryKey(),
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    newest: integer('newest').notNull(),
    deletedAt: integer('deleted_at'),
  },
  (t) => [
    uniqueIndex('workflow_id').on(t.tenant, t.id),
    uniqueIndex('workflow_name')
      .on(t.tenant, t.name)
      .where(sql`deleted_at is null`),
  ],
);

export const workflowVersion = sqliteTable(
  'workflow_version',
  {
    workflow: integer('workflow')
      .notNull()
      .references(() => workflow.key),
    version: integer('version').notNull(),
    name: text('name').notNull(),
    tagsJson: text('tags').notNull(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
    documentJson: text('document').notNull(),
  },
  (t) => [primaryKey({ columns: [t.workflow, t.version] })],
);

/** Tags of a workflow's newest version. */
export const workflowTag = sqliteTable(
  'workflow_tag',
  {
    tag: text('tag').notNull(),
    workflow: integer('workflow')
      .notNull()
      .references(() => workflow.key),
  },
  (t) => [primaryKey({ columns: [t.tag, t.workflow] }), index('workflow_tag_workflow').on(t.workflow)],
);

/**
 * What may have brought the process down: `SuspectRow`. By the run's name and not its key, because a run whose start
 * kills the process has none.
 */
export const suspect = sqliteTable(
  'suspect',
  {
    tenant: text('tenant').notNull(),
    run: text('run_id').notNull(),
    key: text('key').notNull(),
    what: text('what').notNull(),
    count: integer('count').notNull(),
    at: integer('at').notNull(),
    aloneSince: integer('alone_since'),
    quarantinedAt: integer('quarantined_at'),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.run, t.key] })],
);

/** The definition that is registered under a `name@version`. */
export const machine = sqliteTable('machine', { machine: text('machine').primaryKey(), hash: text('hash').notNull() });

/** The greatest numbers ever used by rows that may be gone: a number given out twice would move somebody's cursor. */
export const highWater = sqliteTable('high_water', {
  name: text('name').primaryKey(),
  value: integer('value').notNull(),
});
