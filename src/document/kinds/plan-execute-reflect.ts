/**
 * A task that works towards a goal in rounds: a model proposes tasks, they run, a model says whether the goal is reached.
 * `machines/plan-execute-reflect.ts` decides what comes next; what it adds to the run is written here.
 */
import { z } from 'zod';
import { CALL_SECONDS } from '../definition.ts';
import { allow, commonFields, LIMITS, prompt, seconds, type Allowance } from '../fields.ts';
import { renderPrompt } from '../prompt.ts';
import type { Scope } from '../reads.ts';
import { isRecord } from '../json.ts';
import type { ModelDefaults } from '../models.ts';
import { modelTaskSchema, type ResponseFormat } from './model.ts';
import { textAt, type Placed, type Places } from './places.ts';

const { system, provider, model, models, optimize, temperature, maxOutputTokens, responseFormat } =
  modelTaskSchema.shape;

/** As it is written. What it says of model calls holds for each of its calls. */
export const planExecuteReflectTaskSchema = z.strictObject({
  ...commonFields,
  timeoutSeconds: seconds.optional().describe('From its first plan to its answer'),
  kind: z.literal('planExecuteReflect'),
  goal: prompt.describe('Liquid over `input` and `tasks.NAME.output`'),
  depth: z.int().min(1).max(100).optional().describe('Rounds at most; default: config.depth'),
  breadth: z
    .int()
    .min(1)
    .max(LIMITS.breadth)
    .optional()
    .describe('Proposed tasks at once; never more than config.breadth'),
  dynamicTaskLimit: z.int().min(1).max(LIMITS.added).default(10).describe('Tasks of one plan'),
  onLimit: z.enum(['truncate', 'fail']).default('truncate').describe('What to do with a plan of more than that'),
  // Its plans hold calls, and of the run they need nothing but what they proposed themselves.
  allow: allow
    .omit({ workflows: true, tasks: true })
    .optional()
    .describe('What the tasks of its plans may name, beside the models and providers of its own'),
  prompts: z
    .strictObject({ plan: prompt.optional(), reflect: prompt.optional(), answer: prompt.optional() })
    .default({})
    .describe('Liquid; in place of the built-in ones'),
  system: system.describe('Liquid; of its own calls, not of the tasks that it proposes'),
  provider,
  model,
  models,
  optimize,
  temperature,
  maxOutputTokens,
  responseFormat: responseFormat.describe('Of the answer'),
});

type Written = z.output<typeof planExecuteReflectTaskSchema>;

/** What the prompts of such a task see, beside `input` and `tasks`. */
const ROUND_VARIABLES = [
  'goal',
  'round',
  'depth',
  'breadth',
  'taskLimit',
  'steps',
  'missing',
  'done',
  'functions',
] as const;

/** One of them. */
export type RoundVariable = (typeof ROUND_VARIABLES)[number];

/** The calls that it makes itself. */
const PHASES = ['plan', 'reflect', 'answer'] as const;
/** One of them. */
export type Phase = (typeof PHASES)[number];

/** Such a task, complete. `Task` is the inner form of a task. */
export interface PlanExecuteReflectSpec<Task> {
  readonly kind: 'planExecuteReflect';
  /** Liquid. */
  readonly goal: string;
  readonly depth: number;
  /** Undefined: as many as the run has at once. */
  readonly breadth: number | undefined;
  readonly dynamicTaskLimit: number;
  readonly onLimit: 'truncate' | 'fail';
  /** What the tasks of its plans may name; undefined: nothing that is not its own. */
  readonly allow: Allowance | undefined;
  /** Its calls, but for their names and places. */
  readonly phases: Readonly<Record<Phase, Task>>;
  /** What a proposed task has that says nothing of it: one that is a model call, and any. */
  readonly defaults: {
    readonly model: Readonly<Record<string, unknown>>;
    readonly any: Readonly<Record<string, unknown>>;
  };
  /** The answer of a reflection will do: the author asks for nothing that it would not fulfil. */
  readonly reflectionAnswers: boolean;
}

/** Such a task, ready to begin. */
export interface PreparedPlanExecuteReflect {
  readonly kind: 'planExecuteReflect';
  readonly goal: string;
  readonly depth: number;
  readonly reflectionAnswers: boolean;
}

/** What a plan looks like. Whether its tasks can join the run is checked afterwards, as of every task that joins. */
const PLAN_SCHEMA = {
  type: 'object',
  properties: {
    tasks: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          prompt: { type: 'string' },
          dependsOn: { type: 'array', items: { type: 'string' } },
        },
        required: ['name', 'prompt', 'dependsOn'],
        additionalProperties: false,
      },
    },
  },
  required: ['tasks'],
  additionalProperties: false,
} as const;

/** What a reflection says. */
const REFLECTION_SCHEMA = {
  type: 'object',
  properties: {
    done: { type: 'boolean' },
    answer: { type: ['string', 'null'] },
    next: { type: ['string', 'null'] },
  },
  required: ['done', 'answer', 'next'],
  additionalProperties: false,
} as const;

const STEPS = `{% for step in steps %}
## {{ step.name }} (round {{ step.round }}, {{ step.status }})
Asked: {{ step.prompt }}
{% if step.status == "completed" %}Result: {{ step.output }}{% elsif step.error %}It gave no result: {{ step.error }}{% else %}It gave no result.{% endif %}
{% endfor %}`;

/** The built-in prompts. Each begins with words that tell it from others. */
const ROUND_PROMPTS: Readonly<Record<Phase, string>> = {
  plan: `Plan the next tasks towards a goal. This is round {{ round }} of at most {{ depth }}.

# Goal
{{ goal }}
{% if steps.size > 0 %}
# What was done so far
${STEPS}{% endif %}{% if missing %}
# What is still missing
{{ missing }}
{% endif %}
# Your answer
JSON: {"tasks": [{"name": "…", "prompt": "…", "dependsOn": ["…"]}]}, at most {{ taskLimit }} tasks; up to {{ breadth }} of them run at once.
- Each task is one question to a language model, which sees nothing but the prompt: no goal, no other task. Say in it all that it needs.
- Names are short and differ from each other{% if steps.size > 0 %} and from those above{% endif %}.
- "dependsOn" names the tasks whose results a task needs; they come before it, and their results are put below its prompt. Leave it empty where there are none: such tasks run side by side.
- Do not repeat what is done. Where nothing is left to do, answer with no tasks.`,
  reflect: `Judge whether a goal is reached. This was round {{ round }} of at most {{ depth }}.

# Goal
{{ goal }}

# What was done
${STEPS}
# Your answer
JSON: {"done": true or false, "answer": text or null, "next": text or null}
- "done": whether the results are enough for a good answer to the goal. A task that gave no result may be missing, or may not matter.
- "next", where it is not done: what exactly is still missing, for whoever plans the next round; else null.
- "answer", where it is done and the whole answer fits into a sentence or two: that answer; else null, and it is written in a step of its own.`,
  answer: `Answer a goal from what was found out.

# Goal
{{ goal }}

# What was found out
${STEPS}{% if done == false %}
The work ended before everything was found out.{% if missing %} Still missing: {{ missing }}{% endif %} Answer as well as this allows, and say what is missing.
{% endif %}
Write the answer to the goal itself, not about the tasks.`,
};

/** Its inner form; `inner` gives that of a task inside of it. */
export function planExecuteReflectSpec<Task>(
  task: Written,
  config: ModelDefaults & { readonly depth: number },
  inner: (task: z.output<typeof modelTaskSchema>) => Task,
): PlanExecuteReflectSpec<Task> {
  const { goal, breadth, dynamicTaskLimit, onLimit, prompts, retry, maxRetries, onInDoubt } = task;
  const calls = {
    provider: task.provider ?? config.provider,
    ...asked(task, config),
    ...(task.temperature === undefined ? {} : { temperature: task.temperature }),
    ...(task.maxOutputTokens === undefined ? {} : { maxOutputTokens: task.maxOutputTokens }),
  };
  const tries = { retry: maxRetries === undefined ? retry : { ...retry, maxRetries }, onInDoubt };
  const phase = (name: Phase, format: ResponseFormat): Task =>
    inner({
      ...calls,
      ...tries,
      ...(task.system === undefined ? {} : { system: task.system }),
      name,
      prompt: prompts[name] ?? ROUND_PROMPTS[name],
      responseFormat: format,
      timeoutSeconds: CALL_SECONDS,
      dependsOn: [],
      skipPolicy: 'run',
      tags: task.tags,
      metadata: {},
    });
  return {
    kind: 'planExecuteReflect',
    goal,
    depth: task.depth ?? config.depth,
    breadth,
    dynamicTaskLimit,
    onLimit,
    allow: task.allow && { ...task.allow, workflows: [] },
    phases: {
      // Who writes the prompt may ask for more than the built-in one does, such as functions.
      plan: phase('plan', prompts.plan === undefined ? { schema: PLAN_SCHEMA } : 'json'),
      reflect: phase('reflect', { schema: REFLECTION_SCHEMA }),
      answer: phase('answer', task.responseFormat),
    },
    defaults: { model: calls, any: tries },
    reflectionAnswers: prompts.answer === undefined && task.responseFormat === 'text',
  };
}

/** Whom its calls ask, as their author would write it. */
function asked(
  task: Written,
  config: ModelDefaults,
): Pick<z.output<typeof modelTaskSchema>, 'model' | 'models' | 'optimize'> {
  const list = task.models ?? (task.model === undefined ? config.models : undefined);
  if (list === undefined) return { model: task.model ?? config.model };
  return { models: list, ...(task.optimize === undefined ? {} : { optimize: task.optimize }) };
}

/** Where it reads. */
export const planExecuteReflectPlaces: Places = (task, path) => {
  const { prompts } = task;
  const own = isRecord(prompts) ? PHASES.flatMap((phase) => textAt(prompts, [...path, 'prompts'], phase)) : [];
  const ofRounds = (placed: readonly Placed[]): readonly Placed[] =>
    placed.map((one) => ({ ...one, variables: ROUND_VARIABLES }));
  return {
    templates: [...textAt(task, path, 'goal'), ...textAt(task, path, 'system'), ...ofRounds(own)],
    expressions: [],
  };
};

/** Throws `promptFailed`. */
export function preparePlanExecuteReflect(
  { goal, depth, reflectionAnswers }: PlanExecuteReflectSpec<unknown>,
  scope: Scope,
): PreparedPlanExecuteReflect {
  return { kind: 'planExecuteReflect', goal: renderPrompt(goal, scope), depth, reflectionAnswers };
}
