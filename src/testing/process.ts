/** A process that can be killed although it lives in ours: whatever it still has to do is not done. */
import type { Clock, EventLoop } from '../clock.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** The time that a process is told, by all processes of one world. */
export interface WallClock {
  /** Milliseconds since 1970 at the beginning of the timeline; a clock that is set changes it. */
  offset: number;
}

/** How a process is made. */
export interface ProcessOptions {
  readonly timeline: Timeline;
  readonly wall: WallClock;
  readonly random: Random;
  /** The clock may jump: it is looked at every minute. */
  readonly unsteady: boolean;
  /** Probability with which a look at the watch finds that deciding has taken long. */
  readonly slowTurns: () => number;
}

/** Milliseconds that a slow turn takes: more than one run may decide, and more than a group may. */
const SLOW_MS = [16, 40, 120] as const;

/** One life of the process under test. */
export class SimulatedProcess {
  readonly clock: Clock;
  readonly loop: EventLoop;
  /** Resolves when it dies. */
  readonly died: Promise<void>;
  #alive = true;
  #die: () => void = () => {};

  constructor({ timeline, wall, random, unsteady, slowTurns }: ProcessOptions) {
    this.died = new Promise((resolve) => (this.#die = resolve));
    let slow = 0;
    this.clock = {
      now: () => Math.trunc(wall.offset + timeline.elapsed),
      setTimer: (wake, ms) => timeline.after(ms, this.#whileAlive(wake), true),
    };
    this.loop = {
      elapsed: () => {
        if (random.chance(slowTurns())) slow += random.pick(SLOW_MS);
        return timeline.elapsed + slow;
      },
      soon: (task) => {
        if (this.#alive) timeline.soon(this.#whileAlive(task));
      },
      later: (task, ms) => void timeline.after(ms, this.#whileAlive(task)),
      longestTimerMs: unsteady ? 60_000 : Infinity,
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Nothing of it happens any more. */
  kill(): void {
    this.#alive = false;
    this.#die();
  }

  #whileAlive(task: () => void): () => void {
    return () => {
      if (this.#alive) task();
    };
  }
}
