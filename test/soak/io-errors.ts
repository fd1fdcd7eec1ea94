/**
 * R4: the n-th write or sync of the database fails. Where that leaves the outcome of a commit unknown, the process says
 * so, starts nothing, and stops within a second with its own status; the next start finds the truth. Where nothing was
 * changed, it says that and goes on. In the end each request has had exactly one effect.
 */
import assert from 'node:assert/strict';
import { EXIT_OUTCOME_UNKNOWN } from '../../src/runtime/runtime.ts';
import { chanceOf, type Chance } from '../crash/chance.ts';
import { serverOfProcess, type Program } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import type { ServerProcess } from '../crash/server-process.ts';
import { until } from '../crash/until.ts';
import { Load } from './load/load.ts';
import { failing, readTrace, straceMissing, type Fault } from './trace/strace.ts';
import type { Trial } from './trial.ts';

/** Beside each other in one trial. */
const FAULTS = 3;
const MAX_NTH = 200;
/** Without a common factor with MAX_NTH, so that trials one after another come to every number. */
const STEP = 67;
/** Milliseconds from the fault to the end of the process. */
const LONGEST_END_MS = 1_000;
/** Milliseconds that a server which goes on may take for what is left. */
const PATIENCE_MS = 3_000;
/** Errands under way until the fault is felt, and milliseconds that are spent on it. */
const AT_ONCE = 5;
const LONGEST_MEAL_MS = 8_000;

export const trial: Trial = {
  name: 'io-errors',
  missing: straceMissing,
  async run(seed) {
    const program = await serverOfProcess();
    const ends = await Promise.all(
      Array.from({ length: FAULTS }, (_, n) => {
        const chance = chanceOf(`io-errors ${n}`, seed);
        return meet(program, faultOf(seed * FAULTS + n, chance), chance);
      }),
    );
    const sums: Record<string, number> = {};
    for (const counts of ends)
      for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
    return sums;
  },
};

function faultOf(number: number, chance: Chance): Fault {
  return {
    call: number % 2 === 0 ? 'write' : 'sync',
    error: chance(2) === 0 ? 'EIO' : 'ENOSPC',
    nth: ((number * STEP) % MAX_NTH) + 1,
    lasting: chance(3) === 0,
  };
}

async function meet(program: Program, fault: Fault, chance: Chance): Promise<Record<string, number>> {
  await using scene = await Scene.set(program, { firstTokenMs: 5 });
  // One time in four the database is made while the disk fails.
  if (chance(4) > 0) await makeDatabase(scene);
  const load = new Load({ url: scene.url, chance, kilobytes: 20 });
  const output = scene.path('trace');
  const server = scene.serve({}, { under: failing(scene.file, fault, output), quiet: true });
  const served = server.url;
  load.begin(AT_ONCE);
  const stopped = await outcomeOf(server, load);
  const status = await server.ended;
  await scene.died(server, status);
  const { calls, endedAt } = await readTrace(output, server);
  const injected = calls.filter(({ injected: isIt }) => isIt);
  if (stopped) {
    assert.ok(injected.length > 0, `expected the process to stop (${status}) only after ${JSON.stringify(fault)}`);
    if ((await served) !== undefined) {
      assert.equal(status, EXIT_OUTCOME_UNKNOWN, `the status with which it stops after ${JSON.stringify(fault)}`);
      const took = endedAt - (injected[0]?.at ?? 0);
      assert.ok(fault.lasting || took <= LONGEST_END_MS, `expected it to stop within a second, it took ${took} ms`);
    }
  }
  const last = scene.serve();
  await load.done();
  const { acknowledged } = load.expectEnd(await scene.close(last), scene.calls());
  return {
    faults: injected.length > 0 ? 1 : 0,
    'of writes': injected.length > 0 && fault.call === 'write' ? 1 : 0,
    'of syncs': injected.length > 0 && fault.call === 'sync' ? 1 : 0,
    'not reached': injected.length > 0 ? 0 : 1,
    'starts refused': (await served) === undefined ? 1 : 0,
    'stops with outcomeUnknown': status === EXIT_OUTCOME_UNKNOWN ? 1 : 0,
    'answers outcomeUnknown': load.refusals.get('outcomeUnknown') ?? 0,
    'answers storeUnavailable': load.refusals.get('storeUnavailable') ?? 0,
    acknowledged,
  };
}

async function makeDatabase(scene: Scene): Promise<void> {
  const server = scene.serve();
  await server.url;
  server.signal('SIGTERM');
  assert.equal(await server.ended, 0, 'how a server ends that is asked to');
}

/**
 * Gives the server more to do until the fault is felt. True where it stopped by itself; one that goes on is killed once
 * it has done all, or can do no more.
 */
async function outcomeOf(server: ServerProcess, load: Load): Promise<boolean> {
  const began = performance.now();
  let felt = Infinity;
  await until('the server to stop or to finish', () => {
    const now = performance.now();
    if (load.refusals.size > 0) felt = Math.min(felt, now);
    const isFed = felt < now || now - began > LONGEST_MEAL_MS;
    if (!isFed && load.underWay < AT_ONCE) load.begin(1);
    return server.isDead || load.isDone || now > felt + PATIENCE_MS || now - began > 2 * LONGEST_MEAL_MS;
  });
  if (server.isDead) return true;
  await server.kill();
  return false;
}
