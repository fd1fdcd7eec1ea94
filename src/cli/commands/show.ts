/** `fermata show RUN`: a run and its tasks as they stand. */
import type { FermataClient, Run, Task } from '../../client/index.ts';
import { budgetText } from '../budget.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { SCRIPTED_TAG } from '../demo/script.ts';
import { money } from '../money.ts';
import { allTasks, outputText, summary } from '../report.ts';
import { etaText } from '../eta.ts';
import type { Shell } from '../shell.ts';
import { choiceTable } from '../choice-lines.ts';
import { childLines, parentLine } from '../children.ts';
import { columns, firstLine, printable } from '../text.ts';

type Shared = Awaited<ReturnType<FermataClient['shared']>>;

/** More of them are not shown. */
const MOST_SHARED = 100;

export const addShow: AddCommand = (program, { shell }) => {
  program
    .command('show')
    .summary('show a run and its tasks')
    .argument('<run>', 'its id')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (runId: string, options: ConnectionOptions & { readonly json: boolean }) => {
      await withConnection(shell, options, 'looks', async ({ client }) => {
        const run = await client.run(runId);
        const tasks = await allTasks(client, runId);
        const shared = await client.shared(runId, { limit: String(MOST_SHARED) });
        if (options.json) return shell.out(JSON.stringify({ ...run, tasks, nextCursor: null, shared: shared.items }));
        showRun(shell, run, tasks);
        showShared(shell, runId, shared);
      });
    });
};

function showRun(shell: Shell, run: Run, tasks: readonly Task[]): void {
  const { runId, workflow, machine, tags, status, progress, reason, state, output, createdAt, startedAt, endedAt } =
    run;
  const { forkedFrom, forks } = run;
  const about: [string, string | undefined][] = [
    ['run', runId],
    ['workflow', workflow === null ? undefined : `${workflow.name}, version ${workflow.version}`],
    ['machine', workflow === null ? machine : undefined],
    ['begun by', parentLine(run)],
    ['models', tags.includes(SCRIPTED_TAG) ? 'scripted, as it began with --demo' : undefined],
    ['status', workflow === null ? status : `${status}, ${progress} %`],
    ['reason', reason?.message],
    ['forked from', forkedFrom === undefined ? undefined : forkText(forkedFrom)],
    ['forks', forks.length === 0 ? undefined : forks.map((fork) => `${fork.runId} (${fork.status})`).join(', ')],
    ['state', state === undefined ? undefined : JSON.stringify(state)],
    ['created', createdAt],
    ['started', startedAt ?? undefined],
    ['ended', endedAt ?? undefined],
    ['left', etaText(run)],
    [
      'cost',
      run.withChildren === undefined
        ? undefined
        : `${money(run)} by itself, ${money(run.withChildren)} with the runs below it`,
    ],
    ['cache', run.cache === undefined ? undefined : cacheText(run.cache)],
    ['budget', run.budget === undefined ? undefined : budgetText(run.budget)],
    ['sum', summary(run, tasks) || undefined],
  ];
  shell.out(columns(about.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]]))));
  if (tasks.length > 0)
    shell.out(`\n${columns([['TASK', 'STATUS', 'TRIES', 'COST', 'SAYS'], ...rows(tasks, shell.columns)])}`);
  const choices = choiceTable(tasks, shell.columns);
  if (choices !== '') shell.out(`\n${choices}`);
  const children = childLines(run);
  if (children.length > 1) shell.out(`\n${columns(children)}`);
  if (status === 'completed') shell.out(`\n${outputText(output)}`);
}

function cacheText({ hits, misses, costSavedDollars }: NonNullable<Run['cache']>): string {
  return `${hits} of ${hits + misses} answers were kept, which saved ${money({ costDollars: costSavedDollars })}`;
}

function showShared(shell: Shell, runId: string, { items, nextCursor }: Shared): void {
  if (items.length === 0) return;
  const rows = items.map(({ key, revision, by, value, reused }) => [
    printable(key),
    String(revision),
    `${printable(by)}${reused === undefined ? '' : ' (reused)'}`,
    firstLine(value, Math.floor(shell.columns / 2)),
  ]);
  const more = nextCursor === null ? '' : `\n… and more: GET /api/v1/runs/${runId}/shared`;
  shell.out(`\n${columns([['SHARED', 'REVISION', 'BY', 'VALUE'], ...rows])}${more}`);
}

/** A line for each task; of a task with many items, for those that went wrong, and one for the others. */
function rows(tasks: readonly Task[], width: number): string[][] {
  const hidden = new Set<Task>();
  const instead = new Map<Task, string[]>();
  for (const [owner, items] of Map.groupBy(tasks, itemsOf)) {
    if (owner === undefined || items.length <= MOST_ITEMS) continue;
    const told = new Set(items.filter(({ status }) => OF_INTEREST.has(status)).slice(0, MOST_ITEMS));
    const others = items.filter((item) => !told.has(item));
    const counts = [...Map.groupBy(others, ({ status }) => status)].map(([status, of]) => `${of.length} ${status}`);
    for (const item of others) hidden.add(item);
    const [first] = others;
    if (first !== undefined)
      instead.set(first, [`${printable(owner)}[…]`, '', '', '', `${counts.join(', ')} (--json lists them)`]);
  }
  return tasks.flatMap((task) => {
    const line = instead.get(task) ?? (hidden.has(task) ? undefined : row(task, width));
    return line === undefined ? [] : [line];
  });
}

const MOST_ITEMS = 20;
const OF_INTEREST: ReadonlySet<string> = new Set(['failed', 'timedOut', 'rejected', 'awaitingApproval', 'inDoubt']);

/** The task whose item it is. */
function itemsOf({ name, parent }: Task): string | undefined {
  return parent !== undefined && name.startsWith(`${parent}[`) ? parent : undefined;
}

function row(task: Task, width: number): string[] {
  const { name, status, attempts, output, error, reason, warning, reused, edited } = task;
  const says = status === 'completed' ? (warning ?? output) : (error?.message ?? reason ?? '');
  const tries = reused === undefined ? (edited === undefined ? String(attempts) : 'edited') : 'reused';
  return [printable(name), status, tries, costOf(task), firstLine(says, Math.floor(width / 2))];
}

/** Nothing where nothing is paid for. */
function costOf({ costDollars, unknownCalls = 0 }: Task): string {
  return costDollars === 0 && unknownCalls === 0 ? '' : money({ costDollars, unknownCalls });
}

/** `01J… at task "plan", edited: plan; before it 01H…`. */
function forkText({ runId, fromTask, atSeq, task, edits, ancestors }: NonNullable<Run['forkedFrom']>): string {
  const point =
    fromTask !== undefined
      ? `at task ${JSON.stringify(fromTask)}`
      : atSeq !== undefined
        ? `at fact ${atSeq}`
        : task !== undefined
          ? `to try task ${JSON.stringify(task)} again`
          : 'to try again what did not complete';
  const edited = Object.keys(edits);
  const before = ancestors.slice(1);
  return [
    `${runId} ${point}`,
    ...(edited.length === 0 ? [] : [`, edited: ${edited.join(', ')}`]),
    ...(before.length === 0 ? [] : [`; that one takes over from ${before.join(', ')}`]),
  ].join('');
}
