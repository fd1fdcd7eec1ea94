/** Estimates of the documents of a process: with its prices, its encoders, and what its runs have taught. */
import { Tokenizer } from '../cost/tokens.ts';
import type { LedgerStore } from '../store/ledger.ts';
import type { MaybePromise } from '../store/maybe-promise.ts';
import type { Definition } from './definition.ts';
import { estimateOf, type Estimate } from './estimate.ts';
import { dryRunOf, type DryRun } from './dry-run.ts';
import { NO_DURATIONS, type LearnedDurations } from './estimate/durations.ts';
import type { EarlierRuns } from './estimate/earlier-runs.ts';
import { learnFrom, NOTHING_LEARNED, type Learned } from './estimate/learned.ts';
import { checkInput } from './input.ts';
import { modelsOf } from './priced.ts';
import { askedModels, rankedModels, type Tiers } from './models.ts';
import type { Price } from './prices.ts';
import { isFresh, Remembered } from './remembered.ts';
import { sidesOf, type ComparisonSettings } from './similar.ts';
import { inTurns, type LetOthers } from './steps.ts';
import type { Workflows } from './workflows.ts';

/** What estimates stand on. */
export interface EstimateSurroundings {
  readonly workflows: Pick<Workflows, 'below' | 'find' | 'named'>;
  readonly store: Pick<LedgerStore, 'accounts' | 'ledger'>;
  readonly tenant: string;
  /** Opens the prices as they are now. */
  prices(): Promise<(definition: Definition) => Price>;
  now(): number;
  readonly letOthers: LetOthers;
  readonly tiers: Tiers;
  /** Who makes vectors and judges. */
  readonly comparing?: ComparisonSettings | undefined;
  readonly earlier: Pick<EarlierRuns, 'of'>;
}

/** How an estimate is made. */
export interface EstimateOptions {
  /**
   * With the encoders of the models, of which each takes half a second when it is first needed; without, tokens are told
   * from the length of texts. Default true.
   */
  readonly exact?: boolean;
  /** The run has a budget that its document does not say. Default false. */
  readonly hasBudget?: boolean;
  /** As if all that choose among models chose the cheapest. Default false. */
  readonly atCheapest?: boolean;
}

/** Sets of workflows that are remembered. */
const MOST_KEPT = 100;

/** One that knows no encoder. */
const BY_LENGTH = new Tokenizer();

/** Makes estimates. */
export class Estimates {
  readonly #surroundings: EstimateSurroundings;
  readonly #tokenizer = new Tokenizer();
  readonly #learned: Remembered<Learned>;

  constructor(surroundings: EstimateSurroundings) {
    this.#surroundings = surroundings;
    this.#learned = new Remembered(MOST_KEPT, () => surroundings.now());
  }

  /**
   * What a run with this input would cost.
   *
   * @throws FermataError `invalidInput` as `execute` does; `promptFailed` where a prompt reads only the input, and that
   * lacks what it reads
   */
  async of(
    definition: Definition,
    input: unknown,
    { exact = true, hasBudget = false, atCheapest = false }: EstimateOptions = {},
  ): Promise<Estimate> {
    const { workflows, prices, letOthers, tiers, comparing = {} } = this.#surroundings;
    const checked = checkInput(definition, input ?? {});
    const below = await workflows.named(definition);
    const all = [definition, ...below.values()];
    if (exact)
      for (const model of new Set(all.flatMap((one) => namesOfModels(one, tiers, comparing))))
        await this.#tokenizer.load(model);
    const tokenizer = exact ? this.#tokenizer : BY_LENGTH;
    const chances = await this.#earlierOf(all.filter(mayGoEitherWay).map(({ name }) => name));
    const steps = estimateOf(definition, {
      input: checked,
      priceOf: await prices(),
      count: (text, model) => tokenizer.count(text, model),
      tiers,
      comparing,
      hasBudget,
      atCheapest,
      learned: await this.learnedFrom(all.map(({ name }) => name)),
      chance: (workflow, task) => chances.get(workflow)?.chance(task),
      lookUp: await workflows.below(definition),
    });
    return inTurns(steps, letOthers);
  }

  /**
   * What a run with this input would do. Throws as `of` does.
   *
   * @param workflowId of the stored workflow, to learn from its runs
   */
  async dryRun(definition: Definition, input: unknown, workflowId?: string): Promise<DryRun> {
    const { letOthers, earlier } = this.#surroundings;
    const estimate = await this.of(definition, input);
    const own = workflowId === undefined ? NO_DURATIONS : await earlier.of(workflowId);
    const below = await this.#earlierOf(namesBelow(estimate));
    const steps = dryRunOf(estimate, (name) => (name === undefined ? own : (below.get(name) ?? NO_DURATIONS)));
    return inTurns(steps, letOthers);
  }

  /** How long and how often the tasks of workflows ran, by the names of the workflows. */
  async #earlierOf(names: readonly string[]): Promise<ReadonlyMap<string, LearnedDurations>> {
    const { workflows, earlier } = this.#surroundings;
    const found = new Map<string, LearnedDurations>();
    for (const name of new Set(names)) {
      const stored = await workflows.find({ name });
      if (stored !== undefined) found.set(name, await earlier.of(stored.id));
    }
    return found;
  }

  /**
   * What earlier runs have taught, by the names of their workflows; at once where that was asked for a moment ago.
   */
  learnedFrom(names: readonly string[]): MaybePromise<Learned> {
    const { store, tenant, letOthers } = this.#surroundings;
    const key = JSON.stringify(names);
    const known = this.#learned.of(key);
    if (known !== undefined && isFresh(known.age, { nothing: known.value === NOTHING_LEARNED })) return known.value;
    return this.#learned.anew(key, () => learnFrom(store, tenant, names, letOthers));
  }
}

/** Models that the tasks of a definition ask, as far as it names them. */
function namesOfModels(definition: Definition, tiers: Tiers, comparing: ComparisonSettings): readonly string[] {
  const { tasks, model } = definition;
  const asked = tasks.flatMap((spec) => modelsOf(spec, spec.name, tiers));
  const all = [...rankedModels(askedModels({}, definition), tiers), ...asked];
  const sides = looksForSimilar(definition) ? all.flatMap((one) => Object.values(sidesOf(one, comparing))) : [];
  return [model, ...[...all, ...sides].map((one) => one.model)];
}

/** Whether a task of it, or an item, may take the answer to a similar question. */
function looksForSimilar({ tasks }: Pick<Definition, 'tasks'>): boolean {
  return tasks.some(({ call }) =>
    call.kind === 'map' || call.kind === 'reduce'
      ? looksForSimilar({ tasks: [call.task] })
      : call.kind === 'model' && call.cache?.similar !== undefined,
  );
}

/** Names of the workflows whose runs tasks begin, at any depth. */
function namesBelow({ below }: Estimate): readonly string[] {
  return [...below.values()].flatMap((child) => [child.ordered.definition.name, ...namesBelow(child)]);
}

/** Only of those it matters how often their tasks ran. */
function mayGoEitherWay({ tasks }: Definition): boolean {
  return tasks.some(({ when, gates }) => when !== undefined || gates.length > 0);
}
