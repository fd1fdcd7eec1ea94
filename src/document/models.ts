/**
 * The models among which a call may choose: `models` of a task or of the config, ranked by its author, the best first; and
 * the tiers of the configuration, which documents name instead of models.
 */
import { z } from 'zod';
import { OPTIMIZE, type Optimize } from '../cost/choice.ts';
import { FermataError } from '../errors.ts';
import { name } from './fields.ts';
import { didYouMean } from './nearest.ts';

/** Models in one list: a person has ranked them. */
const MOST_LISTED = 20;

const model = z.strictObject({ model: name, provider: name.optional() });
const tier = z.strictObject({ tier: name });

/** `models` as it is written. */
export const modelList = z
  .union([
    name,
    z
      .array(z.union([name, model, tier]))
      .min(1)
      .max(MOST_LISTED),
  ])
  .describe('The best first: names, { model, provider }, { tier }; or the name of a tier of the configuration');
export const optimize = z
  .enum(OPTIMIZE)
  .describe('By what one of the models is chosen; without it the first one is asked, and the next where that fails');

/** As it is written. */
export type WrittenModels = z.output<typeof modelList>;

/** A model, or the models of a tier: what that has the configuration says. */
export type ListedModel = { readonly provider: string; readonly model: string } | { readonly tier: string };

/** A model with its place in its list; models of one tier share theirs. */
export interface RankedModel {
  readonly provider: string;
  readonly model: string;
  readonly rank: number;
}

/** Tiers of a configuration: models that are as good as each other. */
export type Tiers = Readonly<
  Record<string, readonly (string | { readonly model: string; readonly provider?: string | undefined })[]>
>;

/** A tier as it is written in the configuration. */
export const tierSchema = z
  .array(z.union([name, model]))
  .min(1)
  .max(MOST_LISTED);

/** Places of models that were named before in the same list, with what to say of it. */
export function twiceIn(
  list: readonly unknown[],
  provider: string,
): readonly (readonly [at: number, message: string])[] {
  const seen = new Set<string>();
  return list.flatMap((one, at) => {
    const named = typeof one === 'string' ? { model: one } : one;
    if (typeof named !== 'object' || named === null) return [];
    const key = canonicalKey({ provider, ...named });
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [
      [at, `is listed twice: a model that has failed is asked again anyway, after the others; keep one`] as const,
    ];
  });
}

function canonicalKey(named: Readonly<Record<string, unknown>>): string {
  return 'tier' in named
    ? JSON.stringify(['tier', named['tier']])
    : JSON.stringify([named['provider'], named['model']]);
}

/** Of models that are named without their provider. */
const PROVIDER = 'openai';

/** What tasks have that name no models. */
export interface ModelDefaults {
  readonly provider: string;
  readonly model: string;
  readonly models?: WrittenModels | undefined;
  readonly optimize?: Optimize | undefined;
}

/** What a model call says of whom it asks, as it is written. */
export interface WrittenChoice {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly models?: WrittenModels | undefined;
  readonly optimize?: Optimize | undefined;
}

/** Whom a model call asks. */
export interface AskedModels {
  readonly provider: string;
  /** The first one, where it chooses among several. */
  readonly model: string;
  /** Undefined: there is nothing to choose. */
  readonly models: readonly ListedModel[] | undefined;
  readonly optimize: Optimize | undefined;
}

/** Its inner form: a `model` of its own comes before `models` of the config. */
export function askedModels(written: WrittenChoice, config: ModelDefaults): AskedModels {
  const provider = written.provider ?? config.provider;
  const list = written.models ?? (written.model === undefined ? config.models : undefined);
  if (list === undefined)
    return { provider, model: written.model ?? config.model, models: undefined, optimize: undefined };
  const models = listed(list, provider);
  const [first] = models.flatMap((one) => ('tier' in one ? [] : [one]));
  return {
    provider: first?.provider ?? provider,
    model: first?.model ?? config.model,
    models,
    optimize: written.optimize ?? config.optimize,
  };
}

function listed(list: WrittenModels, provider: string): readonly ListedModel[] {
  if (typeof list === 'string') return [{ tier: list }];
  return list.map((one) => {
    if (typeof one === 'string') return { provider, model: one };
    return 'tier' in one ? one : { provider: one.provider ?? provider, model: one.model };
  });
}

/**
 * The models that a call may be made with, the best first, each once. Of a call that names one model, that.
 *
 * @throws FermataError `tierMissing` where the configuration has no such tier
 */
export function rankedModels(
  { provider, model: first, models }: Pick<AskedModels, 'provider' | 'model' | 'models'>,
  tiers: Tiers,
): readonly RankedModel[] {
  if (models === undefined) return [{ provider, model: first, rank: 0 }];
  const found = new Map<string, RankedModel>();
  for (const [rank, one] of models.entries()) {
    const all = 'tier' in one ? tierOf(tiers, one.tier) : [one];
    for (const each of all) {
      const key = JSON.stringify([each.provider, each.model]);
      if (!found.has(key)) found.set(key, { ...each, rank });
    }
  }
  return [...found.values()];
}

/** The models of a tier. Throws `tierMissing`. */
export function tierOf(tiers: Tiers, wanted: string): readonly { readonly provider: string; readonly model: string }[] {
  const tierModels = Object.hasOwn(tiers, wanted) ? tiers[wanted] : undefined;
  if (tierModels === undefined) {
    const known = Object.keys(tiers);
    const names = known.map((one) => JSON.stringify(one)).join(', ');
    const list = known.length === 0 ? 'the configuration has none' : `known are ${names}`;
    throw new FermataError(
      'tierMissing',
      `There is no tier ${JSON.stringify(wanted)} of models${didYouMean(wanted, known) || `: ${list}`}. Add it to \`tiers\` of the configuration, or write a list: models: [${JSON.stringify(wanted)}].`,
      { data: { tier: wanted, known } },
    );
  }
  return tierModels.map((one) =>
    typeof one === 'string'
      ? { provider: PROVIDER, model: one }
      : { provider: one.provider ?? PROVIDER, model: one.model },
  );
}
