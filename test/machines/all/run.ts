/**
 * Walks every simple path of every machine: `npm run walks -- [--list FILE] [--only TEXT] [--workers N]`.
 *
 * Prints a line for each kind of task and of run, then one for each machine; the paths themselves go to the file, or to the
 * screen where none is named. Ends with status 1 where a path did not end settled, or was not walked.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FermataError } from '../../../src/errors.ts';
import { KINDS } from './kinds.ts';
import { walkAll } from './walk-all.ts';

/** The screen. */
const OUTPUT = 1;
/** Faults of a kind that are shown: more tell nothing new. */
const SHOWN = 10;

function asked() {
  const { values } = parseArgs({
    options: { list: { type: 'string' }, only: { type: 'string', default: '' }, workers: { type: 'string' } },
  });
  const workers = Number(values.workers ?? availableParallelism());
  if (!Number.isInteger(workers) || workers < 1)
    throw new FermataError('invalidConfig', `Expected --workers to be a number from 1, came "${values.workers}".`);
  return { ...values, workers };
}

const { list, only, workers } = asked();
const kinds = KINDS.filter(({ machine, name }) => `${machine} ${name}`.includes(only));
if (kinds.length === 0) {
  const all = KINDS.map(({ machine, name }) => `  ${machine} ${name}`).join('\n');
  throw new FermataError('invalidConfig', `No kind of task or run is called "${only}"; these are:\n${all}`);
}

const file = list === undefined ? OUTPUT : openSync(list, 'w');
const began = performance.now();
const sums = new Map<string, { kinds: number; paths: number; walked: number; steps: number }>();
let failed = false;
for await (const { machine, name, paths, walked, steps, faults } of walkAll(kinds, workers)) {
  for (const title of walked) writeSync(file, `${machine} ${name} | ${title}\n`);
  console.log(`${machine} ${name}: ${walked.length} of ${paths} paths, ${steps} steps`);
  for (const fault of faults.slice(0, SHOWN)) console.log(`FAILED ${machine} ${name} | ${fault}`);
  failed ||= faults.length > 0;
  const sum = sums.get(machine) ?? { kinds: 0, paths: 0, walked: 0, steps: 0 };
  sums.set(machine, {
    kinds: sum.kinds + 1,
    paths: sum.paths + paths,
    walked: sum.walked + walked.length,
    steps: sum.steps + steps,
  });
}
if (file !== OUTPUT) closeSync(file);
for (const [machine, { kinds: count, paths, walked, steps }] of sums)
  console.log(`${machine}: ${walked} of ${paths} simple paths in ${count} kinds, ${steps} steps, each ended settled`);
console.log(`${failed ? 'FAILED' : 'All of them'}, in ${Math.round((performance.now() - began) / 1_000)} s`);
process.exitCode = failed ? 1 : 0;
