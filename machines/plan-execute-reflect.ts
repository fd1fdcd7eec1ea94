/**
 * Work towards a goal in rounds: a plan is asked for, its tasks run, a reflection says whether that is enough; then the
 * next round, or the answer.
 *
 * Invoked by the task whose work this is. It calls nobody itself: plans, proposed tasks, reflections and the answer are
 * tasks of the run, which it asks its task to add. What they gave is prepared data (R2), and only what it decides with.
 *
 * Invariants:
 * - A round begins only while there are rounds left: at most `depth` of them.
 * - A plan that is refused is sent back once in its round.
 * - A plan, a reflection or an answer that fails ends it. A proposed task that fails is for the reflection to judge.
 * - What ended the work other than a reflection that is content is said (`warning`, `limitReached`).
 */
import { assign, sendParent, setup } from 'xstate';
import type { Phase, PreparedPlanExecuteReflect } from '../src/document/kinds/plan-execute-reflect.ts';
import type { ErrorData } from '../src/errors.ts';

/** What the machine is invoked with. */
export interface RoundsInput extends Pick<PreparedPlanExecuteReflect, 'goal' | 'depth' | 'reflectionAnswers'> {
  /** Of its task. */
  readonly name: string;
}

/** What is to be added: a call of its own, or the tasks of a plan. */
export interface RoundAsk {
  readonly phase: Phase | 'execute';
  readonly round: number;
  readonly goal: string;
  /** What the last reflection said is missing. */
  readonly missing: string | null;
  /** What the last reflection said; null where there was none. */
  readonly done: boolean | null;
  /** Why the last plan of this round was refused. */
  readonly refusal?: string;
  /** The tasks as the plan has them. */
  readonly tasks?: unknown;
}

/** What a call gave, as the rows say it (prepared data, R2). */
export type PhaseOutcome = { readonly output: unknown } | { readonly error: ErrorData };

/** What it has come to. */
export type RoundsOutput =
  | {
      readonly value: unknown;
      /** Rounds that were begun. */
      readonly rounds: number;
      readonly limitReached?: true;
      readonly warning?: string;
    }
  | { readonly error: ErrorData };

/** What the machine of rounds knows. */
export interface RoundsContext extends RoundsInput {
  readonly round: number;
  readonly missing: string | null;
  readonly done: boolean | null;
  /** Tasks of the plan while they are being added. */
  readonly plan: unknown;
  readonly refusal: string | null;
  readonly limitReached: boolean;
  readonly warnings: readonly string[];
  readonly value: unknown;
  readonly error: ErrorData | null;
}

type RoundsEvent =
  | {
      readonly type: 'fermata.task.added';
      readonly count: number;
      readonly skipped?: number;
      readonly warning?: string;
    }
  | { readonly type: 'fermata.task.refused'; readonly error: ErrorData }
  | { readonly type: 'fermata.task.joined'; readonly prepared?: PhaseOutcome };

interface Reflection {
  readonly done: boolean;
  readonly answer: string | null;
  readonly next: string | null;
}

function outcomeOf(event: RoundsEvent): PhaseOutcome {
  const found = event.type === 'fermata.task.joined' ? event.prepared : undefined;
  return (
    found ?? { error: { code: 'internal', message: 'A round went on without what its call gave.', retry: 'never' } }
  );
}

function outputOf(event: RoundsEvent): unknown {
  const outcome = outcomeOf(event);
  return 'output' in outcome ? outcome.output : undefined;
}

function proposed(event: RoundsEvent): unknown {
  const { tasks } = (outputOf(event) ?? {}) as { readonly tasks?: unknown };
  return tasks ?? null;
}

function reflectionOf(event: RoundsEvent): Reflection {
  const { done, answer = null, next = null } = (outputOf(event) ?? {}) as Partial<Reflection>;
  return { done: done === true, answer, next };
}

function refusalOf(plan: unknown, { message }: ErrorData): string {
  return `Your last answer was:\n${JSON.stringify({ tasks: plan })}\n\nIts tasks were refused. ${message}\nAnswer again, with this mended.`;
}

/** The machine. */
export const planExecuteReflectMachine = setup({
  types: {} as { context: RoundsContext; input: RoundsInput; output: RoundsOutput; events: RoundsEvent },
  actions: {
    ask: sendParent(({ context }, { phase }: { phase: Phase | 'execute' }) => {
      const { round, goal, missing, done, refusal, plan } = context;
      const ask: RoundAsk = {
        phase,
        round,
        goal,
        missing,
        done,
        ...(phase === 'plan' && refusal !== null ? { refusal } : {}),
        ...(phase === 'execute' ? { tasks: plan } : {}),
      };
      return { type: 'fermata.task.adds', ask };
    }),
    keepPlan: assign({ plan: ({ event }) => proposed(event) }),
    keepAdded: assign(({ context, event }) => ({
      plan: null,
      warnings:
        event.type === 'fermata.task.added' && event.warning !== undefined
          ? [...context.warnings, `Round ${context.round}: ${event.warning}`]
          : context.warnings,
    })),
    keepRefusal: assign(({ context, event }) =>
      event.type === 'fermata.task.refused' ? { plan: null, refusal: refusalOf(context.plan, event.error) } : {},
    ),
    keepReflection: assign(({ event }) => {
      const { done, next } = reflectionOf(event);
      return { done, missing: done ? null : next };
    }),
    nextRound: assign(({ context }) => ({ round: context.round + 1, refusal: null })),
    reachLimit: assign(({ context }) => ({
      limitReached: true,
      warnings: [
        ...context.warnings,
        `The goal was not reached in ${context.depth} rounds${context.missing === null ? '' : `; missing: ${context.missing}`}. Raise depth if that is not enough.`,
      ],
    })),
    runOut: assign(({ context }) => ({
      warnings:
        context.done === false
          ? [...context.warnings, `The plan of round ${context.round} had no tasks, though the goal was not reached.`]
          : context.warnings,
    })),
    answerByReflection: assign({ value: ({ event }) => reflectionOf(event).answer }),
    keepAnswer: assign({ value: ({ event }) => outputOf(event) }),
    keepError: assign(({ context, event }) => {
      if (event.type === 'fermata.task.refused') return { error: event.error };
      const outcome = outcomeOf(event);
      if (!('error' in outcome)) return {};
      const { code, message } = outcome.error;
      const error = {
        code: 'roundFailed',
        retry: 'never' as const,
        message: `Round ${context.round} of task "${context.name}" cannot go on: ${message}`,
        data: { round: context.round, code },
      };
      return { error };
    }),
  },
  guards: {
    // Nothing is over that it waits for: said twice, or of what came before.
    isEarly: ({ event }) => event.type === 'fermata.task.joined' && event.prepared === undefined,
    broken: ({ event }) => 'error' in outcomeOf(event),
    noPlan: ({ event }) => {
      const tasks = proposed(event);
      return Array.isArray(tasks) && tasks.length === 0;
    },
    noneCanRun: ({ event }) => event.type === 'fermata.task.added' && event.count <= (event.skipped ?? 0),
    mayRepair: ({ context }) => context.refusal === null,
    answered: ({ context, event }) => {
      const { done, answer } = reflectionOf(event);
      return done && context.reflectionAnswers && answer !== null && answer.trim() !== '';
    },
    isDone: ({ event }) => reflectionOf(event).done,
    isLastRound: ({ context }) => context.round >= context.depth,
  },
}).createMachine({
  id: 'planExecuteReflect',
  context: ({ input }) => ({
    ...input,
    round: 1,
    missing: null,
    done: null,
    plan: null,
    refusal: null,
    limitReached: false,
    warnings: [],
    value: null,
    error: null,
  }),
  initial: 'planning',
  on: { 'fermata.task.refused': { target: '.failed', actions: 'keepError' } },
  states: {
    planning: {
      meta: { waitsFor: 'plan' },
      entry: { type: 'ask', params: { phase: 'plan' } },
      on: {
        'fermata.task.joined': [
          { guard: 'isEarly' },
          { guard: 'broken', target: 'failed', actions: 'keepError' },
          { guard: 'noPlan', target: 'answering', actions: 'runOut' },
          { target: 'executing', actions: 'keepPlan' },
        ],
      },
    },
    executing: {
      entry: { type: 'ask', params: { phase: 'execute' } },
      initial: 'adding',
      states: {
        adding: {
          meta: { waitsFor: 'run' },
          on: {
            'fermata.task.added': [
              { guard: 'noneCanRun', target: '#planExecuteReflect.reflecting', actions: 'keepAdded' },
              { target: 'waiting', actions: 'keepAdded' },
            ],
            'fermata.task.refused': [
              { guard: 'mayRepair', target: '#planExecuteReflect.planning', actions: 'keepRefusal' },
              { target: '#planExecuteReflect.failed', actions: 'keepError' },
            ],
          },
        },
        waiting: {
          meta: { waitsFor: 'proposed tasks' },
          on: { 'fermata.task.joined': [{ guard: 'isEarly' }, { target: '#planExecuteReflect.reflecting' }] },
        },
      },
    },
    reflecting: {
      meta: { waitsFor: 'reflection' },
      entry: { type: 'ask', params: { phase: 'reflect' } },
      on: {
        'fermata.task.joined': [
          { guard: 'isEarly' },
          { guard: 'broken', target: 'failed', actions: 'keepError' },
          { guard: 'answered', target: 'done', actions: ['keepReflection', 'answerByReflection'] },
          { guard: 'isDone', target: 'answering', actions: 'keepReflection' },
          { guard: 'isLastRound', target: 'answering', actions: ['keepReflection', 'reachLimit'] },
          { target: 'planning', actions: ['keepReflection', 'nextRound'] },
        ],
      },
    },
    answering: {
      meta: { waitsFor: 'answer' },
      entry: { type: 'ask', params: { phase: 'answer' } },
      on: {
        'fermata.task.joined': [
          { guard: 'isEarly' },
          { guard: 'broken', target: 'failed', actions: 'keepError' },
          { target: 'done', actions: 'keepAnswer' },
        ],
      },
    },
    done: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context }) =>
    context.error === null
      ? {
          value: context.value,
          rounds: context.round,
          ...(context.limitReached ? { limitReached: true as const } : {}),
          ...(context.warnings.length === 0 ? {} : { warning: context.warnings.join(' ') }),
        }
      : { error: context.error },
});
