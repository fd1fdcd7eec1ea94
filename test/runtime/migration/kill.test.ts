/** A migration whose process is killed leaves every run whole, at one version or the other; done again, it does the rest. */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../../src/runtime/group.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { openRuntime } from '../../harness/runtime.ts';
import { environmentOf, programOfProcess, type Program } from '../../crash/program.ts';
import type { MigrationSettings } from './child.ts';
import { machines, PATIENCE } from './order.ts';

const RUNS = 4;

let program: Program;
beforeAll(async () => {
  program = await programOfProcess('runtime/migration/child.ts');
});

type Work = readonly ['migrate' | 'undo', ...([CrashPoint, number] | [])];

/** Runs the child; how many runs it moved, or the signal that ended it. */
function child(file: string, [work, point, nth]: Work): number | string {
  const settings: MigrationSettings = {
    file,
    work,
    ...(point === undefined ? {} : { crash: { point, nth: nth ?? 1 } }),
  };
  const { signal, stdout, stderr } = spawnSync(process.execPath, [program.path, JSON.stringify(settings)], {
    encoding: 'utf8',
    env: environmentOf(program.path),
  });
  expect(stderr).toBe('');
  return signal ?? Number(stdout);
}

/** Versions of the runs in order of creation; each is all of that version, and its journal says so too. */
async function versions(runtime: Runtime): Promise<readonly string[]> {
  const runs = await runtime.list({ limit: RUNS });
  return Promise.all(
    runs.toReversed().map(async ({ runId, machine, seq }) => {
      const { snapshot, pendingTimers } = await runtime.snapshot(runId);
      const old = machine === 'order@1';
      expect(snapshot.context).toEqual(old ? { price: 5, paid: null } : { cents: 500, currency: 'EUR', paid: null });
      expect(snapshot.value).toMatchObject({ sale: old ? 'open' : 'awaitingPayment' });
      expect(pendingTimers.map(({ due }) => due)).toEqual([
        new Date(Date.UTC(2026, 0, 1) + (old ? 1 : 2) * PATIENCE).toISOString(),
      ]);
      expect((await runtime.snapshot(runId, { at: seq })).snapshot).toEqual(snapshot);
      return machine;
    }),
  );
}

describe('a migration that is killed', () => {
  it('R4: at each point of the commit path, early and late, and then resumes; so does its undo', async () => {
    const under = await openRuntime({ machines });
    for (let i = 0; i < RUNS; i++) await under.runtime.start('order@1');
    await under.settle();
    /** How many runs are at the second version after a child has worked. */
    const afterChild = async (...work: Work): Promise<readonly [number | string, number]> => {
      await under.runtime.close();
      const end = child(under.file, work);
      await under.open({ passive: true });
      const moved = (await versions(under.runtime)).filter((version) => version === 'order@2').length;
      return [end, moved];
    };
    expect(await afterChild('migrate', 'decided', 1)).toEqual(['SIGKILL', 0]);
    expect(await afterChild('migrate', 'committed', 2)).toEqual(['SIGKILL', 2]);
    expect(await afterChild('migrate', 'acted', 1)).toEqual(['SIGKILL', 3]);
    expect(await afterChild('migrate')).toEqual([1, RUNS]);
    expect(await afterChild('undo', 'decided', 2)).toEqual(['SIGKILL', RUNS - 1]);
    expect(await afterChild('undo')).toEqual([RUNS - 1, 0]);
  });
});
