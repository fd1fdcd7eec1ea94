/**
 * A process of W5: `node killed-program.ts fermata|raw begin|finish FILE LEDGER`.
 *
 * `begin` starts the runs and kills itself with -9 once half of all steps were called; `finish` goes on and prints the
 * milliseconds from the opening of the file until all runs have ended. Each call of a step is a line of the ledger.
 */
import { openSync, writeSync } from 'node:fs';
import { RawDatabase } from './baseline/raw.ts';
import { openFermata } from './fermata.ts';

/** Runs of W5, and steps of each. */
export const RUNS = 200;
export const STEPS = 10;

interface Ledger {
  /** A step is called. */
  called(run: string, step: string): void;
}

function ledgerOf(path: string, killAfter: number): Ledger {
  const descriptor = openSync(path, 'a');
  let calls = 0;
  return {
    called(run, step) {
      writeSync(descriptor, `${run} ${step}\n`);
      if (++calls === killAfter) process.kill(process.pid, 'SIGKILL');
    },
  };
}

async function fermata(file: string, ledger: Ledger, begins: boolean): Promise<void> {
  const open = await openFermata(file, (_, { runId, task }) => {
    ledger.called(runId, task);
    return 'done';
  });
  if (begins) await Promise.all(Array.from({ length: RUNS }, open.start));
  const runs = await open.runtime.list({ limit: RUNS });
  await Promise.all(runs.map(({ runId }) => open.runtime.waitFor(runId)));
  await open.close();
}

function raw(file: string, ledger: Ledger, begins: boolean): void {
  const database = new RawDatabase(file);
  const runs = Array.from({ length: RUNS }, (_, run) => run);
  if (begins) for (const run of runs) database.begin(run);
  const done = new Map(runs.map((run) => [run, begins ? 0 : database.done(run)]));
  for (let step = 0; step < STEPS; step++) {
    for (const run of runs) {
      if ((done.get(run) ?? 0) > step) continue;
      ledger.called(String(run), `t${step}`);
      if (step === STEPS - 1) database.stepAndEnd(run, `t${step}`);
      else database.step(run, `t${step}`);
    }
  }
  database.close();
}

if (import.meta.main) {
  const [contender, phase, file = '', ledgerPath = ''] = process.argv.slice(2);
  const begins = phase === 'begin';
  const ledger = ledgerOf(ledgerPath, begins ? (RUNS * STEPS) / 2 : Infinity);
  const from = performance.now();
  if (contender === 'raw') raw(file, ledger, begins);
  else await fermata(file, ledger, begins);
  console.log(performance.now() - from);
}
