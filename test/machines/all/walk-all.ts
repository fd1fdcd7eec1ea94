/** Every simple path, walked by several processes; what was walked is held against what `@xstate/graph` has found. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { KINDS, type Kind } from './kinds.ts';

/** Paths that a process walks at a time: few enough that all have something to do at the end. */
const PART = 250;

/** Some of the paths of one kind, by their places. */
export interface Part {
  /** Its place in `KINDS`. */
  readonly kind: number;
  readonly from: number;
  readonly to: number;
}

/** What became of a path. */
export interface Walked {
  readonly title: string;
  readonly steps: number;
  /** Why it did not end as it should. */
  readonly error?: string;
}

/** What became of one kind. */
export interface KindWalked {
  readonly machine: string;
  readonly name: string;
  /** How many simple paths there are. */
  readonly paths: number;
  /** Those that were walked to a settled end. */
  readonly walked: readonly string[];
  readonly steps: number;
  /** What is wrong: paths that failed, and paths that were not walked. */
  readonly faults: readonly string[];
}

/**
 * Walks all paths of `kinds`, and tells of each kind as it is done, in their order.
 *
 * @example
 * for await (const { machine, name, walked } of walkAll(KINDS, 2)) console.log(machine, name, walked.length)
 */
export async function* walkAll(kinds: readonly Kind[], workers: number): AsyncGenerator<KindWalked> {
  const processes = Array.from({ length: workers }, () => fork(join(import.meta.dirname, 'worker.ts')));
  try {
    const found = kinds.map((kind) => {
      const titles = kind.paths().map(({ title }) => title);
      return { kind, titles, jobs: jobsOf(KINDS.indexOf(kind), titles.length) };
    });
    const queue = found.flatMap(({ jobs }) => jobs).values();
    for (const process of processes) void workOff(process, queue);
    for (const { kind, titles, jobs } of found) {
      const walked = await Promise.all(jobs.map(({ result }) => result.promise));
      yield { machine: kind.machine, name: kind.name, ...verdictOf(titles, walked.flat()) };
    }
  } finally {
    for (const process of processes) process.kill();
  }
}

interface Job {
  readonly part: Part;
  readonly result: PromiseWithResolvers<readonly Walked[]>;
}

function jobsOf(kind: number, paths: number): readonly Job[] {
  return Array.from({ length: Math.ceil(paths / PART) }, (_, at) => {
    const result = Promise.withResolvers<readonly Walked[]>();
    // A failure is for who comes to await it.
    result.promise.catch(() => {});
    return { part: { kind, from: at * PART, to: Math.min(paths, (at + 1) * PART) }, result };
  });
}

/** One process takes part after part; several share the queue. */
async function workOff(process: ChildProcess, queue: Iterable<Job>): Promise<void> {
  const gone = once(process, 'exit').then(([code, signal]: (number | string | null)[]) =>
    Promise.reject(new RangeError(`A process that walks ended in the middle, with ${signal ?? `status ${code}`}.`)),
  );
  gone.catch(() => {});
  for (const { part, result } of queue) {
    try {
      process.send(part);
      const [walked] = (await Promise.race([once(process, 'message'), gone])) as [readonly Walked[]];
      result.resolve(walked);
    } catch (error) {
      result.reject(error);
    }
  }
}

/** Holds what was walked against what there is: each path once, to a settled end. */
export function verdictOf(
  found: readonly string[],
  walked: readonly Walked[],
): Pick<KindWalked, 'paths' | 'walked' | 'steps' | 'faults'> {
  const good = walked.filter(({ error }) => error === undefined);
  const titles = good.map(({ title }) => title);
  const seen = new Set(walked.map(({ title }) => title));
  const missing = found.filter((title) => !seen.has(title));
  const faults = [
    ...walked.flatMap(({ title, error }) => (error === undefined ? [] : [`${title}\n${error}`])),
    ...missing.map((title) => `${title}\nwas not walked`),
    ...(seen.size === walked.length ? [] : [`${walked.length} walks of ${seen.size} paths: some were walked twice`]),
    ...(new Set(found).size === found.length ? [] : ['two paths have the same title']),
  ];
  return { paths: found.length, walked: titles, steps: good.reduce((sum, { steps }) => sum + steps, 0), faults };
}
