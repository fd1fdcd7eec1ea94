/**
 * R10: a wall clock that jumps by an hour or a day, forwards and back, while the server works and while it is down.
 * Nothing is lost, nothing happens twice, journals never go back, and no wait ends before its date.
 *
 * A wait keeps its date, so a clock that went back holds it up until it is right again; in the end it is ahead.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { FermataClient } from '../../src/client/index.ts';
import { chanceOf } from '../crash/chance.ts';
import { serverOfProcess } from '../crash/program.ts';
import { Scene } from '../crash/scene.ts';
import { Load } from './load/load.ts';
import { clientOf, patiently, untilSo } from './load/patience.ts';
import type { Trial } from './trial.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** By how much the clock may be wrong. */
const OFFSETS = [-DAY_MS, -HOUR_MS, 0, HOUR_MS, DAY_MS];
const JUMPS = 8;
const EARLY_MS = 1_000;

export const trial: Trial = {
  name: 'clock',
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('clock', seed);
    await using scene = await Scene.set(await serverOfProcess(), { firstTokenMs: 20, tokensPerSecond: 300 });
    const clock = new WrongClock(scene.path('clock'));
    let server = scene.serve({ clockFile: clock.file });
    const load = new Load({ url: scene.url, chance, clockJumps: true });
    const client = clientOf(scene.url);
    const restart = async (): Promise<void> => {
      await server.kill();
      load.acknowledged.expectIn(await scene.died(server));
      server = scene.serve({ clockFile: clock.file });
    };
    const alarms: Promise<void>[] = [];
    // Ten days are beyond every jump.
    const { runId: longest } = await startAlarm(client, 10 * DAY_MS, 'longest');
    for (let jump = 0; jump < JUMPS; jump++) {
      load.begin(4);
      const ms = [1_500, 30 * 60_000][jump % 2] ?? 0;
      const { runId } = await startAlarm(client, ms, `alarm ${jump}`);
      const rung = expectNotEarly(client, runId, ms, clock);
      // Heard at the end, with all the others.
      rung.catch(() => {});
      alarms.push(rung);
      await pause(50 + chance(300));
      load.expectNoFailure();
      clock.set(OFFSETS[chance(OFFSETS.length)] ?? 0);
      if (chance(3) === 0) await restart();
      else server.signal('SIGUSR2');
    }
    clock.set(DAY_MS + HOUR_MS);
    await restart();
    await Promise.all([load.done(), ...alarms]);
    const { endedAt } = await patiently('the run', () => client.run(longest));
    assert.equal(endedAt, null, 'what waits for ten days does not end within two');
    const end = await scene.close(server);
    return {
      jumps: clock.jumps,
      restarts: scene.kills.length,
      errands: load.size,
      acknowledged: load.acknowledged.expectIn(end),
      'waits not early': alarms.length,
    };
  },
};

/** A clock that is set wrong, and what it has shown. */
class WrongClock {
  readonly file: string;
  /** Every offset so far, oldest first. */
  readonly #offsets: number[] = [0];

  constructor(file: string) {
    this.file = file;
    writeFileSync(file, '0');
  }

  get jumps(): number {
    return this.#offsets.length - 1;
  }

  set(offset: number): void {
    this.#offsets.push(offset);
    writeFileSync(this.file, String(offset));
  }

  /** Milliseconds by which it may have been put on since its n-th jump. */
  putOnSince(n: number): number {
    // The server may not have heard of the last jump when the wait began.
    const before = Math.min(...this.#offsets.slice(Math.max(0, n - 1), n + 1));
    return Math.max(...this.#offsets.slice(n)) - before;
  }
}

function startAlarm(client: FermataClient, ms: number, key: string): Promise<{ readonly runId: string }> {
  return patiently(`the ${key}`, () => client.startMachine('alarm', { input: { ms, times: 1 } }, key));
}

/** Waits for an alarm that was just set, and expects that it did not ring before its date. */
async function expectNotEarly(client: FermataClient, run: string, ms: number, clock: WrongClock): Promise<void> {
  const began = performance.now();
  const jump = clock.jumps;
  await untilSo(`the alarm ${run} to ring`, async () => (await client.run(run)).endedAt !== null);
  const passed = performance.now() - began + clock.putOnSince(jump);
  assert.ok(passed >= ms - EARLY_MS, `expected the alarm to ring after ${ms} ms, it rang after ${passed}`);
}
