/** `GET /metrics` when it is asked most: while something is wrong, after a restart, and when nobody listens any more. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { WorkflowDocument } from '../../../src/document/schema.ts';
import { createApp } from '../../../src/http/app.ts';
import { createLogger } from '../../../src/http/log.ts';
import { composeServer } from '../../../src/serve.ts';
import { StoreError } from '../../../src/store/store.ts';
import { openEmbedded, type Embedded, type EmbeddedOptions } from '../../crash/embedded.ts';
import { until } from '../../crash/until.ts';
import { ManualClock } from '../../harness/clock.ts';
import { folderInMemory } from '../../harness/database.ts';
import { openFermata } from '../../harness/fermata.ts';
import { holding, startRun } from '../documents.ts';
import { metricsOfTest, scrape } from './scrape.ts';

const log = createLogger({ level: 'silent' });
const work: WorkflowDocument = { name: 'w', tasks: [{ name: 'a', kind: 'code', function: 'work' }] };

/** A Fermata on a file, whose store is what the test makes of it, and the app that its metrics are asked by. */
async function open({ wrap = (store) => store, ...options }: EmbeddedOptions = {}) {
  const metrics = metricsOfTest();
  const place = await openEmbedded({
    functions: { work: ({ size = 1 }, { idempotencyKey }) => idempotencyKey.padEnd(Number(size), '.') },
    ...options,
    wrap: (store) => metrics.measured(wrap(store)),
  });
  metrics.watch(place.fermata.runtime);
  return { place, app: createApp({ fermata: place.fermata, log, metrics }) };
}

const done = async (place: Embedded, document = work): Promise<unknown> => place.ended(await place.run(document));

describe('the database', () => {
  it('each commit is measured, and what it held', async () => {
    const { place, app } = await open();
    await done(place);
    const { of } = await scrape(app);
    expect(of('fermata_commit_duration_seconds_count')).toBeGreaterThan(1);
    expect(of('fermata_commit_duration_seconds_sum')).toBeGreaterThan(0);
    const journal = await place.fermata.runtime.journal(
      (await place.fermata.runtime.list({ limit: 1 }))[0]?.runId ?? '',
    );
    expect(of('fermata_journal_entries_total')).toBe(journal.length);
    expect([of('fermata_ready'), of('fermata_commits_failing_seconds')]).toEqual([1, 0]);
  });

  it('full: metrics are answered, and say so; and say so when there is space again', async () => {
    const { place, app } = await open({ maxPages: 400 });
    const big = (name: string): WorkflowDocument => ({
      name,
      tasks: [{ name: 'a', kind: 'code', function: 'work', input: { size: 700_000 } }],
    });
    const old = await place.run(big('old'));
    await place.ended(old);
    const run = await place.run(big('new'));
    await until('the disk to be full', () => place.logged.some((line) => line.includes('SQLITE_FULL')));
    const full = await scrape(app);
    expect(full.of('fermata_ready')).toBe(0);
    expect(full.of('fermata_commit_failures_total', 'outcome="unchanged"')).toBeGreaterThan(0);
    expect(full.of('fermata_commits_failing_seconds')).toBeGreaterThanOrEqual(0);
    expect(full.all('fermata_runs')).toEqual({ 'status="completed"': 1, 'status="running"': 1 });

    await place.fermata.runtime.delete(old);
    await place.ended(run);
    const later = await scrape(app);
    expect([later.of('fermata_ready'), later.of('fermata_commits_failing_seconds')]).toEqual([1, 0]);
    expect(later.all('fermata_runs')).toEqual({ 'status="completed"': 1 });
  });

  it('in doubt: metrics are answered as long as the process is there', async () => {
    let failing = false;
    const { place, app } = await open({
      wrap: (store) => ({
        ...store,
        commit: (group) =>
          failing ? Promise.reject(new StoreError('unknown', 'input/output error')) : store.commit(group),
      }),
      onFatal: () => {},
    });
    await done(place);
    failing = true;
    await expect(place.run(work)).rejects.toMatchObject({ code: 'outcomeUnknown' });
    const { of } = await scrape(app);
    expect(of('fermata_commit_failures_total', 'outcome="unknown"')).toBe(1);
    await place.crash();
  });

  it('gone: what it would have said is left out, and the rest is told', async () => {
    const { place, app } = await open();
    await done(place);
    await scrape(app);
    await place.close();
    const { families, of } = await scrape(app);
    expect(of('fermata_ready')).toBe(0);
    for (const name of ['fermata_runs', 'fermata_approvals_pending', 'fermata_approvals_oldest_seconds'])
      expect([name, families.get(name)?.samples.size]).toEqual([name, 0]);
    expect(of('fermata_runs_started_total')).toBe(1);
  });
});

describe('what cannot go on', () => {
  it('runs of a machine that is not registered, and calls of a function that is not', async () => {
    const hold = holding();
    const machines = { 'old@1': setup({}).createMachine({}) };
    const config = { ...hold.config, machines };
    const before = await openFermata({ config, mayLeaveWork: true });
    for (let times = 0; times < 3; times++) await before.fermata.runtime.start('old');
    await startRun(before, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    await before.close();
    const after = await openFermata({ database: before.database, metrics: metricsOfTest(), mayLeaveWork: true });
    await after.fermata.runtime.idle();
    const { all } = await scrape(after.app);
    expect(all('fermata_runs_blocked')).toEqual({ 'reason="machineMissing"': 3, 'reason="functionMissing"': 1 });
  });
});

describe('a restart', () => {
  it('counts from zero, knows how things stand, and says what the stop has cut off', async () => {
    const hold = holding();
    const before = await openFermata({ config: hold.config, metrics: metricsOfTest(), mayLeaveWork: true });
    const { runId } = await startRun(before, { name: 'done', tasks: [{ name: 'a', kind: 'code', function: 'now' }] });
    await before.fermata.runtime.waitFor(runId);
    await startRun(before, { tasks: [{ name: 'a', kind: 'code', function: 'hold' }] });
    await hold.called();
    expect((await scrape(before.app)).of('fermata_runs_started_total')).toBe(2);
    await before.close();

    const again = holding();
    const after = await openFermata({ database: before.database, config: again.config, metrics: metricsOfTest() });
    await again.called();
    await after.fermata.runtime.idle();
    const { of, all } = await scrape(after.app);
    expect([of('fermata_runs_started_total'), all('fermata_runs_ended_total')]).toEqual([0, {}]);
    expect(all('fermata_runs')).toEqual({ 'status="completed"': 1, 'status="running"': 1 });
    expect(all('fermata_calls_in_doubt_total')).toEqual({ 'policy="retry"': 1 });
    again.release();
    await until(
      'the run to end',
      async () => (await scrape(after.app)).of('fermata_runs_ended_total', 'status="completed"') === 1,
    );
  });
});

describe('time', () => {
  it('how late a wake-up is taken: it was due while nobody looked', async () => {
    const clock = new ManualClock();
    const { fermata, app } = await openFermata({ clock, metrics: metricsOfTest({ clock }) });
    const { runId } = await fermata.start({ name: 'w', tasks: [{ name: 'nap', kind: 'wait', seconds: 30 }] });
    await fermata.runtime.idle();
    clock.jump(34_000);
    await clock.advance(0, () => fermata.runtime.idle());
    await fermata.runtime.waitFor(runId);
    const { of } = await scrape(app);
    expect(of('fermata_timer_lateness_seconds_count')).toBe(1);
    expect(of('fermata_timer_lateness_seconds_bucket', 'le="5"')).toBe(1);
    expect(of('fermata_timer_lateness_seconds_bucket', 'le="1"')).toBe(0);
  });

  it('how long the event loop lets wait what is due, from the first scrape on', async () => {
    const clock = new ManualClock();
    let elapsed = 0;
    const { app, fermata } = await openFermata({ metrics: metricsOfTest({ clock, loop: { elapsed: () => elapsed } }) });
    expect(clock.armed, 'nobody has asked yet').toBe(0);
    await scrape(app);
    for (const took of [100, 101, 400]) {
      elapsed += took;
      await clock.advance(100, () => fermata.runtime.idle());
    }
    const { of } = await scrape(app);
    expect(clock.armed).toBe(1);
    expect(of('fermata_event_loop_delay_seconds_count')).toBe(3);
    expect(of('fermata_event_loop_delay_seconds_sum')).toBeCloseTo(0.301);
    expect(of('fermata_event_loop_delay_seconds_bucket', 'le="0.25"')).toBe(2);
  });
});

describe('an app', () => {
  it('counts apart from another one in the same process', async () => {
    const [one, other] = [
      await openFermata({ metrics: metricsOfTest() }),
      await openFermata({ metrics: metricsOfTest() }),
    ];
    await startRun(one, { tasks: [{ name: 'nap', kind: 'wait', seconds: 1e6 }] });
    expect((await scrape(one.app)).of('fermata_runs_started_total')).toBe(1);
    expect((await scrape(other.app)).of('fermata_runs_started_total')).toBe(0);
  });

  it('that is closed listens to nothing, and has no timer left', async () => {
    const clock = new ManualClock();
    const metrics = metricsOfTest({ clock });
    const listening = new Set<unknown>();
    const { fermata, app } = await openFermata();
    metrics.watch({
      clock: fermata.runtime.clock,
      load: fermata.runtime.load,
      failingCommits: undefined,
      counts: () => fermata.runtime.counts(),
      stuck: () => fermata.runtime.stuck(),
      healthy: () => fermata.runtime.healthy(),
      subscribe(_, listener) {
        listening.add(listener);
        return () => listening.delete(listener);
      },
    });
    await metrics.text();
    expect([listening.size, clock.armed]).toEqual([1, 1]);
    metrics.close();
    expect([listening.size, clock.armed]).toEqual([0, 0]);
    metrics.close();
    await metrics.text();
    expect([listening.size, clock.armed], 'whoever still asks sets nothing going').toEqual([0, 0]);
    expect((await app.request('/healthz')).status).toBe(200);
  });

  it('as it is served: asked over the wire, from the first run on, and no more once it has stopped', async () => {
    const settings = {
      database: `${folderInMemory()}/served.db`,
      config: { functions: { work: () => 'done' } },
      environment: {},
      logLevel: 'silent',
      demo: false,
      host: '127.0.0.1',
      port: 0,
      insecure: false,
      stately: false,
    };
    const server = await composeServer(settings);
    try {
      await server.fermata.runtime.waitFor((await server.fermata.start(work)).runId);
      const { of, all } = await scrape({ request: (path) => fetch(`${server.url}${path}`) });
      expect(all('fermata_runs')).toEqual({ 'status="completed"': 1 });
      expect(of('fermata_commit_duration_seconds_count')).toBeGreaterThan(0);
      expect(of('process_cpu_seconds_total')).toBeGreaterThan(0);
    } finally {
      await server.stop();
    }
    await expect(fetch(`${server.url}/metrics`)).rejects.toThrow();
  });
});
