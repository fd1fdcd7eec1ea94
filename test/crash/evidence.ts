/**
 * What a killed process left in its file, and what must be true of it once everything has ended.
 *
 * J1. The journal only grows: what was committed at a kill stands unchanged at the end, and its numbers have no gap.
 * J2. A call whose outcome was committed is not made again.
 * J3. A call that was in flight is made again, under the same key (unless its policy says otherwise).
 * J4. Each repeat was stated as in doubt before it was made.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { InDoubtPolicy } from '../../src/runtime/effect.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { EffectRow } from '../../src/store/effects.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { RunRow } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import type { TaskRow } from '../../src/store/tasks.ts';
import { folderInMemory } from '../harness/database.ts';
import { copyDatabase } from './database-files.ts';

const TENANT = 'default';
const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** A call that was asked for and has no outcome. */
export interface OpenCall {
  readonly key: string;
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly policy: InDoubtPolicy;
}

/** A run with all that is known of it. */
export interface RunEvidence {
  readonly run: RunRow;
  readonly journal: readonly JournalEntry[];
  readonly tasks: readonly TaskRow[];
}

/** What a database file says. */
export interface Evidence {
  readonly runs: ReadonlyMap<string, RunEvidence>;
  readonly open: readonly OpenCall[];
}

/** What was known at a kill. */
export interface Kill extends Evidence {
  /** Calls that the other side had seen, by key. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Reads a copy, so that whatever the killed process left is still there for the next one to settle. */
export async function readEvidence(file: string): Promise<Evidence> {
  const folder = folderInMemory();
  const copy = join(folder, 'fermata.db');
  copyDatabase(file, copy);
  const store = sqliteStore(copy);
  await store.open();
  try {
    const rows = await store.runs(TENANT, { limit: 1_000 });
    const runs = await Promise.all(
      rows.map(async (run): Promise<[string, RunEvidence]> => [run.run, await readRun(store, run)]),
    );
    return { runs: new Map(runs), open: (await store.openEffects(undefined, 1_000)).map(toOpenCall) };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

async function readRun(store: Store, run: RunRow): Promise<RunEvidence> {
  const key = { tenant: TENANT, run: run.run };
  return {
    run,
    journal: await store.journal(key, { after: 0, limit: EVERYTHING }),
    tasks: await store.tasks(key, { limit: 1_000 }),
  };
}

function toOpenCall({ run, effectJson }: EffectRow): OpenCall {
  const { key, policy, input } = JSON.parse(effectJson) as Pick<OpenCall, 'key' | 'policy'> & {
    readonly input: Pick<OpenCall, 'task' | 'attempt'>;
  };
  return { key, run, policy, task: input.task, attempt: input.attempt };
}

/** How often each key was seen. */
export function countKeys(calls: readonly { readonly key: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of calls) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Expects J1 to J4. `calls` are all calls that the other side has seen up to the end. */
export function expectSoundRecovery(kills: readonly Kill[], end: Evidence, calls: ReadonlyMap<string, number>): void {
  assert.deepEqual(end.open, [], 'no call is left without an outcome');
  for (const { run, journal } of end.runs.values()) {
    const numbers = journal.map(({ seq }) => seq);
    assert.deepEqual(numbers, naturals(numbers.length), `J1: the journal of ${run.run} has no gap`);
    expectNeverFalling(journal);
  }
  for (const [index, kill] of kills.entries()) {
    for (const [id, { journal }] of kill.runs) {
      const after = end.runs.get(id)?.journal.slice(0, journal.length);
      assert.deepEqual(after, journal, `J1: what was committed at kill ${index + 1} stands`);
    }
    expectCalls(kill, calls, `kill ${index + 1}`);
  }
  for (const call of new Map(kills.flatMap(({ open }) => open.map((one) => [one.key, one] as const))).values()) {
    const repeats = (calls.get(call.key) ?? 0) - 1;
    const doubts = doubtsOf(end, call);
    assert.ok(doubts >= repeats, `J4: ${repeats} repeats of "${call.task}" were stated, came ${doubts}`);
  }
}

/** J2 and J3. */
function expectCalls(kill: Kill, calls: ReadonlyMap<string, number>, when: string): void {
  const open = new Set(kill.open.map(({ key }) => key));
  for (const [key, count] of kill.calls) {
    if (!open.has(key)) assert.equal(calls.get(key), count, `J2: key ${key}, settled at ${when}, is not called again`);
  }
  for (const { key, task, policy } of kill.open) {
    const repeated = (calls.get(key) ?? 0) > (kill.calls.get(key) ?? 0);
    assert.ok(repeated || policy !== 'retry', `J3: the call of "${task}" in flight at ${when} is repeated`);
  }
}

/** Statements that this attempt of the task is in doubt. */
function doubtsOf(end: Evidence, { run, task, attempt }: OpenCall): number {
  const facts = end.runs.get(run)?.journal.filter(({ type }) => type === 'task_in_doubt') ?? [];
  return facts
    .map(({ dataJson }) => JSON.parse(dataJson) as OpenCall)
    .filter((fact) => fact.task === task && fact.attempt === attempt).length;
}

function expectNeverFalling(journal: readonly JournalEntry[]): void {
  const progress = journal
    .filter(({ kind }) => kind === 'fact')
    .map(({ dataJson }) => (JSON.parse(dataJson) as { progress?: number }).progress ?? 0);
  assert.deepEqual(progress, progress.toSorted(ascending), 'progress never falls');
  const times = journal.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted(ascending), 'time never goes back');
}

const ascending = (a: number, b: number): number => a - b;

/** 1, 2, … */
function naturals(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
