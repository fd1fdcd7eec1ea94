/** Rows to commit, with every field that a test does not speak of filled in. */
import type { ActorRow } from '../../../src/store/actors.ts';
import type { ApprovalRow } from '../../../src/store/approvals.ts';
import type { BlobUse } from '../../../src/store/blobs.ts';
import type { CommitGroup, RunChanges } from '../../../src/store/commit.ts';
import type { EffectRow } from '../../../src/store/effects.ts';
import type { GrowthRow } from '../../../src/store/growth.ts';
import type { JournalEntry } from '../../../src/store/journal.ts';
import type { MessageRow } from '../../../src/store/messages.ts';
import type { RowChange } from '../../../src/store/rows.ts';
import type { RunKey, RunOrigin, RunState } from '../../../src/store/runs.ts';
import type { TaskRow } from '../../../src/store/tasks.ts';
import type { TimerRow } from '../../../src/store/timers.ts';
import type { WorkflowRow } from '../../../src/store/workflows.ts';

export const NOON = Date.UTC(2026, 0, 1, 12);

export function runKey(run: string, tenant = 'default'): RunKey {
  return { tenant, run };
}

export function state(over: Partial<RunState> = {}): RunState {
  return {
    status: 'running',
    seq: 0,
    facts: 0,
    lastAt: NOON,
    startedAt: NOON,
    endedAt: null,
    progress: 0,
    counts: {},
    reasonJson: null,
    outputJson: null,
    systemIds: {},
    agendaJson: null,
    ...over,
  };
}

/** What a run adds to a group: nothing but what is given. */
export function changes(owner: RunKey, revision: number, over: Partial<RunChanges> = {}): RunChanges {
  return {
    tenant: owner.tenant,
    run: owner.run,
    state: state(),
    revision,
    entries: [],
    actors: [],
    timersArmed: [],
    timersGone: [],
    effectsAsked: [],
    effectsMarked: [],
    effectsGone: [],
    rows: [],
    taken: [],
    blobs: [],
    blobsGone: [],
    ...over,
  };
}

export function origin(owner: RunKey, over: Partial<RunOrigin> = {}): RunOrigin {
  return {
    tenant: owner.tenant,
    run: owner.run,
    machine: 'light@1',
    tags: [],
    seed: 'seed',
    createdAt: NOON,
    inputJson: null,
    ...over,
  };
}

/** The first group of a run. */
export function begin(owner: RunKey, over: Partial<RunChanges> = {}, originOver: Partial<RunOrigin> = {}): RunChanges {
  return changes(owner, 0, { origin: origin(owner, originOver), ...over });
}

export function group(runs: readonly RunChanges[], over: Partial<CommitGroup> = {}): CommitGroup {
  return { runs, blobs: [], messagesSent: [], messagesTaken: [], ...over };
}

export function entry(seq: number, position: number, over: Partial<JournalEntry> = {}): JournalEntry {
  return {
    seq,
    factSeq: null,
    position,
    at: NOON + seq,
    kind: 'event',
    actor: 'root',
    type: 'go',
    dataJson: `{"n":${seq}}`,
    ...over,
  };
}

/** Claims on big values, of the run itself or of one of its actors. */
export function uses(hashes: readonly string[], holder = ''): BlobUse[] {
  return hashes.map((hash) => ({ hash, holder }));
}

export function actor(address: string, over: Partial<ActorRow> = {}): ActorRow {
  return { address, birth: 1, status: 'active', stateJson: '{"value":"red"}', ...over };
}

export function timer(owner: RunKey, token: string, due: number): TimerRow {
  return { ...owner, token, due, source: 'root', timerJson: `{"token":"${token}"}` };
}

export function effect(owner: RunKey, token: string): EffectRow {
  return { ...owner, token, actor: 'root', src: 'model', marked: false, effectJson: '{}' };
}

export function message(id: number, over: Partial<MessageRow> = {}): MessageRow {
  return { id, tenant: 'default', fromRun: 'a', toRun: 'b', eventJson: '{"type":"hello"}', blobs: [], ...over };
}

export function taskRow(name: string, position: number, over: Partial<TaskRow> = {}): TaskRow {
  return {
    name,
    position,
    status: 'pending',
    waiting: 0,
    ready: false,
    live: false,
    attempts: 0,
    startedAt: null,
    endedAt: null,
    resultSeq: null,
    detailJson: null,
    ...over,
  };
}

export function approvalRow(task: string, over: Partial<ApprovalRow> = {}): ApprovalRow {
  return {
    task,
    status: 'pending',
    prompt: 'Book it?',
    requestedAt: NOON,
    expiresAt: null,
    decidedAt: null,
    decisionJson: null,
    ...over,
  };
}

export function growthRow(task: string, over: Partial<GrowthRow> = {}): GrowthRow {
  return { task, parent: null, depth: 0, specSeq: null, open: 0, detailJson: null, ...over };
}

export function growthChange(row: GrowthRow): RowChange {
  return { table: 'growth', key: row.task, row };
}

export function taskChange(row: TaskRow): RowChange {
  return { table: 'task', key: row.name, row };
}

export function approvalChange(row: ApprovalRow): RowChange {
  return { table: 'approval', key: row.task, row };
}

export function workflowRow(id: string, over: Partial<WorkflowRow> = {}): WorkflowRow {
  return {
    tenant: 'default',
    id,
    name: `name of ${id}`,
    version: 1,
    tags: [],
    createdAt: NOON,
    updatedAt: NOON,
    documentJson: '{}',
    ...over,
  };
}
