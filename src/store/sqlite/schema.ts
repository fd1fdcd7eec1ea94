/**
 * The tables. A change here needs `npm run migrations`, and the SQL file it writes is part of the change.
 *
 * Two habits keep a task small on disk and a commit cheap:
 *  - A run is known by its text id once, in `run`; whatever it owns carries its integer `key` and is deleted with it.
 *  - Tables keyed by (run, name) whose rows stay below a kilobyte are WITHOUT ROWID: one B-tree instead of two. drizzle
 *    cannot say so, therefore those two words are added by hand in the SQL file, and a test lists the tables that have
 *    them. `actor` and `blob` are not among them: rows past a kilobyte would each take an overflow page of their own.
 *
 * A long file, because it is the whole file format, and tables refer to each other.
 */
import { sql } from 'drizzle-orm';
import {
  blob as bytes,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import type { ActorRow } from '../actors.ts';
import type { ApprovalRow } from '../approvals.ts';
import type { GrowthListRow } from '../growth.ts';
import type { LedgerRow } from '../ledger.ts';
import type { RunStatus } from '../runs.ts';
import type { TaskStatus } from '../tasks.ts';

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

/** `BudgetWaitRow`. */
export const budgetWait = sqliteTable(
  'budget_wait',
  {
    run: ownerRun(),
    task: text('task').notNull(),
    call: text('call').notNull(),
    need: integer('need').notNull(),
    least: integer('least').notNull(),
    open: integer('open', { mode: 'boolean' }).notNull(),
    held: integer('held').notNull().default(0),
    lesserJson: text('lesser'),
  },
  (t) => [
    primaryKey({ columns: [t.run, t.task, t.call] }),
    index('budget_wait_open')
      .on(t.run, t.least, t.task, t.call)
      .where(sql`open = 1`),
    index('budget_wait_holder')
      .on(t.task, t.run)
      .where(sql`held > 0 or (open = 1 and call = '')`),
  ],
);

/**
 * Whom the ledger charges: `AccountRow`. It does not belong to the run and is not deleted with it, as money that is spent
 * is spent. Runs that others began have one from the start: what is below them is found by it.
 */
export const account = sqliteTable(
  'account',
  {
    key: integer('key').primaryKey(),
    tenant: text('tenant').notNull(),
    run: text('run_id').notNull(),
    workflowId: text('workflow_id'),
    workflowName: text('workflow_name'),
    parentRun: text('parent_run'),
    parentTask: text('parent_task'),
  },
  (t) => [
    uniqueIndex('account_run').on(t.tenant, t.run),
    index('account_workflow').on(t.workflowId),
    index('account_name').on(t.workflowName),
    index('account_parent')
      .on(t.parentRun)
      .where(sql`parent_run is not null`),
  ],
);

/** Tags of a run, as it began with them. */
export const accountTag = sqliteTable(
  'account_tag',
  {
    account: integer('account')
      .notNull()
      .references(() => account.key),
    tag: text('tag').notNull(),
  },
  (t) => [primaryKey({ columns: [t.account, t.tag] }), index('account_tag_tag').on(t.tag)],
);

/** Who was asked, who answered, at what unit prices ('' where nobody knows them): once for all requests that have the same. */
export const tariff = sqliteTable(
  'tariff',
  {
    key: integer('key').primaryKey(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    answered: text('answered').notNull(),
    pricesJson: text('prices').notNull(),
  },
  (t) => [uniqueIndex('tariff_same').on(t.provider, t.model, t.answered, t.pricesJson)],
);

/** `LedgerRow`. Rows are added and never changed or deleted: what is added up in slices is of one moment. */
export const ledger = sqliteTable(
  'ledger',
  {
    key: integer('key').primaryKey(),
    account: integer('account')
      .notNull()
      .references(() => account.key),
    tariff: integer('tariff')
      .notNull()
      .references(() => tariff.key),
    at: integer('at').notNull(),
    seq: integer('seq').notNull(),
    index: integer('n').notNull(),
    attempt: integer('attempt').notNull(),
    task: text('task').notNull(),
    call: text('call').notNull(),
    kind: text('kind').$type<LedgerRow['kind']>().notNull(),
    inputTokens: integer('input_tokens'),
    cachedInputTokens: integer('cached_input_tokens'),
    cacheWriteTokens: integer('cache_write_tokens'),
    outputTokens: integer('output_tokens'),
    reasoningTokens: integer('reasoning_tokens'),
    costNanos: integer('cost_nanos'),
  },
  (t) => [
    uniqueIndex('ledger_seq').on(t.account, t.seq, t.index),
    index('ledger_task').on(t.account, t.task),
    index('ledger_at').on(t.at),
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

/** The cache of answers: `AnswerRow`, and who asks for one. It is nobody's run's, and outlives all of them. */
export const answer = sqliteTable(
  'answer',
  {
    key: integer('key').primaryKey(),
    tenant: text('tenant').notNull(),
    hash: text('hash').notNull(),
    promptHash: text('prompt_hash').notNull(),
    prompt: text('prompt').notNull(),
    workflow: text('workflow').notNull(),
    tagsJson: text('tags').notNull(),
    /** Key of the run that asks, or asked last: not a reference, since it may be deleted. */
    claimRun: integer('claim_run').notNull(),
    claimActor: text('claim_actor').notNull(),
    lastUsedAt: integer('last_used_at').notNull(),
    hitCount: integer('hit_count').notNull(),
    bytes: integer('bytes').notNull(),
    answeredAt: integer('answered_at'),
    expiresAt: integer('expires_at'),
    model: text('model'),
    finishReason: text('finish_reason'),
    costNanos: integer('cost_nanos'),
    valueJson: text('value'),
    /** Hash of the question whose answer has served this one, which has none of its own. */
    similarTo: text('similar_to'),
    similarity: real('similarity'),
    /** A model has judged that it serves: 1, or 0. */
    verified: integer('verified'),
  },
  (t) => [
    uniqueIndex('answer_hash').on(t.tenant, t.hash),
    index('answer_used').on(t.tenant, t.lastUsedAt),
    index('answer_expires').on(t.tenant, t.expiresAt),
    index('answer_workflow').on(t.tenant, t.workflow),
    index('answer_prompt').on(t.tenant, t.promptHash),
  ],
);

/**
 * Sketches of the vectors of questions (`vectors/sketch.ts`): all of a space are read when one is first looked for. Keys are
 * never given out twice, so that what is new is what has a greater one.
 */
export const vector = sqliteTable(
  'vector',
  {
    key: integer('key').primaryKey({ autoIncrement: true }),
    answer: integer('answer')
      .notNull()
      .references(() => answer.key, { onDelete: 'cascade' }),
    tenant: text('tenant').notNull(),
    space: text('space').notNull(),
    sketch: bytes('sketch', { mode: 'buffer' }).notNull(),
  },
  (t) => [uniqueIndex('vector_answer').on(t.answer), index('vector_space').on(t.tenant, t.space)],
);

/** The vectors themselves, 32-bit floats: beside their sketches they would be read with them, 6 KB each. */
export const vectorValues = sqliteTable('vector_values', {
  key: integer('key')
    .primaryKey()
    .references(() => vector.key, { onDelete: 'cascade' }),
  values: bytes('values', { mode: 'buffer' }).notNull(),
});

/** How many questions are there, and how big they are: what its bounds are held against, kept with every change. */
export const answerSize = sqliteTable('answer_size', {
  tenant: text('tenant').primaryKey(),
  entries: integer('entries').notNull(),
  bytes: integer('bytes').notNull(),
});

/** What the cache did for a workflow: `ServedRow`. */
export const served = sqliteTable(
  'served',
  {
    tenant: text('tenant').notNull(),
    workflow: text('workflow').notNull(),
    misses: integer('misses').notNull(),
    hits: integer('hits').notNull(),
    shared: integer('shared').notNull(),
    savedNanos: integer('saved_nanos').notNull(),
  },
  (t) => [primaryKey({ columns: [t.tenant, t.workflow] })],
);
