/** Counting in steps, while others write: R3, at the size that the steps are made for. */
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../src/store/sqlite/connection.ts';
import { countStore } from '../../../src/store/sqlite/counts.ts';
import { upgrade } from '../../../src/store/sqlite/upgrade.ts';

const COUNT = 30_000;

/** Many runs; every third one is waiting, every seventh one failed, the others are completed. */
function manyRuns() {
  const connection = connect(':memory:');
  onTestFinished(() => void connection.driver.close());
  upgrade(connection, ':memory:');
  connection.driver.exec(`
    with recursive n(key) as (select 1 union all select key + 1 from n where key < ${COUNT})
    insert into run (key, tenant, id, machine, tags, seed, created_at) select key, 'default', 'r' || key, 'm', '[]', 's', 1 from n;
    insert into run_state (run, revision, status, seq, facts, last_at, progress, counts, system_ids)
      select key, 1, case when key % 3 = 0 then 'waiting' when key % 7 = 0 then 'failed' else 'completed' end, 1, 0, 1, 0, '{}', '{}' from run;
  `);
  return connection;
}

const truth = 'select status, count(*) from run_state group by status';

it('is exact, whatever is written between two steps', async () => {
  const connection = manyRuns();
  const { driver } = connection;
  const statuses = ['completed', 'failed', 'waiting', 'running', 'cancelled'];
  const become = driver.prepare('update run_state set status = ? where run = ?');
  const drop = driver.prepare('delete from run where key = ?');
  let steps = 0;
  const { counts } = countStore(connection, {
    async pause() {
      steps++;
      // Before the mark and behind it, to statuses before it and behind it.
      for (let n = 0; n < 40; n++)
        become.run(statuses[(n + steps) % statuses.length], ((n * 7_919 + steps * 104_729) % COUNT) + 1);
      drop.run(steps);
      drop.run(COUNT - steps);
    },
  });
  const counted = (await counts()).runs;
  expect(steps).toBeGreaterThan(8);
  const expected = driver.prepare(truth).raw().all() as [string, number][];
  expect(Object.fromEntries([...counted].filter(([, count]) => count > 0))).toEqual(Object.fromEntries(expected));
});

it('reads no row of a run once it has counted', async () => {
  const connection = manyRuns();
  const { counts } = countStore(connection, { pause: async () => {} });
  await counts();
  // Nobody who has to look for them could know.
  connection.driver.exec('drop trigger count_changed_run_state');
  connection.driver.prepare(`update run_state set status = 'paused' where run < 100`).run();
  expect((await counts()).runs.get('paused')).toBe(0);
});

it('goes on where a step failed', async () => {
  const connection = manyRuns();
  let fails = true;
  const { counts } = countStore(connection, {
    pause: () => (fails ? Promise.reject(new Error('no time')) : Promise.resolve()),
  });
  await expect(counts()).rejects.toThrow('no time');
  fails = false;
  const { runs } = await counts();
  expect([...runs.values()].reduce((sum, count) => sum + count, 0)).toBe(COUNT);
});
