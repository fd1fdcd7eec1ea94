/**
 * How long the nearest of many questions takes to find, and whether it is found: in one namespace, on a file, through the
 * index as it is shipped; beside it the same by comparing with all vectors, which lie in memory.
 */
import { connect } from '../../src/store/sqlite/connection.ts';
import { upgrade } from '../../src/store/sqlite/upgrade.ts';
import { SqliteVectors } from '../../src/store/sqlite/vectors/index.ts';
import { pause, systemLoop } from '../../src/clock.ts';
import { percentile } from '../statistics.ts';
import { withDatabaseFile } from '../database-file.ts';
import { chance, DIMENSIONS, direction, dot, like } from './vectors.ts';

/** What is measured. */
export interface SearchOptions {
  /** Vectors in the namespace. */
  readonly questions: number;
  /** Subjects that they are about. */
  readonly subjects: number;
  /** Searches of each kind. */
  readonly searches: number;
}

/** Figures of one kind of search; times in milliseconds. */
export interface SearchFigures {
  readonly kind: string;
  readonly median: number;
  readonly p95: number;
  readonly slowest: number;
  /** Median of the processor's time: what others do on the machine is not in it. */
  readonly cpu: number;
  /** The longest time in which nobody else had a turn. */
  readonly stall: number;
  /** Of all searches those that found the nearest of all; undefined where none is near. */
  readonly recall: number | undefined;
  /** Median of comparing with all. */
  readonly exact: number;
}

/** What the whole came to. */
export interface SearchReport {
  /** Until the first search of a process has read its sketches. */
  readonly firstMs: number;
  readonly firstStall: number;
  /** Microseconds to add one, without its commit. */
  readonly addMicros: number;
  readonly figures: readonly SearchFigures[];
}

const TENANT = 'default';
const SPACE = 'bench/1536';
const ROWS_AT_ONCE = 1_000;
/** As the cache asks first where a document has a threshold of 0.85: it is told of what misses that by no more than 0.2. */
const ASKED = { space: SPACE, atLeast: 0.65, limit: 1 };
/** Cosines to a question that is there. The last kind is like none: which one is nearest then is of no account. */
const KINDS: readonly (readonly [kind: string, least: number, most: number])[] = [
  ['near duplicates (0.95–0.99)', 0.95, 0.99],
  ['near the threshold (0.80–0.90)', 0.8, 0.9],
  ['unlike any (by chance)', 0, 0],
];

/** Measures it. */
export function searches({ questions, subjects, searches: count }: SearchOptions): Promise<SearchReport> {
  return withDatabaseFile(async (file) => {
    const connection = connect(file);
    upgrade(connection, file);
    const { driver } = connection;
    driver.pragma('journal_mode = WAL');
    const watch = new Watch();
    const options = { writer: { writeOutsideTurns: <T>(work: () => T): T => work() }, pause: () => watch.pause() };
    const next = chance(7);
    const common = direction(next);
    const centres = Array.from({ length: subjects }, () => like(common, 0.4, next));
    const all = new Float32Array(questions * DIMENSIONS);
    const ask = driver.prepare(
      `insert into answer (tenant, hash, prompt_hash, prompt, workflow, tags, claim_run, claim_actor, last_used_at, hit_count, bytes)
       values ('${TENANT}', ?, '', '', 'bench', '[]', 0, '', 0, 0, 0)`,
    );
    const adding = new SqliteVectors(connection, options);
    let addMs = 0;
    for (let begin = 0; begin < questions; begin += ROWS_AT_ONCE) {
      driver.exec('begin');
      for (let at = begin; at < Math.min(questions, begin + ROWS_AT_ONCE); at++) {
        const centre = centres[at % subjects] ?? common;
        const values = like(centre, 0.75 + (0.22 * (next() % 1_000)) / 1_000, next);
        all.set(values, at * DIMENSIONS);
        ask.run(String(at));
        const since = performance.now();
        await adding.addVector(TENANT, { hash: String(at), space: SPACE, values });
        addMs += performance.now() - since;
      }
      driver.exec('commit');
    }
    driver.pragma('wal_checkpoint(TRUNCATE)');
    const one = (at: number): Float32Array => all.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS);
    // As a process that has just begun.
    const index = new SqliteVectors(connection, options);
    const first = await watch.time(() => index.nearest(TENANT, { ...ASKED, values: one(0) }));
    const figures: SearchFigures[] = [];
    for (const [kind, least, most] of KINDS) {
      const times: number[] = [];
      const cpu: number[] = [];
      const exact: number[] = [];
      let [found, stall] = [0, 0];
      for (let search = 0; search < count; search++) {
        const share = (next() % 1_000) / 1_000;
        const values =
          most === 0 ? direction(next) : like(one(next() % questions), least + share * (most - least), next);
        const told = await watch.time(() => index.nearest(TENANT, { ...ASKED, values }));
        times.push(told.ms);
        cpu.push(told.cpu);
        stall = Math.max(stall, told.stall);
        const since = performance.now();
        const nearest = nearestOf(all, values);
        exact.push(performance.now() - since);
        if (told.value[0]?.hash === String(nearest)) found++;
      }
      figures.push({
        kind,
        median: percentile(times, 0.5),
        p95: percentile(times, 0.95),
        slowest: Math.max(...times),
        cpu: percentile(cpu, 0.5),
        stall,
        recall: most === 0 ? undefined : found / count,
        exact: percentile(exact, 0.5),
      });
    }
    driver.close();
    return { firstMs: first.ms, firstStall: first.stall, addMicros: (1_000 * addMs) / questions, figures };
  });
}

function nearestOf(all: Float32Array, values: Float32Array): number {
  let [nearest, most] = [-1, -2];
  for (let at = 0; at < all.length / DIMENSIONS; at++) {
    const similarity = dot(all.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS), values);
    if (similarity > most) [nearest, most] = [at, similarity];
  }
  return nearest;
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
  readonly cpu: number;
  readonly stall: number;
}

/** Sees how long it takes until others have a turn. */
class Watch {
  #since = 0;
  #stall = 0;

  async pause(): Promise<void> {
    this.#stall = Math.max(this.#stall, performance.now() - this.#since);
    await pause(systemLoop);
    this.#since = performance.now();
  }

  async time<T>(work: () => Promise<T>): Promise<Timed<T>> {
    this.#stall = 0;
    const before = process.cpuUsage();
    const begun = performance.now();
    this.#since = begun;
    const value = await work();
    const ended = performance.now();
    const { user, system } = process.cpuUsage(before);
    const stall = Math.max(this.#stall, ended - this.#since);
    return { value, ms: ended - begun, cpu: (user + system) / 1_000, stall };
  }
}
