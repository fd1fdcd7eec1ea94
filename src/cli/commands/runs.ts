/** `fermata runs`: runs, newest first. */
import { InvalidArgumentError, Option } from 'commander';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { columns, printable } from '../text.ts';

const STATUSES = ['pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'] as const;
const DEFAULT_LIMIT = '20';

interface RunsOptions extends ConnectionOptions {
  readonly status?: (typeof STATUSES)[number];
  readonly blocked?: true;
  readonly tag?: string;
  readonly limit: string;
  readonly json: boolean;
}

export const addRuns: AddCommand = (program, { shell }) => {
  program
    .command('runs')
    .summary('list runs, newest first')
    .addOption(new Option('--status <status>', 'only those of a status').choices(STATUSES))
    .option(
      '--blocked',
      'only those that cannot go on: quarantined, their machine is missing, their row is damaged, or a call cannot be made here',
    )
    .option('-t, --tag <tags>', 'only those with these tags: a,b')
    .addOption(new Option('--limit <number>', 'at most so many, 1 to 1000').default(DEFAULT_LIMIT).argParser(limitOf))
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (options: RunsOptions) => {
      const { status, blocked, tag, limit, json } = options;
      await withConnection(shell, options, 'looks', async ({ client }) => {
        const filter = {
          limit,
          ...(status === undefined ? {} : { status }),
          ...(blocked === undefined ? {} : { blocked: 'true' as const }),
          ...(tag === undefined ? {} : { tags: tag }),
        };
        const { items, nextCursor } = await client.runs(filter);
        if (json) return shell.out(JSON.stringify({ items, nextCursor }));
        if (items.length === 0) return shell.err('No runs.');
        const hasChildren = items.some((run) => run.parent !== undefined);
        const rows = items.map((run) => [
          run.runId,
          run.blocked === undefined ? run.status : `${run.status} (${run.blocked.code})`,
          run.workflow === null ? '' : `${run.progress} %`,
          run.createdAt,
          printable(run.workflow === null ? run.machine : `${run.workflow.name}@${run.workflow.version}`),
          ...(hasChildren
            ? [run.parent === undefined ? '' : printable(`${run.parent.task} of ${run.parent.runId}`)]
            : []),
        ]);
        const head = ['RUN', 'STATUS', 'DONE', 'CREATED', 'WORKFLOW', ...(hasChildren ? ['BEGUN BY'] : [])];
        shell.out(columns([head, ...rows]));
        if (nextCursor !== null) shell.err(`There are more: --limit ${Number(limit) * 10} shows them.`);
      });
    });
};

function limitOf(text: string): string {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_000) return text;
  throw new InvalidArgumentError('expected a number from 1 to 1000.');
}
