/**
 * ETAs of the runs of a process, as they are asked for.
 *
 * Nothing is kept for them while a run works (R3). What a run of few tasks comes to is worked out anew whenever it has
 * moved or time has passed; that of one with many at most so often that it takes a hundredth of the time, and in
 * between the clock counts it down.
 */
import { FermataError } from '../errors.ts';
import type { RunView, Runtime } from '../runtime/runtime.ts';
import { tasksOf } from './analysis/tasks.ts';
import type { Definition, TaskSpec } from './definition.ts';
import { etaOf, type Eta } from './eta.ts';
import { readStanding, type EtaRuntime } from './eta/read.ts';
import type { Standing } from './eta/standing.ts';
import type { EarlierRuns } from './estimate/earlier-runs.ts';
import type { ForkRecord } from './fork/record.ts';
import { wordsOfReference } from './kinds/subworkflow.ts';
import { Remembered } from './remembered.ts';
import { inTurns, type LetOthers } from './steps.ts';
import { isSettled } from './task-status.ts';
import type { Workflows } from './workflows.ts';

/** What they stand on. */
export interface EtaSurroundings {
  readonly runtime: EtaRuntime & Pick<Runtime, 'read' | 'contextOf'>;
  readonly workflows: Pick<Workflows, 'definition' | 'find'>;
  readonly earlier: Pick<EarlierRuns, 'of'>;
  now(): number;
  readonly letOthers: LetOthers;
}

/** A run of no more tasks is gone through whenever somebody asks: one or two milliseconds. */
const FEW_TASKS = 500;
/** How long an ETA of one with more is counted down for each of its tasks, in milliseconds: a hundred times what it takes to work it out. */
const FRESH_MS = 1;
const MOST_KEPT = 1_000;
/** Runs of sub-workflows that are looked into, side by side and one below the other; of others it counts what they took before. */
const MOST_CHILDREN = 50;
const MOST_DEPTH = 8;

interface Known {
  readonly eta: Eta;
  readonly seq: number;
  readonly status: RunView['status'];
  readonly tasks: number;
}

/** Works ETAs out. */
export class Etas {
  readonly #surroundings: EtaSurroundings;
  readonly #remembered: Remembered<Known>;

  constructor(surroundings: EtaSurroundings) {
    this.#surroundings = surroundings;
    this.#remembered = new Remembered(MOST_KEPT, () => surroundings.now());
  }

  /**
   * When a run will have ended; undefined of one that has, and of one of a user's machine.
   *
   * @example
   * await etas.of(await runtime.read(runId)) // { seconds: null, atLeastSeconds: 12, reason: 'waits for approval of "deploy"' }
   */
  of(run: RunView): Promise<Eta | undefined> {
    return this.#of(run, 0);
  }

  async #of(run: RunView, depth: number): Promise<Eta | undefined> {
    if (run.endedAt !== null || run.workflow === undefined) return undefined;
    if (run.blocked !== undefined) return unknown(`the run cannot go on: ${run.blocked.message}`);
    const known = this.#remembered.of(run.runId);
    if (known?.value.status === run.status) {
      const { eta, seq, tasks } = known.value;
      if (seq === run.seq && known.age === 0) return eta;
      if (tasks > FEW_TASKS && known.age < tasks * FRESH_MS) return countedDown(eta, known.age / 1_000);
    }
    return (await this.#remembered.anew(run.runId, (now) => this.#workOut(run, now, depth))).eta;
  }

  async #workOut(run: RunView, now: number, depth: number): Promise<Known> {
    const eta = await orReason(() => this.#read(run, now, depth));
    return { eta, seq: run.seq, status: run.status, tasks: run.counts['total'] ?? 0 };
  }

  async #read(run: RunView, now: number, depth: number): Promise<Eta> {
    const { runtime, workflows, earlier, letOthers } = this.#surroundings;
    const { runId, workflow, input } = run;
    if (workflow === undefined) return unknown('it is a run of no workflow');
    const { prompts } = (run.fork ?? {}) as Partial<ForkRecord>;
    const definition = await workflows.definition(workflow.id, workflow.version, prompts);
    const tasks = await inTurns(tasksOf(definition), letOthers);
    const rows = await readStanding(runtime, runId, tasks, letOthers);
    const context = (await runtime.contextOf(runId, '/')) as { readonly breadth?: number } | undefined;
    const open = definition.tasks.filter(({ name }) => !isSettled(rows.rows.get(name)?.status ?? 'pending'));
    const children = new Map<string, Eta>();
    for (const { name, call } of open) {
      if (call.kind !== 'subworkflow' || !call.wait || children.size >= MOST_CHILDREN) continue;
      const child = await this.#child(rows.rows.get(name)?.detailJson ?? null, depth);
      if (child !== undefined) children.set(name, child);
    }
    const eta = await inTurns(
      etaOf({
        ...rows,
        tasks,
        input,
        breadth: context?.breadth ?? definition.breadth,
        now,
        learned: await earlier.of(workflow.id),
        children,
        childSeconds: await this.#before(open),
      }),
      letOthers,
    );
    if (run.status !== 'paused') return eta;
    return { seconds: null, atLeastSeconds: eta.atLeastSeconds, reason: 'the run is paused' };
  }

  /** Of the run that a task waits for; undefined where it has begun none, or that is gone. */
  async #child(detailJson: string | null, depth: number): Promise<Eta | undefined> {
    const { childRunId } = JSON.parse(detailJson ?? '{}') as { readonly childRunId?: string };
    if (childRunId === undefined || depth >= MOST_DEPTH) return undefined;
    try {
      return await this.#of(await this.#surroundings.runtime.read(childRunId), depth + 1);
    } catch (thrown) {
      if (thrown instanceof FermataError && thrown.code === 'notFound') return undefined;
      throw thrown;
    }
  }

  /**
   * What runs take that sub-workflows have yet to begin: by the tasks of their workflows.
   *
   * @param known what has been found out so far: a workflow that comes again, also below itself, is gone through once
   */
  async #before(
    open: readonly TaskSpec[],
    known = new Map<string, number | undefined>(),
  ): Promise<Standing['childSeconds']> {
    const { workflows } = this.#surroundings;
    for (const { call } of open) {
      if (call.kind !== 'subworkflow' || 'document' in call.workflow) continue;
      const label = wordsOfReference(call.workflow);
      if (known.has(label) || known.size >= MOST_CHILDREN) continue;
      known.set(label, undefined);
      const stored = await workflows.find(call.workflow);
      if (stored === undefined) continue;
      const { id, version } = stored;
      known.set(label, await this.#whole(id, await workflows.definition(id, version), known));
    }
    return ({ call }) => (call.kind === 'subworkflow' ? known.get(wordsOfReference(call.workflow)) : undefined);
  }

  /** A run from its beginning. */
  async #whole(
    id: string,
    definition: Definition,
    known: Map<string, number | undefined>,
  ): Promise<number | undefined> {
    const { earlier, letOthers, now } = this.#surroundings;
    const tasks = await inTurns(tasksOf(definition), letOthers);
    const steps = etaOf({
      tasks,
      input: undefined,
      breadth: definition.breadth,
      now: now(),
      learned: await earlier.of(id),
      rows: new Map(),
      groups: new Map(),
      joined: [],
      awaited: new Map(),
      children: new Map(),
      childSeconds: await this.#before(definition.tasks, known),
    });
    return (await inTurns(steps, letOthers)).seconds ?? undefined;
  }
}

/** What cannot be foreseen is no reason not to answer. */
async function orReason(work: () => Promise<Eta>): Promise<Eta> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof FermataError) return unknown(thrown.message);
    throw thrown;
  }
}

function unknown(reason: string): Eta {
  return { seconds: null, atLeastSeconds: 0, reason };
}

/** The same, some seconds later. */
function countedDown({ seconds, atLeastSeconds, ...eta }: Eta, by: number): Eta {
  const left = (known: number): number => Math.max(0, known - by);
  return { ...eta, seconds: seconds === null ? null : left(seconds), atLeastSeconds: left(atLeastSeconds) };
}
