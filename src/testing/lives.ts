/**
 * The lives of one process over one database: it starts, dies, and starts again.
 *
 * Owns: what is committed, and the order of observations about it.
 */
import { compose, type Fermata, type FermataOptions } from '../compose.ts';
import { FermataError } from '../errors.ts';
import { decode } from '../runtime/codec.ts';
import type { CommitGroup } from '../store/commit.ts';
import type { Probabilities } from './faults.ts';
import { faultyStore } from './faulty-store.ts';
import type { Observation, SeenFact } from './observation.ts';
import { network, type Latency } from './outside.ts';
import { SimulatedProcess, type WallClock } from './process.ts';
import type { Random } from './random.ts';
import { assertCommittable, commitGroup } from './store/commit.ts';
import { MemoryDatabase } from './store/database.ts';
import { memoryStore } from './store/memory-store.ts';
import type { Timeline } from './timeline.ts';

/** What lives need of their world. */
export interface LivesOptions {
  readonly timeline: Timeline;
  readonly wall: WallClock;
  readonly random: Random;
  readonly latency: Latency | undefined;
  /** The clock may jump. */
  readonly unsteady: boolean;
  readonly probabilities: () => Probabilities;
  /** What is composed, but for what is simulated. */
  readonly fermata: Omit<FermataOptions, 'store' | 'clock' | 'loop' | 'around' | 'onFatal' | 'log' | 'opened'>;
  observe(observation: Observation): void;
}

/** Milliseconds: until a process that is in doubt has stopped, and until the next one is there. */
const LONGEST_STOP_MS = 1_000;
const LONGEST_DOWN_MS = 5_000;
const KILLED_WITHIN_MS = 500;
const FARTHEST_JUMP_S = 3_600;

/** One process after the other. */
export class Lives {
  readonly database = new MemoryDatabase();
  /** Commits so far, by run: whoever waits for a run looks again when it changes. */
  readonly commits = new Map<string, number>();
  readonly #options: LivesOptions;
  #process: SimulatedProcess | undefined;
  #fermata: Fermata | undefined;
  /** A group that was in doubt and is found at the next start. */
  #found: CommitGroup | undefined;
  #waiting: (() => void)[] = [];
  #broken: Error | undefined;

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** The process that is alive and has started; undefined while none has. */
  get up(): { readonly process: SimulatedProcess; readonly fermata: Fermata } | undefined {
    const [process, fermata] = [this.#process, this.#fermata];
    return process?.alive === true && fermata !== undefined ? { process, fermata } : undefined;
  }

  /** Waits until a process has started. Throws what kept it from starting. */
  async whenUp(): Promise<{ readonly process: SimulatedProcess; readonly fermata: Fermata }> {
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken;
      const { up } = this;
      if (up !== undefined) return up;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** A new process begins over what is committed. */
  async start(): Promise<void> {
    const { timeline, wall, random, unsteady, probabilities, observe, latency, fermata } = this.#options;
    const process = new SimulatedProcess({
      timeline,
      wall,
      random,
      unsteady,
      slowTurns: () => probabilities().slowTurns,
    });
    this.#process = process;
    observe({ kind: 'start' });
    this.#settleDoubt();
    const whileAlive = (see: () => void): void => {
      if (process.alive) see();
    };
    const composed = compose({
      ...fermata,
      store: faultyStore({
        store: memoryStore(this.database),
        process,
        random,
        probabilities,
        kept: (group) => this.#kept(group),
        doubtful: (group, found) => {
          // A rule that is broken is found before COMMIT, and leaves no doubt.
          assertCommittable(this.database, group);
          this.#found = found ? group : undefined;
          // The process stops for this, and not for what it decides.
          this.database.lastStop = { orderly: true };
        },
        happened: (fault) => observe({ kind: 'fault', fault }),
        crash: () => this.crash(random.between(0, LONGEST_DOWN_MS)),
      }),
      clock: process.clock,
      loop: process.loop,
      around: network({ process, random, latency, probabilities, observe: (seen) => whileAlive(() => observe(seen)) }),
      onFatal: () => this.#crashWithin(process, LONGEST_STOP_MS),
      log: (message, fields) => whileAlive(() => observe({ kind: 'log', message, run: runOf(fields) })),
      opened: (runtime) =>
        void runtime.subscribe(undefined, ({ run, seq, at, type, data }) =>
          whileAlive(() => observe({ kind: 'fact', fact: { run, seq, at, type, data } })),
        ),
    });
    try {
      this.#fermata = await Promise.race([composed, process.died.then(() => undefined)]);
    } catch (thrown) {
      this.#broken = thrown instanceof Error ? thrown : new FermataError('internal', String(thrown));
    }
    for (const tell of this.#waiting.splice(0)) tell();
  }

  /** It dies, whatever it is doing, and another one begins after `downMs`. Nothing happens where it is dead already. */
  crash(downMs: number): void {
    const { timeline } = this.#options;
    if (this.#process?.alive !== true) return;
    this.#end('crash');
    timeline.after(downMs, () => void this.start());
  }

  /** An orderly stop. False where the process died over it: the next one then comes by itself. */
  async stop(): Promise<boolean> {
    const { fermata, process } = await this.whenUp();
    await Promise.race([fermata.close(), process.died]);
    if (!process.alive) return false;
    this.#end('stop');
    return true;
  }

  /** True where nothing is left to do or to wait for but what comes from outside. */
  get settled(): boolean {
    const { runs, messages } = this.database;
    const runtime = this.up?.fermata.runtime;
    return (
      runtime !== undefined &&
      // One that is quarantined waits for somebody who releases it, and so does what was sent to it.
      [...messages.values()].every(({ toRun }) => runtime.isQuarantined(toRun)) &&
      [...runs.values()].every(
        ({ timers, effects, state, origin }) =>
          (timers.size === 0 && effects.size === 0 && state.agendaJson === null) || runtime.isQuarantined(origin.run),
      )
    );
  }

  #end(kind: 'crash' | 'stop'): void {
    this.#process?.kill();
    this.#fermata = undefined;
    this.database.abandon();
    this.#options.observe({ kind });
  }

  #crashWithin(process: SimulatedProcess, ms: number): void {
    const { timeline, random } = this.#options;
    timeline.after(random.between(0, ms), () => {
      if (process.alive) this.crash(random.between(0, LONGEST_DOWN_MS));
    });
  }

  #settleDoubt(): void {
    const group = this.#found;
    this.#found = undefined;
    if (group === undefined) return;
    commitGroup(this.database, group);
    this.#see(group, true);
  }

  #kept(group: CommitGroup): void {
    const { random, probabilities, wall, observe } = this.#options;
    this.#see(group, false);
    const { kills, clockJumps } = probabilities();
    if (this.#process !== undefined && random.chance(kills)) this.#crashWithin(this.#process, KILLED_WITHIN_MS);
    if (!random.chance(clockJumps)) return;
    const byMs = random.between(-FARTHEST_JUMP_S, FARTHEST_JUMP_S) * 1_000;
    wall.offset += byMs;
    observe({ kind: 'clock', byMs });
  }

  #see(group: CommitGroup, doubtful: boolean): void {
    const blob = (hash: string): string => this.database.blobs.get(hash) ?? 'null';
    const facts = group.runs.flatMap(({ run, entries }) =>
      entries.flatMap(({ factSeq, at, type, dataJson }): SeenFact[] =>
        factSeq === null ? [] : [{ run, seq: factSeq, at, type, data: decode(dataJson, blob) as SeenFact['data'] }],
      ),
    );
    const runs = group.runs.map(({ run, state: { status, progress, lastAt, agendaJson } }) => ({
      run,
      status,
      progress,
      lastAt,
      cut: agendaJson !== null,
    }));
    for (const { run } of runs) this.commits.set(run, (this.commits.get(run) ?? 0) + 1);
    this.#options.observe({ kind: 'commit', runs, facts, doubtful });
  }
}

function runOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  return typeof fields['runId'] === 'string' ? fields['runId'] : undefined;
}
