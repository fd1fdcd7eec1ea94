/** Whether everything that a run with a budget asks has a price: else nobody could hold the budget. */
import { FermataError } from '../errors.ts';
import type { BudgetSpec, Definition, TaskSpec } from './definition.ts';
import { rankedModels, type Tiers } from './models.ts';
import type { Price } from './prices.ts';

/** A model, and a task that asks it. */
export interface AskedModel {
  readonly task: string;
  readonly provider: string;
  readonly model: string;
}

/**
 * Throws `priceUnknown` with every model that tasks of a document name and that nobody knows the price of. What a task
 * asks that joins later, or a function, is looked at when it asks: it fails there.
 */
export function assertPriced({ tasks }: Pick<Definition, 'tasks'>, price: Price, tiers: Tiers = {}): void {
  const unknown = new Map<string, AskedModel>();
  for (const among of tasks.flatMap((spec) => choicesOf(spec, spec.name, tiers))) {
    // Where one of several has a price, the others are never asked.
    if (among.some((asked) => price(asked) !== undefined)) continue;
    for (const asked of among) if (!unknown.has(nameOf(asked))) unknown.set(nameOf(asked), asked);
  }
  if (unknown.size === 0) return;
  const faults = [...unknown].map(([name, { task }]) => ({
    path: `tasks.${task}.model`,
    message: `nobody knows what ${name} costs`,
  }));
  const names = [...unknown.keys()].join(', ');
  throw new FermataError(
    'priceUnknown',
    `The run has a budget, and nobody knows what ${names} ${unknown.size === 1 ? 'costs' : 'cost'}: it could not be held. Give the price in \`prices\` of the configuration or in config.prices of the document, or leave the budget out.`,
    { faults, data: { models: [...unknown.values()].map(({ provider, model }) => ({ provider, model })) } },
  );
}

/** The budget of a run that is asked for; undefined where it has none. */
export function budgetOf(
  { budget }: Pick<Definition, 'budget'>,
  asked: { readonly budget?: BudgetSpec | undefined } | undefined,
): BudgetSpec | undefined {
  return asked?.budget ?? budget;
}

/** Models that a task asks, or what it adds by itself. */
export function modelsOf(spec: Pick<TaskSpec, 'call'>, task: string, tiers: Tiers = {}): readonly AskedModel[] {
  return choicesOf(spec, task, tiers).flat();
}

/** The same by call: of each the models that it may be made with. */
function choicesOf({ call }: Pick<TaskSpec, 'call'>, task: string, tiers: Tiers): readonly (readonly AskedModel[])[] {
  switch (call.kind) {
    case 'model':
      return [rankedModels(call, tiers).map(({ provider, model }) => ({ task, provider, model }))];
    case 'map':
    case 'reduce':
      return choicesOf(call.task, task, tiers);
    case 'planExecuteReflect':
      return Object.values(call.phases).flatMap((phase) => choicesOf(phase, task, tiers));
    default:
      return [];
  }
}

function nameOf({ provider, model }: Pick<AskedModel, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}
