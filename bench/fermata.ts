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
import { inDatabaseFile, sizeOf, sizeWhileOpen } from './database-file.ts';
import type { Contender, Sample } from './workload.ts';

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

/**
 * A server that has this workflow and stays open; `work` does what is measured, `steps` of them.
 * What it wrote for each is measured as well.
 */
export function serving(
  document: () => object,
  steps: number,
  work: (open: OpenFermata) => Promise<Sample>,
  nothing?: CodeFunction,
): Contender['open'] {
  return inDatabaseFile(async (file) => {
    await createDatabase(file, document());
    const open = await openFermata(file, nothing);
    return {
      async round() {
        const before = { ...open.tally };
        const size = sizeWhileOpen(file);
        const sample = await work(open);
        await open.runtime.idle();
        const { commits, turns, rows, commitMs } = open.tally;
        return {
          ...sample,
          committing: ((commitMs - before.commitMs) * 1_000) / steps,
          turns: (turns - before.turns) / steps,
          rows: (rows - before.rows) / steps,
          commits: (commits - before.commits) / steps,
          bytes: (sizeWhileOpen(file) - size) / steps,
        };
      },
      close: () => open.close(),
    };
  });
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
