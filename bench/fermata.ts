/**
 * Fermata as an embedding program uses it: `compose`, `execute`, facts, on a file. Nothing is switched off, and nothing is used that is not public.
 */
import type { CodeFunction } from '../actors/code-function.ts';
import { compose, type Fermata } from '../src/compose.ts';
import { execute } from '../src/document/execute.ts';
import { FermataError } from '../src/errors.ts';
import { sqliteStore } from '../src/store/sqlite/index.ts';
import { pagesOf } from '../src/store/sqlite/journal.ts';
import type { CommitGroup } from '../src/store/commit.ts';
import type { Store } from '../src/store/store.ts';
import { sizeOf } from './database-file.ts';
import type { Sample } from './workload.ts';

/** What was committed. */
export interface Tally {
  commits: number;
  turns: number;
  rows: number;
  /** Milliseconds in the store: its statements, COMMIT and the sync. */
  commitMs: number;
}

/** A Fermata on a file that holds one workflow. */
export interface OpenFermata extends Pick<Fermata, 'runtime' | 'close'> {
  readonly tally: Tally;
  /** Starts a run of the workflow and answers with its id. */
  start(input?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Creates the database with the workflow in it; returns its size in bytes. */
export async function createDatabase(file: string, document: object): Promise<number> {
  const fermata = await compose({ store: sqliteStore(file) });
  await fermata.workflows.create(document);
  await fermata.close();
  return sizeOf(file);
}

/** Opens the database of `createDatabase`. */
export async function openFermata(file: string, nothing: CodeFunction = () => 'done'): Promise<OpenFermata> {
  const tally: Tally = { commits: 0, turns: 0, rows: 0, commitMs: 0 };
  const fermata = await compose({ store: counted(sqliteStore(file), tally), config: { functions: { nothing } } });
  const [workflow] = await fermata.workflows.list({ limit: 1 });
  if (workflow === undefined)
    throw new FermataError('notFound', `${file} holds no workflow. Call createDatabase first.`);
  const definition = await fermata.workflows.definition(workflow.id, workflow.version);
  return {
    runtime: fermata.runtime,
    tally,
    start: async (input = {}) => (await execute(fermata.runtime, workflow, definition, { input })).runId,
    close: () => fermata.close(),
  };
}

/** Resolves once `count` runs have stated `type`; rejects where one fails instead. Listen before you start. */
export function heard({ runtime }: Pick<Fermata, 'runtime'>, type: string, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    const stop = runtime.subscribe(undefined, ({ type: stated, run, data }) => {
      if (stated === 'run_failed')
        reject(new FermataError('taskFailed', `Run ${run} failed where it should not: ${JSON.stringify(data)}.`));
      if (stated !== type || --left > 0) return;
      stop();
      resolve();
    });
  });
}

/** What a step cost; `grown` is the growth of the file in bytes. */
export function costOfStep({ commits, turns, rows, commitMs }: Tally, grown: number, steps: number): Sample {
  return {
    committing: (commitMs * 1_000) / steps,
    turns: turns / steps,
    rows: rows / steps,
    commits: commits / steps,
    bytes: grown / steps,
  };
}

function counted(store: Store, tally: Tally): Store {
  return {
    ...store,
    commit(group) {
      tally.commits++;
      for (const run of group.runs) {
        for (const { kind, type } of run.entries) if (kind === 'event' && type !== 'xstate.stop') tally.turns++;
        tally.rows += rowsOf(run);
      }
      const from = performance.now();
      // This store has done all of it when it answers with its promise.
      const committed = store.commit(group);
      tally.commitMs += performance.now() - from;
      return committed;
    },
  };
}

/** Rows inserted, changed and deleted. */
function rowsOf(run: CommitGroup['runs'][number]): number {
  const written = [
    [...pagesOf(run.entries, run.state.facts)],
    run.actors,
    run.timersArmed,
    run.timersGone,
    run.effectsAsked,
    run.effectsMarked,
    run.effectsGone,
    run.rows,
    run.taken,
  ];
  return written.reduce((sum, { length }) => sum + length, run.origin === undefined ? 1 : 2);
}
