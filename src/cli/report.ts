/** What a run came to: its output on standard output; reason, tokens and time on standard error. */
import type { FermataClient, RunResults, Task } from '../client/index.ts';
import type { Shell } from './shell.ts';
import { SCRIPTED_TAG } from './demo/script.ts';
import { money } from './money.ts';
import { duration, printable } from './text.ts';

type Run = Awaited<ReturnType<FermataClient['run']>>;

const PAGE = '1000';

/** How a report is shown. */
export interface ReportOptions {
  readonly runId: string;
  /** One JSON object on standard output, and nothing else. */
  readonly json: boolean;
}

/** Shows a run that has ended. */
export async function showReport(
  shell: Pick<Shell, 'out' | 'err' | 'style'>,
  client: FermataClient,
  { runId, json }: ReportOptions,
): Promise<{ readonly status: Run['status'] }> {
  const run = await client.run(runId);
  const tasks = await allTasks(client, runId);
  if (json) {
    const { runId: id, workflow, status, reason, progress, output, startedAt, endedAt } = run;
    shell.out(
      JSON.stringify({
        runId: id,
        workflow,
        status,
        reason,
        progress,
        output,
        usage: usageOf(tasks),
        costDollars: run.costDollars,
        unknownCalls: run.unknownCalls,
        ...(run.withChildren === undefined ? {} : { withChildren: run.withChildren }),
        startedAt,
        endedAt,
        tasks,
      }),
    );
    return run;
  }
  if (run.status === 'completed') shell.out(outputText(run.output));
  else
    shell.err(
      shell.style('red', printable(`Run ${runId} ${run.status}: ${run.reason?.message ?? 'no reason was given'}`)),
    );
  shell.err(shell.style('dim', summary(run, tasks)));
  return run;
}

/** A text as it is, everything else as JSON. */
export function outputText(output: unknown): string {
  return typeof output === 'string' ? output : (JSON.stringify(output, undefined, 2) ?? '');
}

/** Tokens of all tasks; what a provider did not count is left out, and `complete` says so. */
function usageOf(tasks: readonly Pick<Task, 'usage' | 'model' | 'cacheHit' | 'unknownCalls'>[]): {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly complete: boolean;
} {
  let [inputTokens, outputTokens] = [0, 0];
  for (const { usage } of tasks) {
    inputTokens += usage?.inputTokens ?? 0;
    outputTokens += usage?.outputTokens ?? 0;
  }
  // A task that a model answered names it; where the answer was kept from before, none was asked.
  return {
    inputTokens,
    outputTokens,
    complete: tasks.every(
      ({ usage, model, cacheHit, unknownCalls = 0 }) =>
        usage !== null || model === undefined || (cacheHit && unknownCalls === 0),
    ),
  };
}

const WORDS = {
  skipped: 'skipped',
  failed: 'failed',
  timedOut: 'timed out',
  rejected: 'rejected',
  cancelled: 'cancelled',
} as const;
const OTHER_ENDS = Object.keys(WORDS) as (keyof typeof WORDS)[];

/** `5 of 7 tasks (2 skipped) · 812 tokens in, 240 out · $0.00026 · 4.2 s`. */
export function summary(
  run: Pick<Run, 'taskCounts' | 'tags' | 'startedAt' | 'endedAt' | 'costDollars' | 'unknownCalls' | 'withChildren'>,
  tasks: readonly Task[],
): string {
  const { total, completed } = run.taskCounts;
  const others = OTHER_ENDS.flatMap((end) =>
    run.taskCounts[end] === 0 ? [] : [`${run.taskCounts[end]} ${WORDS[end]}`],
  );
  const { inputTokens, outputTokens, complete } = usageOf(tasks);
  return [
    ...(total === 0 ? [] : [`${completed} of ${total} tasks${others.length === 0 ? '' : ` (${others.join(', ')})`}`]),
    ...(inputTokens + outputTokens === 0
      ? []
      : [`${complete ? '' : 'at least '}${inputTokens} tokens in, ${outputTokens} out`]),
    ...costOf(run),
    ...(run.startedAt === null || run.endedAt === null
      ? []
      : [duration(Date.parse(run.endedAt) - Date.parse(run.startedAt))]),
  ].join(' · ');
}

/** What it cost, where a model was asked; what it would have, where that was scripted. */
function costOf({ tags, withChildren, ...run }: Parameters<typeof summary>[0]): string[] {
  const spent = withChildren ?? run;
  if (spent.costDollars === 0 && spent.unknownCalls === 0) return [];
  return [`${tags.includes(SCRIPTED_TAG) ? 'would cost' : 'cost'} ${money(spent)}`];
}

/** Every task of a run, in document order. */
export async function allTasks(client: Pick<FermataClient, 'results'>, runId: string): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let cursor: string | undefined; ;) {
    const page: RunResults = await client.results(runId, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    tasks.push(...page.tasks);
    if (page.nextCursor === null) return tasks;
    cursor = page.nextCursor;
  }
}
