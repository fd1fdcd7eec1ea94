/**
 * What a fork takes over from the run that it comes from, and from the runs behind that one.
 *
 * O1. An outcome is taken over where everything that the task depends on was taken over: then it would be asked the very
 *     same again. It is decided when the task's turn has come, so that what depends on a task that runs anew runs anew,
 *     whoever added it.
 * O2. What a run behind the nearest one found counts only where it found it from the same outcomes.
 * O3. Rows of a task that has completed never change, so that the same is found whenever it is looked for, also after a
 *     crash. None of these runs is deleted while the fork goes on.
 */
import type { RunRows } from '../../runtime/rows.ts';
import type { TaskRow } from '../../store/tasks.ts';
import { impossible, type Additions } from '../adding.ts';
import { mapsAround } from '../growth.ts';
import { begunRunOf } from '../parents.ts';
import { partIn } from '../rounds.ts';
import type { AddedTask, RunGraph } from '../run-graph.ts';
import { joinedBehind, needsOf, tasksBehind, tasksOf } from './needs.ts';
import { OriginRuns, type OtherRuns } from './origin-runs.ts';
import { withPrompt } from './prompts.ts';
import { hasFailedItems, reusedOf, type ForkLayer, type ForkRecord, type Reused } from './record.ts';
import { SharedOrigins, type Foretold } from './shared-beginning.ts';
import { given, takenOver, type TakenOver } from './taken-over.ts';

/** What the origin says about a task. */
type Found =
  | {
      readonly kind: 'completed';
      readonly layer: ForkLayer;
      readonly at: number;
      readonly row: TaskRow;
      readonly seq: number;
    }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'given'; readonly value: unknown };

/** The runs that one fork reads from. */
export class Origins implements Foretold {
  /** What the tasks of the fork share when it begins. */
  readonly shared: SharedOrigins;
  readonly #record: ForkRecord;
  readonly #runs: OriginRuns;

  constructor(rows: RunRows, record: ForkRecord, others: OtherRuns) {
    this.#record = record;
    this.#runs = new OriginRuns(rows, others);
    this.shared = new SharedOrigins(rows, this.#runs, this);
  }

  get layers(): readonly ForkLayer[] {
    return this.#record.layers;
  }

  /** Prompts that take the place of the document's. */
  get prompts(): ForkRecord['prompts'] {
    return this.#record.prompts;
  }

  /** What a task need not work out: somebody has given it in this fork, or the origin has found it. */
  outcome(graph: RunGraph, name: string): TakenOver | undefined {
    const outputs = this.#record.layers[0]?.outputs ?? {};
    if (Object.hasOwn(outputs, name)) return given(outputs[name]);
    const found = this.#found(graph, name);
    if (found === undefined || found.kind === 'skipped') return undefined;
    if (found.kind === 'given') return given(found.value);
    return takenOver(this.#runs.data(found.layer.run, found.seq), this.#reused(found));
  }

  /** Where a task that is skipped was skipped before, for the same reasons. */
  skipped(graph: RunGraph, name: string): Reused | undefined {
    const [nearest] = this.#record.layers;
    const isSame = nearest !== undefined && this.#found(graph, name)?.kind === 'skipped';
    return isSame ? { runId: nearest.run } : undefined;
  }

  /** The run of a sub-workflow that a task waited for in vain: the one that is begun now takes over what that has found. */
  childRun(graph: RunGraph, name: string): string | undefined {
    for (const [at, layer] of this.#record.layers.entries()) {
      if (layer.wholeRuns === true || isAnew(layer, name, this.#around(graph, name))) return undefined;
      const row = this.#runs.row(layer.run, name);
      const run = row === undefined ? undefined : begunRunOf(row);
      if (run !== undefined) return this.#stands(graph, name, at) ? run : undefined;
    }
    return undefined;
  }

  /** The tasks that a task added whose outcome is taken over. They are added again, as they were. */
  additions(graph: RunGraph, parent: string, position: number): Additions {
    const found = this.#find(graph, parent, 0);
    const row = found?.kind === 'completed' ? found : undefined;
    if (row === undefined) return { tasks: [], skip: [] };
    const { run } = row.layer;
    const specs = this.#runs.children(run, parent).flatMap((child) => {
      const { specSeq, parent: waiting, depth } = this.#runs.growth(run, child);
      const { spec } = this.#runs.data(run, specSeq ?? 0) as unknown as AddedTask;
      // What it added for its rounds came to the outcome that is taken over.
      return spec.part === undefined
        ? [{ spec: withPrompt(spec, this.prompts[child]), depth, join: waiting !== null }]
        : [];
    });
    const names = new Set(specs.map(({ spec }) => spec.name));
    for (const { spec } of specs) {
      const missing = spec.dependsOn.find((needed) => !names.has(needed) && !graph.has(needed));
      if (graph.has(spec.name) || missing !== undefined)
        return {
          refused: {
            code: 'invalidDocument',
            message: `What task ${JSON.stringify(parent)} added in run ${run} cannot be added again: ${missing === undefined ? `there is a task ${JSON.stringify(spec.name)} already` : `task ${JSON.stringify(spec.name)} needs ${JSON.stringify(missing)}, which nobody has added this time`}. Fork from ${JSON.stringify(parent)}, so that it runs anew.`,
            retry: 'never',
          },
        };
    }
    const { warning } = this.#runs.data(run, row.seq) as { readonly warning?: string };
    return {
      tasks: specs.map(({ spec, depth, join }, at) => ({ spec: { ...spec, position: position + at }, depth, join })),
      // What they need may have failed this time.
      skip: impossible(
        graph,
        specs.map(({ spec }) => spec),
      ),
      ...(warning === undefined ? {} : { warning }),
    };
  }

  needed(graph: RunGraph, name: string): readonly string[] | undefined {
    const isGiven = Object.hasOwn(this.#record.layers[0]?.outputs ?? {}, name);
    const found = isGiven ? undefined : this.#find(graph, name, 0);
    // What was given in one of the runs behind is given again, and publishes again.
    if (found === undefined || found.kind === 'given') return undefined;
    const needed = [...needsOf(tasksBehind(graph, this.#runs, this.layers), name)];
    const at = found.kind === 'completed' ? found.at : 0;
    return at === 0 || needed.every((other) => this.#isSameBehind(graph, other, at)) ? needed : undefined;
  }

  /** Whether the runs from a layer on have the outcome of a task that the fork would take over (O2). */
  #isSameBehind(graph: RunGraph, name: string, from: number): boolean {
    const found = this.#find(graph, name, 0);
    if (found === undefined || found.kind === 'given') return false;
    const { run: runId = '' } = this.layers[0] ?? {};
    return this.#isSame(graph, found.kind === 'skipped' ? { runId } : this.#reused(found), name, from);
  }

  /** The tasks inside of which one is: the maps whose item it is, and the task whose rounds it is part of, with its maps. */
  #around(graph: RunGraph, name: string): readonly string[] {
    const owner = graph.has(name)
      ? partIn(graph, name)?.parent
      : graph.grows
        ? joinedBehind(this.#runs, this.layers, name)?.spec.part?.owner
        : undefined;
    return [...mapsAround(name), ...(owner === undefined ? [] : [owner, ...mapsAround(owner)])];
  }

  /** What the origin found, where it would find the same again (O1, O2). */
  #found(graph: RunGraph, name: string): Found | undefined {
    const found = this.#find(graph, name, 0);
    if (found === undefined) return undefined;
    return this.#stands(graph, name, found.kind === 'completed' ? found.at : 0) ? found : undefined;
  }

  /** Whether a task begins with the very outcomes with which it began in the run of a layer. */
  #stands(graph: RunGraph, name: string, at: number): boolean {
    for (const needed of needsOf(tasksOf(graph), name)) {
      const reused = reusedOf(graph.row(needed));
      if (reused === undefined || graph.growth(needed).anew) return false;
      if (at > 0 && !this.#isSame(graph, reused, needed, at)) return false;
    }
    return true;
  }

  /** Whether the runs from a layer on have the same outcome of a task. */
  #isSame(graph: RunGraph, reused: Reused, name: string, from: number): boolean {
    const there = this.#find(graph, name, from);
    if (there?.kind === 'skipped') return reused.seq === undefined;
    if (there?.kind !== 'completed') return false;
    const { runId, seq } = this.#reused(there);
    return runId === reused.runId && seq === reused.seq;
  }

  #find(graph: RunGraph, name: string, from: number): Found | undefined {
    const within = this.#around(graph, name);
    for (const [at, layer] of this.#record.layers.entries()) {
      if (at < from) continue;
      // Of this fork itself they are given whatever else holds.
      if (at > 0 && Object.hasOwn(layer.outputs, name)) return { kind: 'given', value: layer.outputs[name] };
      if (isBarred(layer, name, within)) return undefined;
      const row = this.#runs.row(layer.run, name);
      if (layer.isRetry === true && row?.status === 'completed' && hasFailedItems(row)) return undefined;
      if (row?.status === 'completed' && row.resultSeq !== null && row.resultSeq <= layer.upTo)
        return { kind: 'completed', layer, at, row, seq: row.resultSeq };
      if (row?.status === 'skipped') return { kind: 'skipped' };
    }
    return undefined;
  }

  #reused({ layer, row, seq }: Extract<Found, { kind: 'completed' }>): Reused {
    const before = reusedOf(row);
    if (before?.seq !== undefined) return before;
    return { runId: layer.run, seq: this.#runs.factSeq(layer.run, seq) };
  }
}

function isBarred(layer: ForkLayer, name: string, within: readonly string[]): boolean {
  return layer.opened.includes(name) || isAnew(layer, name, within);
}

function isAnew({ anew }: ForkLayer, name: string, within: readonly string[]): boolean {
  return [name, ...within].some((other) => anew.includes(other));
}
