/** The fields that tasks of every kind take, what fields are made of, and their bounds. */
import { z } from 'zod';
import { DEFAULT_RETRY } from './definition.ts';

/** Bounds of a document. Lengths are in characters, times in seconds. */
export const LIMITS = {
  tasks: 100_000,
  nameLength: 200,
  promptLength: 1_000_000,
  /** Reading YAML takes about half a microsecond for each character, in which nothing else goes on; JSON a fiftieth. */
  yamlLength: 2_000_000,
  breadth: 1_000,
  /** Tasks that one task may add. */
  added: 1_000,
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

export const name = z
  .string()
  .superRefine((value, context) => {
    const fault = nameFault(value);
    if (fault !== undefined) context.addIssue(fault);
  })
  .meta({ minLength: 1, maxLength: LIMITS.nameLength, pattern: '^(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f-\\u009f]+$' });

export const words = z.string().max(LIMITS.promptLength);
export const prompt = words.regex(/\S/, 'must not be empty');
export const tags = z.array(name).max(100);
export const seconds = z.number().min(LIMITS.shortestSeconds).max(LIMITS.longestSeconds);
export const tokens = z.int().min(1).max(100_000_000);
export const anyJson = z.record(z.string(), z.unknown());
const maxRetries = z.int().min(0).max(LIMITS.maxRetries);
const onReject = z.enum(['skip', 'cancel', 'fail']);

/** How often and when a failed attempt is repeated. */
const retryFields = z.strictObject({
  maxRetries: maxRetries.default(DEFAULT_RETRY.maxRetries).describe('Attempts after the first'),
  initialSeconds: seconds.default(DEFAULT_RETRY.initialSeconds),
  factor: z.number().min(1).max(100).default(DEFAULT_RETRY.factor),
  maxSeconds: seconds.default(DEFAULT_RETRY.maxSeconds),
});

const approval = z.strictObject({
  prompt: prompt.optional(),
  timeoutSeconds: seconds.optional(),
  onReject: onReject.default('fail'),
});

/** A condition: CEL, or a registered predicate (`condition.ts`). */
export const condition = z.union(
  [words.regex(/\S/, 'must not be empty'), z.strictObject({ predicate: name })],
  'expected CEL as a text, or { predicate: NAME }',
);
/** Why a text cannot be the key of a shared value, or undefined. */
export function sharedKeyFault(key: string): string | undefined {
  const length = Array.from(key).length;
  // CEL finds nothing under it, and objects of JavaScript mean something else by it
  if (key === '__proto__') return 'must not be "__proto__", which expressions cannot read';
  if (length < 1 || length > LIMITS.nameLength) return `expected 1 to ${LIMITS.nameLength} characters, came ${length}`;
  if (CONTROL.test(key)) return `must not contain control characters, came ${JSON.stringify(key)}`;
  return key.isWellFormed() ? undefined : `must be well-formed Unicode, came ${JSON.stringify(key)}`;
}

const outputs = z.strictObject({
  shared: z
    .record(z.string(), z.unknown())
    .describe('By key: a text is CEL over `result`, the output of the task; another value stands for itself'),
});
const listOf = (names: z.ZodType<string, string>) => z.array(names).max(1_000).default([]);

/** What tasks may name that come of an answer (`allowance.ts`). */
export const allow = z.strictObject({
  functions: listOf(name).describe('Registered functions that they may call'),
  workflows: listOf(name).describe('Workflows that they may run: NAME or NAME@VERSION, as they may write it'),
  providers: listOf(name).describe('Beside that of the task and of the config'),
  models: listOf(name).describe('Beside that of the task and of the config'),
  shared: listOf(z.string()).describe('Keys of shared values that they may write'),
  tasks: z
    .array(z.string())
    .max(1_000)
    .optional()
    .describe('Tasks of the run that they may need and read; left out: any. Those added with them they always may'),
});

/** What tasks of an answer may name, complete. */
export type Allowance = z.output<typeof allow>;

const onComplete = z.strictObject({
  addTasks: name.describe('fromOutput: the output holds { tasks: […] }; else the name of a registered function'),
  dynamicTaskLimit: z.int().min(1).max(LIMITS.added).default(10).describe('Tasks that it may add'),
  maxDynamicDepth: z.int().min(1).max(100).optional().describe('Of additions by added tasks; default: config.depth'),
  onLimit: z.enum(['truncate', 'fail']).default('truncate').describe('What to do with more than that'),
  allow: allow
    .optional()
    .describe(
      'What the added tasks may name. Left out: anything, of a code task or a function; else nothing of the kind',
    ),
  join: z.boolean().default(true).describe('What depends on this task waits for the added ones too'),
});

/** Every kind takes these. */
export const commonFields = {
  name: name.describe('Unique in the document'),
  description: words.optional().describe('Liquid; what progress shows instead of the name'),
  dependsOn: z.array(z.string()).default([]),
  when: condition.optional().describe('CEL, or { predicate: NAME }: the task is skipped where it is false'),
  skipPolicy: z
    .enum(['run', 'cascade'])
    .default('run')
    .describe('What depends on the task where it is skipped: runs without its output, or is skipped as well'),
  requiresApproval: z.boolean().optional(),
  approvalPrompt: prompt.optional().describe('Liquid; what the person is asked'),
  approvalTimeoutSeconds: seconds.optional(),
  onReject: onReject.optional(),
  approval: approval.optional().describe('Long form of requiresApproval, approvalPrompt, …'),
  retry: retryFields.prefault({}),
  maxRetries: maxRetries.optional().describe('Short form of retry.maxRetries'),
  onInDoubt: z.enum(['retry', 'ask', 'fail']).default('retry').describe('What to do with a call that a crash cut off'),
  cancelWhen: words
    .regex(/\S/, 'must not be empty')
    .optional()
    .describe('CEL: the task is stopped, or skipped, as soon as it is true; asked again when a shared value changes'),
  outputs: outputs.optional().describe('What of its output other tasks of the run see as `shared`'),
  onComplete: onComplete.optional().describe('Adds tasks to the run when this one completes'),
  estimatedDurationSeconds: seconds.optional(),
  expectedOutputTokens: tokens.optional(),
  tags: tags.default([]),
  metadata: anyJson.default({}),
};
