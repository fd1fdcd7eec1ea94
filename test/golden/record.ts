/** What is recorded of a golden set beside its database, and how it is read back from any build. */
import { hash } from 'node:crypto';
import type { RunView } from '../../src/runtime/runtime.ts';
import type { World } from './world.ts';

/** One run, as it rests in the file. */
export interface RestingRun {
  readonly machine: string;
  readonly status: string;
  readonly seq: number;
  readonly facts: number;
  /** Hash of every journal entry. */
  readonly journal: string;
  /** Hash of XState's persisted form of every actor, by address. */
  readonly actors: Readonly<Record<string, string>>;
  /** `name: status` of each task. */
  readonly tasks: readonly string[];
}

/** One run, when it has ended. */
export interface EndedRun {
  readonly status: string;
  /** Hash of the output. */
  readonly output: string;
  readonly reason: string | undefined;
  readonly tasks: readonly string[];
  /** Types of the facts that were stated since the file was opened, with how often. */
  readonly facts: Readonly<Record<string, number>>;
}

/** What belongs to no run: what was paid, what is lent, and which answers serve again. */
export interface Kept {
  readonly budgets: readonly unknown[];
  readonly costs: readonly unknown[];
  readonly served: readonly unknown[];
  /** Questions with an answer: how often it has served, and what it had cost. */
  readonly answers: readonly unknown[];
}

/** `expected.json`. */
export interface Expected {
  /** The version of the package; older sets do not say. */
  readonly writtenBy?: string;
  /** When the file was closed, in milliseconds since 1970. */
  readonly now: number;
  /** Name of each run in the story → its id. */
  readonly runs: Readonly<Record<string, string>>;
  readonly resting: Readonly<Record<string, RestingRun>>;
  readonly ended: Readonly<Record<string, EndedRun>>;
  /** Older sets have none. */
  readonly kept?: { readonly resting: Kept; readonly ended: Kept };
}

const EVERYTHING = 100_000;

/** All runs as they rest, by id. */
export async function restingRuns(world: World): Promise<Readonly<Record<string, RestingRun>>> {
  const { runtime } = world.fermata;
  const found = await Promise.all(
    (await allRuns(world)).map(async ({ runId, machine, status, seq, facts }): Promise<[string, RestingRun]> => {
      const journal = hashOf(await runtime.journal(runId, { limit: EVERYTHING }));
      const tasks = await tasksOf(world, runId);
      return [runId, { machine, status, seq, facts, journal, actors: await actorHashes(world, runId), tasks }];
    }),
  );
  return Object.fromEntries(found);
}

/** The persisted form of every actor of a run, hashed: as it is stored, or as of an entry by taking the journal again. */
export async function actorHashes(world: World, runId: string, at?: number): Promise<Readonly<Record<string, string>>> {
  const { runtime } = world.fermata;
  const rows = await world.store.actors({ tenant: runtime.tenant, run: runId });
  const hashes = rows.map(async ({ address }): Promise<[string, string]> => {
    const { snapshot } = await runtime.snapshot(runId, { actor: address, ...(at === undefined ? {} : { at }) });
    return [address, hashOf(snapshot)];
  });
  return Object.fromEntries((await Promise.all(hashes)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All runs once they have ended, by id; `resting` says from which fact on. */
export async function endedRuns(
  world: World,
  resting: Readonly<Record<string, RestingRun>>,
): Promise<Readonly<Record<string, EndedRun>>> {
  const found = (await allRuns(world)).map(async ({ runId, status, output, reason }): Promise<[string, EndedRun]> => {
    const after = resting[runId]?.seq ?? 0;
    const entries = await world.fermata.runtime.journal(runId, { after, limit: EVERYTHING, kind: 'fact' });
    const facts: Record<string, number> = {};
    for (const { type } of entries) facts[type] = (facts[type] ?? 0) + 1;
    return [
      runId,
      {
        status,
        output: hashOf(output),
        reason: reason?.code,
        tasks: await tasksOf(world, runId),
        facts: sorted(facts),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(found));
}

/** What is kept beside the runs. */
export async function keptIn({ fermata }: World): Promise<Kept> {
  const { budgets, cache, costs } = fermata;
  const kinds = ['day', 'workflow', 'run'] as const;
  const all = (await Promise.all(kinds.map(async (kind) => budgets.list(kind, { limit: EVERYTHING })))).flat();
  const { workflows: served } = await cache.report();
  const answers = await cache.list({ limit: EVERYTHING });
  return plain({
    budgets: await Promise.all(all.map(async ({ id }) => budgets.one(id))),
    costs: (await costs.list({ by: 'workflow', limit: 1_000 })).map(({ cursor: _, ...sums }) => sums),
    served,
    answers: answers.map(({ prompt, model, hitCount, costNanos }) => ({ prompt, model, hitCount, costNanos })),
  }) as Kept;
}

/** Budgets of several runs are runs, too. */
async function allRuns({ fermata }: World): Promise<readonly RunView[]> {
  return (await fermata.runtime.list({ limit: 1_000, inner: true })).toReversed();
}

async function tasksOf({ fermata }: World, runId: string): Promise<readonly string[]> {
  return (await fermata.runtime.tasks(runId, { limit: 1_000 })).map(({ name, status }) => `${name}: ${status}`);
}

/** Hash of a value, whatever the order of its fields; dates, sets, maps, errors and `undefined` count. */
export function hashOf(value: unknown): string {
  return hash('sha256', JSON.stringify(plain(value)), 'base64url').slice(0, 22);
}

function plain(value: unknown): unknown {
  if (value === undefined) return { $: 'undefined' };
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return { $: String(value) };
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date) return { $: 'date', value: value.getTime() };
  if (value instanceof Map || value instanceof Set) return { $: value.constructor.name, value: [...value].map(plain) };
  const own: [string, unknown][] = Object.entries(value);
  if (value instanceof Error) own.push(['name', value.name], ['message', value.message]);
  return sorted(Object.fromEntries(own.map(([key, part]) => [key, plain(part)])));
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
