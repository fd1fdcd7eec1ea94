/** What a run would do, as the API shows it. */
import { z } from '@hono/zod-openapi';
import { SOURCES } from '../cost/estimate/figure.ts';
import type { DryRun, Halt } from '../document/dry-run.ts';
import { estimateFields, estimateView, type Limits } from './estimate-view.ts';

const MOST_LISTED = 1_000;

const haltFields = {
  task: z.string(),
  within: z
    .array(z.string())
    .optional()
    .describe('Tasks whose runs it is in, of this run first; left out of a task of this run'),
  perItem: z.literal(true).optional().describe('Once for each item of a list'),
};

/** The fields of a dry run. */
export const dryRunFields = {
  tasksToExecute: z.int().describe('Tasks of the document that may run'),
  skipped: z.array(z.string()).describe('Tasks that will not, as the input decides it; at most 1,000'),
  executionPlan: z
    .array(z.object({ stage: z.int(), tasks: z.array(z.string()), parallel: z.boolean() }))
    .describe('Tasks of a stage need only what earlier stages give; at most 1,000 stages, and names in all'),
  estimatedDurationSeconds: z
    .number()
    .nullable()
    .describe('With no more tasks at once than breadth lets; without those of unknown duration; null: all are unknown'),
  unknownDurations: z
    .int()
    .describe('Tasks whose duration nobody knows, those of sub-workflows too: write estimatedDurationSeconds'),
  durations: z
    .array(z.object({ task: z.string(), seconds: z.number(), from: z.enum(SOURCES) }))
    .describe('Of each task, of a map of each of its items; at most 1,000'),
  criticalPath: z
    .array(z.string())
    .describe('The tasks that decide how long it takes: each begins when the one before it ends, or leaves its place'),
  approvals: z
    .array(
      z.object({
        ...haltFields,
        prompt: z
          .string()
          .optional()
          .describe('As people will read it, where it reads nothing but the input; at most 10,000 characters'),
        isTemplate: z
          .literal(true)
          .optional()
          .describe('The prompt is Liquid as it is written: it reads what only the run finds out'),
        timeoutSeconds: z.number().optional(),
        onReject: z.enum(['skip', 'cancel', 'fail']),
      }),
    )
    .describe('What people will be asked, in the runs of sub-workflows too; at most 1,000'),
  waits: z
    .array(
      z.object({
        ...haltFields,
        seconds: z.number().optional(),
        until: z.string().optional().describe('A date, where the document or the input says it'),
        isExpression: z
          .literal(true)
          .optional()
          .describe('`until` is CEL as it is written: it reads what only the run finds out'),
        event: z.string().optional(),
        timeoutSeconds: z.number().optional(),
      }),
    )
    .describe('What will be waited for, the same; at most 1,000'),
  cost: z.object(estimateFields).openapi('DryRunCost'),
};

/** A dry run as the API shows it. */
export function dryRunView(dryRun: DryRun, limits: Limits = {}): z.infer<z.ZodObject<typeof dryRunFields>> {
  const { estimate, stages, schedule, durations, unknown, approvals, waits, tasks, skipped } = dryRun;
  const isUnknown = schedule.seconds === 0 && unknown > 0;
  return {
    tasksToExecute: tasks,
    skipped: skipped.slice(0, MOST_LISTED),
    executionPlan: planOf(stages),
    estimatedDurationSeconds: isUnknown ? null : Number(schedule.seconds.toFixed(3)),
    unknownDurations: unknown,
    durations: [...durations]
      .slice(0, MOST_LISTED)
      .map(([task, { seconds, from }]) => ({ task, seconds: Number(seconds.toFixed(3)), from })),
    criticalPath: schedule.criticalPath.slice(0, MOST_LISTED),
    approvals: approvals.flatMap(approvalView),
    waits: waits.map(waitView),
    cost: estimateView(estimate, limits),
  };
}

function planOf(stages: DryRun['stages']): { stage: number; tasks: string[]; parallel: boolean }[] {
  let left = MOST_LISTED;
  return stages.slice(0, MOST_LISTED).map((names, index) => {
    const shown = names.slice(0, left);
    left -= shown.length;
    return { stage: index + 1, tasks: shown, parallel: names.length > 1 };
  });
}

function haltView({ spec: { name }, within, isPerItem }: Halt) {
  return {
    task: name,
    ...(within.length === 0 ? {} : { within: [...within] }),
    ...(isPerItem ? { perItem: true as const } : {}),
  };
}

function approvalView(halt: Halt) {
  const { approval } = halt.spec;
  if (approval === undefined) return [];
  const { timeoutSeconds, onReject } = approval;
  const { said } = halt;
  return [
    {
      ...haltView(halt),
      ...(said === undefined ? {} : { prompt: said.text }),
      ...(said?.isAsWritten === true ? { isTemplate: true as const } : {}),
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      onReject,
    },
  ];
}

function waitView(halt: Halt) {
  const { call, timeoutSeconds } = halt.spec;
  const limit = timeoutSeconds === undefined ? {} : { timeoutSeconds };
  if (call.kind !== 'wait') return { ...haltView(halt), ...limit };
  if ('event' in call.for) return { ...haltView(halt), event: call.for.event.type, ...limit };
  if ('seconds' in call.for) return { ...haltView(halt), ...call.for, ...limit };
  const { text, isAsWritten } = halt.said ?? { text: call.for.until, isAsWritten: true };
  return { ...haltView(halt), until: text, ...(isAsWritten ? { isExpression: true as const } : {}), ...limit };
}
