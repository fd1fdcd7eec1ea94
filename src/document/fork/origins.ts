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
import { FermataError } from '../../errors.ts';
import type { RunRows } from '../../runtime/rows.ts';
import type { JournalEntry, Store, TaskRow } from '../../store/store.ts';
import { impossible, type Additions } from '../adding.ts';
import type { RoundPart, TaskSpec } from '../definition.ts';
import { growthIn, itemOf, mapsAround, partOf, type Group, type Growth } from '../growth.ts';
import { entriesOf } from '../growth-list.ts';
import { begunRunOf } from '../parents.ts';
import { planNames } from '../round-names.ts';
import { partIn } from '../rounds.ts';
import type { AddedTask, RunGraph } from '../run-graph.ts';
import { withPrompt } from './prompts.ts';
import { hasFailedItems, reusedOf, type ForkLayer, type ForkRecord, type Reused } from './record.ts';
import { SharedOrigins, type OriginValues } from './shared-beginning.ts';

/** What is read of other runs. */
export type OtherRuns = Pick<Store, 'run' | 'row' | 'entry' | 'entryOfFact' | 'sharedValues'>;

/** An outcome that a task need not work out. */
export interface TakenOver {
  readonly result: unknown;
  readonly description?: string;
  /** What its fact says beside that: where it comes from, how a condition decided. */
  readonly facts: Readonly<Record<string, unknown>>;
}

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

/** What stands in the fact of a task but belongs to the run that worked it out. */
const ITS_OWN = new Set([
  'task',
  'description',
  'result',
  'attempt',
  'progress',
  'usage',
  'model',
  'requestId',
  'finishReason',
  'keptEvent',
  'added',
  'edited',
  'reused',
]);

/** The runs that one fork reads from. */
export class Origins implements OriginValues {
  /** What the tasks of the fork share when it begins. */
  readonly shared: SharedOrigins;
  readonly #rows: RunRows;
  readonly #record: ForkRecord;
  readonly #others: OtherRuns;

  constructor(rows: RunRows, record: ForkRecord, others: OtherRuns) {
    this.#rows = rows;
    this.#record = record;
    this.#others = others;
    this.shared = new SharedOrigins(rows, this);
  }

  get layers(): readonly ForkLayer[] {
    return this.#record.layers;
  }

  /** Prompts that take the place of the document's. */
  get prompts(): ForkRecord['prompts'] {
    return this.#record.prompts;
  }

  /** What a task need not work out: somebody has given it in this fork, or the origin has found it. */
  outcome(graph: RunGraph, { name, dependsOn }: Pick<TaskSpec, 'name' | 'dependsOn'>): TakenOver | undefined {
    const outputs = this.#record.layers[0]?.outputs ?? {};
    if (Object.hasOwn(outputs, name)) return { result: outputs[name], facts: { edited: true } };
    const found = this.#found(graph, name, dependsOn);
    if (found === undefined || found.kind === 'skipped') return undefined;
    if (found.kind === 'given') return { result: found.value, facts: { edited: true } };
    return takenOver(this.#data(found.layer.run, found.seq), this.#reused(found));
  }

  /** Where a task that is skipped was skipped before, for the same reasons. */
  skipped(graph: RunGraph, { name, dependsOn }: Pick<TaskSpec, 'name' | 'dependsOn'>): Reused | undefined {
    const [nearest] = this.#record.layers;
    const isSame = nearest !== undefined && this.#found(graph, name, dependsOn)?.kind === 'skipped';
    return isSame ? { runId: nearest.run } : undefined;
  }

  /** The run of a sub-workflow that a task waited for in vain: the one that is begun now takes over what that has found. */
  childRun(graph: RunGraph, { name, dependsOn }: Pick<TaskSpec, 'name' | 'dependsOn'>): string | undefined {
    for (const [at, layer] of this.#record.layers.entries()) {
      if (layer.wholeRuns === true || isAnew(layer, name, this.#around(graph, name))) return undefined;
      const row = this.#row(layer.run, name);
      const run = row === undefined ? undefined : begunRunOf(row);
      if (run !== undefined) return this.#stands(graph, name, dependsOn, at) ? run : undefined;
    }
    return undefined;
  }

  /** The tasks that a task added whose outcome is taken over. They are added again, as they were. */
  additions(graph: RunGraph, parent: string, position: number): Additions {
    const found = this.#find(graph, parent, 0);
    const row = found?.kind === 'completed' ? found : undefined;
    if (row === undefined) return { tasks: [], skip: [] };
    const { run } = row.layer;
    const specs = this.#children(run, parent).flatMap((child) => {
      const { specSeq, parent: waiting, depth } = this.#growth(run, child);
      const { spec } = this.#data(run, specSeq ?? 0) as unknown as AddedTask;
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
    const { warning } = this.#data(run, row.seq) as { readonly warning?: string };
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

  sharedRows(run: string, page: { readonly limit: number; readonly after?: string | undefined }) {
    const { limit, after = '' } = page;
    return this.#rows.read(`fork/${run}/shared/${limit}/${after}`, () =>
      this.#others.sharedValues(this.#key(run), page),
    );
  }

  fact(run: string, seq: number) {
    return { factSeq: this.#entry(run, seq).factSeq ?? 0, data: this.#data(run, seq) };
  }

  entryOfFact(run: string, factSeq: number): number | undefined {
    const load = () => this.#others.entryOfFact(this.#key(run), factSeq);
    return this.#rows.read(`fork/${run}/fact/${factSeq}`, load);
  }

  needed(graph: RunGraph, name: string): readonly string[] | undefined {
    const isGiven = Object.hasOwn(this.#record.layers[0]?.outputs ?? {}, name);
    return isGiven || this.#find(graph, name, 0) === undefined ? undefined : this.#needsThere(graph, name);
  }

  /** Whose outcomes a task was worked out from in the runs behind: nothing of it is in the fork yet. */
  #needsThere(graph: RunGraph, name: string): readonly string[] {
    if (graph.has(name)) return graph.spec(name).dependsOn;
    const item = itemOf(name);
    if (item !== undefined) return this.#needsThere(graph, item.map);
    const added = this.#added(name);
    if (added === undefined) return [];
    const { run, spec, parent } = added;
    if (spec.part === undefined) return [...spec.dependsOn, parent];
    return [...spec.dependsOn, ...this.#needsThere(graph, parent), ...this.#partsBefore(run, name, spec.part)];
  }

  /** Where a task joined one of the runs behind, and how. */
  #added(name: string): (AddedTask & { readonly run: string; readonly parent: string }) | undefined {
    for (const { run } of this.#record.layers) {
      const { specSeq } = this.#growth(run, name);
      if (specSeq === null) continue;
      return { run, ...(this.#data(run, specSeq) as unknown as AddedTask & { readonly parent: string }) };
    }
    return undefined;
  }

  #partsBefore(run: string, name: string, { owner, phase, round }: RoundPart): readonly string[] {
    if (phase === 'execute')
      return planNames(owner, round)
        .filter((plan) => this.#growth(run, plan).specSeq !== null)
        .slice(0, 1);
    const parts = this.#children(run, owner);
    return parts.slice(0, parts.indexOf(name));
  }

  /** The tasks inside of which one is: the maps whose item it is, and the task whose rounds it is part of, with its maps. */
  #around(graph: RunGraph, name: string): readonly string[] {
    const owner = graph.has(name)
      ? partIn(graph, name)?.parent
      : graph.grows
        ? this.#added(name)?.spec.part?.owner
        : undefined;
    return [...mapsAround(name), ...(owner === undefined ? [] : [owner, ...mapsAround(owner)])];
  }

  /** What the origin found, where it would find the same again (O1, O2). */
  #found(graph: RunGraph, name: string, dependsOn: readonly string[]): Found | undefined {
    const found = this.#find(graph, name, 0);
    if (found === undefined) return undefined;
    return this.#stands(graph, name, dependsOn, found.kind === 'completed' ? found.at : 0) ? found : undefined;
  }

  /** Whether a task begins with the very outcomes with which it began in the run of a layer. */
  #stands(graph: RunGraph, name: string, dependsOn: readonly string[], at: number): boolean {
    for (const needed of needsOf(graph, name, dependsOn)) {
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
      const row = this.#row(layer.run, name);
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
    const { factSeq } = this.#entry(layer.run, seq);
    return { runId: layer.run, seq: factSeq ?? 0 };
  }

  #row(run: string, name: string): TaskRow | undefined {
    const row = this.#rows.read(`fork/${run}/task/${name}`, () => this.#others.row(this.#key(run), 'task', name));
    if (row === undefined && this.#rows.read(`fork/${run}`, () => this.#others.run(this.#key(run))) === undefined)
      throw gone(this.#rows.key.run, run);
    return row;
  }

  #growth(run: string, name: string): Growth {
    const load = () => this.#others.row(this.#key(run), 'growth', name);
    return growthIn(this.#rows.read(`fork/${run}/growth/${name}`, load), name);
  }

  #children(run: string, name: string): string[] {
    const load = (key: string) =>
      this.#rows.read(`fork/${run}/list/${key}`, () => this.#others.row(this.#key(run), 'growthList', key));
    const { children } = this.#growth(run, name);
    return entriesOf(load, { task: name, list: 'child' }, children).map((entry) => entry.name);
  }

  #entry(run: string, seq: number): JournalEntry {
    const entry = this.#rows.read(`fork/${run}/entry/${seq}`, () => this.#others.entry(this.#key(run), seq));
    if (entry === undefined) throw gone(this.#rows.key.run, run);
    return entry;
  }

  #data(run: string, seq: number): Readonly<Record<string, unknown>> {
    return this.#rows.decode(this.#entry(run, seq).dataJson) as Readonly<Record<string, unknown>>;
  }

  #key(run: string) {
    return { tenant: this.#rows.key.tenant, run };
  }
}

/**
 * Whose outcomes a task is worked out from: what it depends on, who added it, what the calls of a tree reduce, and what
 * came before a part of work in rounds.
 */
function* needsOf(graph: RunGraph, name: string, dependsOn: readonly string[]): Generator<string> {
  yield* dependsOn;
  const item = graph.item(name);
  if (item !== undefined) {
    const { call } = graph.spec(item.map);
    if (call.kind === 'reduce') yield* reducedBy(item, call.arity);
    return;
  }
  const { part } = graph.spec(name);
  if (part !== undefined) {
    yield* needsOf(graph, part.owner, graph.spec(part.owner).dependsOn);
    return yield* before(graph, name, part);
  }
  const { detailJson } = graph.row(name);
  const { parent } = (detailJson === null ? {} : JSON.parse(detailJson)) as { readonly parent?: string };
  if (parent !== undefined) yield parent;
}

/** The calls of the level below that a call of a tree reads. */
function* reducedBy(
  { map, index, group }: { readonly map: string; readonly index: number; readonly group: Group },
  arity: number,
): Generator<string> {
  const part = partOf(group, index);
  const below = group.parts[group.parts.indexOf(part) - 1];
  if (below === undefined) return;
  const first = below.from + (index - part.from) * arity;
  for (let at = first; at < Math.min(first + arity, part.from); at++) yield `${map}[${at}]`;
}

/** Parts of work in rounds that came before one: of a proposed task its plan, of every other part all. */
function* before(graph: RunGraph, name: string, { owner, phase, round }: RoundPart): Generator<string> {
  if (phase === 'execute') {
    // By its name: to look through a plan of 1,000 for each of its tasks takes seconds.
    const plan = planNames(owner, round).find((other) => graph.has(other));
    if (plan !== undefined) yield plan;
    return;
  }
  const children = graph.children(owner);
  yield* children.slice(0, children.indexOf(name)).toReversed();
}

function isBarred(layer: ForkLayer, name: string, within: readonly string[]): boolean {
  return layer.opened.includes(name) || isAnew(layer, name, within);
}

function isAnew({ anew }: ForkLayer, name: string, within: readonly string[]): boolean {
  return [name, ...within].some((other) => anew.includes(other));
}

/** What it cost stands with where it comes from: this run pays nothing for it. */
function takenOver(fact: Readonly<Record<string, unknown>>, reused: Reused): TakenOver {
  const { result, description, attempt, usage, model, requestId, finishReason } = fact;
  const paid =
    reused.usage === undefined && reused.attempts === undefined
      ? {
          ...(typeof attempt === 'number' ? { attempts: attempt } : {}),
          ...(usage === undefined ? {} : { usage }),
          ...(model === undefined ? {} : { model }),
          ...(requestId === undefined ? {} : { requestId }),
          ...(finishReason === undefined ? {} : { finishReason }),
        }
      : {};
  return {
    result,
    ...(typeof description === 'string' ? { description } : {}),
    facts: {
      ...Object.fromEntries(Object.entries(fact).filter(([field]) => !ITS_OWN.has(field))),
      reused: { ...reused, ...paid },
    },
  };
}

function gone(fork: string, run: string): FermataError {
  return new FermataError(
    'originMissing',
    `Run ${fork} is a fork of run ${run}, which was deleted just as the fork began. Nothing can be taken over from it: start the workflow again.`,
  );
}
