/**
 * How long it takes to find the very same question, from the start of a run to its end, and what that has to do with how much
 * is kept: in two caches of one process, by turns.
 */
import { compose, type Fermata } from '../../src/compose.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { effect } from '../../src/runtime/effect.ts';
import { connect } from '../../src/store/sqlite/connection.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { upgrade } from '../../src/store/sqlite/upgrade.ts';
import { withDatabaseFile } from '../database-file.ts';
import { percentile } from '../statistics.ts';

/** Of one cache; times in milliseconds. */
export interface HitFigures {
  /** Answers that are kept. */
  readonly entries: number;
  readonly median: number;
  readonly p95: number;
  /** Median of the processor's time. */
  readonly cpu: number;
}

const ANSWER = 'An answer of some length. '.repeat(20);
const TURNS = 10;
const WARM = 20;

const document: WorkflowDocument = {
  name: 'hits',
  config: { cache: { enabled: true } },
  tasks: [{ name: 'ask', prompt: 'What is tea?' }],
};

/** Measures both, a few runs of the one and a few of the other, until each has had so many. */
export function hits(few: number, many: number, runs: number): Promise<readonly HitFigures[]> {
  return withDatabaseFile((one) =>
    withDatabaseFile(async (other) => {
      fill(one, few);
      fill(other, many);
      const caches = [await opened(one, few), await opened(other, many)];
      for (const cache of caches) for (let run = 0; run < WARM; run++) await hit(cache.fermata);
      for (let turn = 0; turn < runs; turn += TURNS)
        for (const { fermata, times, cpu } of caches)
          for (let run = 0; run < TURNS; run++) {
            const before = process.cpuUsage();
            const since = performance.now();
            await hit(fermata);
            times.push(performance.now() - since);
            const { user, system } = process.cpuUsage(before);
            cpu.push((user + system) / 1_000);
          }
      for (const { fermata } of caches) await fermata.close();
      return caches.map(({ entries, times, cpu }) => ({
        entries,
        median: percentile(times, 0.5),
        p95: percentile(times, 0.95),
        cpu: percentile(cpu, 0.5),
      }));
    }),
  );
}

async function hit(fermata: Fermata): Promise<void> {
  const { runId } = await fermata.start(document, {});
  await fermata.runtime.waitFor(runId);
}

async function opened(file: string, entries: number) {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  const modelCall = effect({
    run: async ({ model }: { readonly model: string }) => ({
      text: ANSWER,
      value: ANSWER,
      usage,
      model,
      finishReason: 'stop',
    }),
  });
  const fermata = await compose({
    store: sqliteStore(file),
    environment: { OPENAI_API_KEY: 'nobody is called' },
    actors: { modelCall },
  });
  return { fermata, entries, times: [] as number[], cpu: [] as number[] };
}

function fill(file: string, entries: number): void {
  const connection = connect(file);
  upgrade(connection, file);
  const { driver } = connection;
  driver.pragma('journal_mode = WAL');
  const add = driver.prepare(
    `insert into answer (tenant, hash, prompt_hash, prompt, workflow, tags, claim_run, claim_actor, last_used_at, hit_count, bytes,
       value, model, finish_reason, cost_nanos, answered_at, expires_at)
     values ('default', :hash, :hash, 'Why?', 'bench', '[]', 0, '', :now, 0, :bytes, :value, 'm', 'stop', 1, :now, :now + 1e9)`,
  );
  const now = Date.now();
  const value = JSON.stringify(ANSWER);
  driver.exec('begin');
  for (let at = 0; at < entries - 1; at++) add.run({ hash: `${at}`, now, bytes: value.length + 4, value });
  driver
    .prepare("insert into answer_size (tenant, entries, bytes) values ('default', ?, ?)")
    .run(entries - 1, (entries - 1) * (value.length + 4));
  driver.exec('commit');
  driver.pragma('wal_checkpoint(TRUNCATE)');
  driver.close();
}
