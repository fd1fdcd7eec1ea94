/**
 * The workflow document as its author writes it, in JSON, YAML or with the builder: one schema, from which types,
 * validation and the OpenAPI description come. Each kind of task has a file in `kinds/`; what later versions bring is in
 * `unsupported.ts`.
 */
import { z } from 'zod';
import { priceOverridesSchema } from '../cost/price-overrides.ts';
import { MOST_DOLLARS } from '../cost/money.ts';
import { cacheFields } from './answer-cache.ts';
import { anyJson, LIMITS, name, seconds, tags, words } from './fields.ts';
import { TASK_SCHEMAS, type CheckedTask } from './kinds/index.ts';
import { modelList, optimize } from './models.ts';

/** Dollars of a budget: a billionth at the least, since there is no smaller amount. */
const dollars = z.number().min(1e-9).max(MOST_DOLLARS);

const budget = z
  .strictObject({
    maxCostDollars: dollars.describe('What the model calls of a run may cost together, in US dollars'),
    warnAtDollars: dollars.optional().describe('Above this people are warned, once'),
  })
  .refine(({ maxCostDollars, warnAtDollars }) => warnAtDollars === undefined || warnAtDollars <= maxCostDollars, {
    path: ['warnAtDollars'],
    error: 'Expected at most maxCostDollars: a run that has spent more is over.',
  });

const config = z.strictObject({
  strategy: z.enum(['sequential', 'parallel', 'hybrid']).default('hybrid'),
  breadth: z.int().min(1).max(LIMITS.breadth).default(3).describe('Tasks in flight at once'),
  depth: z.int().min(1).max(100).default(3),
  timeoutSeconds: seconds.optional().describe('Of the whole run'),
  onTaskFailure: z.enum(['stop', 'continue']).default('stop'),
  collectIntermediate: z.boolean().default(true),
  provider: name.default('openai'),
  model: name.default('gpt-4o-mini').describe('Of tasks that name none'),
  models: modelList.optional().describe('Of tasks that name neither model nor models'),
  optimize: optimize.optional(),
  prices: priceOverridesSchema.optional().describe('What models cost, in US dollars for a million tokens'),
  budget: budget.optional(),
  cache: cacheFields.optional().describe('Answers that serve again; default: none do'),
  priority: z.int().default(0).describe('Among runs that wait for the same limit'),
});

/** Every field of a document except its tasks, which `shape.ts` checks one by one, each by its kind. */
export const headFields = {
  name,
  description: words.optional(),
  tags: tags.default([]),
  input: anyJson.optional().describe("JSON Schema of the run's input"),
  config: config.prefault({}),
};

/** The whole document; `z.toJSONSchema(documentSchema, { io: 'input' })` describes it to others. */
export const documentSchema = z.strictObject({
  ...headFields,
  tasks: z
    .array(
      z.union([
        TASK_SCHEMAS.model,
        TASK_SCHEMAS.code,
        TASK_SCHEMAS.condition,
        TASK_SCHEMAS.map,
        TASK_SCHEMAS.reduce,
        TASK_SCHEMAS.wait,
        TASK_SCHEMAS.planExecuteReflect,
        TASK_SCHEMAS.subworkflow,
      ]),
    )
    .min(1)
    .max(LIMITS.tasks),
});

/** A document as written. */
export type WorkflowDocument = z.input<typeof documentSchema>;
/** A task as written. */
export type WorkflowTask = WorkflowDocument['tasks'][number];
/** A document with its defaults in place, but still with its short forms: what `normalise.ts` starts from. */
export type CheckedDocument = Omit<z.output<typeof documentSchema>, 'tasks'> & {
  readonly tasks: readonly CheckedTask[];
};
