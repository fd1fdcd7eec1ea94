/**
 * The workflow document as its author writes it, in JSON, YAML or with the builder: one schema, from which types,
 * validation and the OpenAPI description come. What later versions bring is in `unsupported.ts`.
 */
import { z } from 'zod';

/** Bounds of a document. Lengths are in characters, times in seconds. */
export const LIMITS = {
  tasks: 100_000,
  nameLength: 200,
  promptLength: 1_000_000,
  /** Reading YAML takes about half a microsecond for each character, in which nothing else goes on; JSON a fiftieth. */
  yamlLength: 2_000_000,
  breadth: 1_000,
  maxRetries: 10,
  shortestSeconds: 0.001,
  /** 30 years: every date that comes of it is one that JavaScript can hold. */
  longestSeconds: 1e9,
} as const;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why a text cannot be a name, or undefined. Names stand in addresses and URLs, so lone surrogates are out too. */
function nameFault(name: string): string | undefined {
  const length = Array.from(name).length;
  if (length === 0) return 'must not be empty';
  if (length > LIMITS.nameLength) return `expected at most ${LIMITS.nameLength} characters, came ${length}`;
  // in a URL they would be folded away: cancelling the task would cancel the run
  if (name === '.' || name === '..') return `must not be "." or "..", came ${JSON.stringify(name)}`;
  if (name.includes('/')) return `must not contain "/", came ${JSON.stringify(name)}`;
  if (CONTROL.test(name)) return `must not contain control characters, came ${JSON.stringify(name)}`;
  if (!name.isWellFormed()) return `must be well-formed Unicode, came ${JSON.stringify(name)}`;
  return undefined;
}

const name = z
  .string()
  .superRefine((value, context) => {
    const fault = nameFault(value);
    if (fault !== undefined) context.addIssue(fault);
  })
  .meta({ minLength: 1, maxLength: LIMITS.nameLength, pattern: '^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f-\\u009f]+$' });

const words = z.string().max(LIMITS.promptLength);
const prompt = words.regex(/\S/, 'must not be empty');
const tags = z.array(name).max(100);
const seconds = z.number().min(LIMITS.shortestSeconds).max(LIMITS.longestSeconds);
const tokens = z.int().min(1).max(100_000_000);
const anyJson = z.record(z.string(), z.unknown());
const maxRetries = z.int().min(0).max(LIMITS.maxRetries);
const onReject = z.enum(['skip', 'cancel', 'fail']);

const retry = z.strictObject({
  maxRetries: maxRetries.default(3).describe('Attempts after the first'),
  initialSeconds: seconds.default(1),
  factor: z.number().min(1).max(100).default(2),
  maxSeconds: seconds.default(60),
});

const approval = z.strictObject({
  prompt: prompt.optional(),
  timeoutSeconds: seconds.optional(),
  onReject: onReject.default('fail'),
});

/** The fields that tasks of every kind take. */
export const commonFields = {
  name: name.describe('Unique in the document'),
  description: words.optional().describe('Liquid; what progress shows instead of the name'),
  dependsOn: z.array(z.string()).default([]),
  requiresApproval: z.boolean().optional(),
  approvalPrompt: prompt.optional().describe('Liquid; what the person is asked'),
  approvalTimeoutSeconds: seconds.optional(),
  onReject: onReject.optional(),
  approval: approval.optional().describe('Long form of requiresApproval, approvalPrompt, …'),
  retry: retry.prefault({}),
  maxRetries: maxRetries.optional().describe('Short form of retry.maxRetries'),
  timeoutSeconds: seconds.default(120).describe('Of each attempt'),
  onInDoubt: z.enum(['retry', 'ask', 'fail']).default('retry').describe('What to do with a call that a crash cut off'),
  estimatedDurationSeconds: seconds.optional(),
  expectedOutputTokens: tokens.optional(),
  tags: tags.default([]),
  metadata: anyJson.default({}),
};

/** A task that is a model call: the one without `kind`. */
export const modelTaskSchema = z.strictObject({
  ...commonFields,
  prompt: prompt.describe('Liquid over `input` and `tasks.NAME.output`'),
  system: prompt.optional().describe('Liquid'),
  provider: name.optional().describe('Default: that of the config'),
  model: name.optional().describe('Default: that of the config'),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: tokens.optional(),
  minOutputTokens: tokens.optional(),
  responseFormat: z.union([z.enum(['text', 'json']), z.strictObject({ schema: anyJson })]).default('text'),
});

/** A task that calls a registered function. */
export const codeTaskSchema = z.strictObject({
  ...commonFields,
  kind: z.literal('code'),
  function: name.describe('Name under which the function is registered'),
  input: anyJson.default({}).describe('Texts are CEL expressions, other values stand for themselves'),
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
    .array(z.union([modelTaskSchema, codeTaskSchema]))
    .min(1)
    .max(LIMITS.tasks),
});

/** A document as written. */
export type WorkflowDocument = z.input<typeof documentSchema>;
/** A task as written. */
export type WorkflowTask = WorkflowDocument['tasks'][number];
/** A document with its defaults in place, but still with its short forms: what `normalise.ts` starts from. */
export type CheckedDocument = z.output<typeof documentSchema>;
/** A task of a `CheckedDocument`. */
export type CheckedTask = CheckedDocument['tasks'][number];
