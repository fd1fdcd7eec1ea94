/** `fermata costs`: what models cost, from the ledger. */
import { InvalidArgumentError, Option } from 'commander';
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { money } from '../money.ts';
import { columns, printable } from '../text.ts';

const GROUPS = ['day', 'model', 'provider', 'workflow', 'tag', 'tenant', 'run', 'task'] as const;
type Costs = Awaited<ReturnType<FermataClient['costs']>>['items'][number];

interface CostsOptions extends ConnectionOptions {
  readonly by: (typeof GROUPS)[number];
  readonly from?: string;
  readonly to?: string;
  readonly workflow?: string;
  readonly tag?: string;
  readonly run?: string;
  readonly limit: string;
  readonly json: boolean;
}

export const addCosts: AddCommand = (program, { shell }) => {
  program
    .command('costs')
    .summary('what models cost, by day, model, workflow, tag, run …')
    .addOption(new Option('--by <group>', 'what is added up').choices(GROUPS).default('day'))
    .option('--from <time>', 'calls that ended then or later: 2026-11-22, or with a time (ISO 8601)')
    .option('--to <time>', 'calls that ended before')
    .option('--workflow <workflow>', "only a workflow's: its id or name")
    .option('-t, --tag <tag>', 'only of runs with this tag')
    .option('--run <run>', 'only those of a run')
    .addOption(new Option('--limit <number>', 'at most so many lines, 1 to 1000').default('100').argParser(limitOf))
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (options: CostsOptions) => {
      const { by, from, to, workflow, tag, run, limit, json } = options;
      await withConnection(shell, options, 'looks', async ({ client }) => {
        const { items, nextCursor } = await client.costs({
          groupBy: by,
          limit,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(workflow === undefined ? {} : { workflow }),
          ...(tag === undefined ? {} : { tag }),
          ...(run === undefined ? {} : { run }),
        });
        if (json) return shell.out(JSON.stringify({ items, nextCursor }));
        if (items.length === 0) return shell.err('No model was called.');
        const hasChildren = items.some(({ withChildren }) => withChildren !== undefined);
        const hasHits = items.some(({ cacheHits }) => cacheHits > 0);
        const head = [
          by.toUpperCase(),
          'CALLS',
          'TOKENS IN',
          'OUT',
          'COST',
          ...(hasHits ? ['FROM CACHE', 'SAVED'] : []),
          ...(hasChildren ? ['WITH CHILDREN'] : []),
        ];
        const rows = items.map((item) => [
          printable(nameOf(item)),
          String(item.modelCalls),
          String(item.inputTokens),
          String(item.outputTokens),
          money(item),
          ...(hasHits ? [String(item.cacheHits), money({ costDollars: item.costSavedDollars })] : []),
          ...(hasChildren ? [item.withChildren === undefined ? '' : money(item.withChildren)] : []),
        ]);
        shell.out(columns([head, ...rows]));
        if (nextCursor !== null)
          shell.err('There are more: --limit 1000, or narrow it with --from, --workflow, --tag.');
      });
    });
};

function nameOf({ day, provider, model, workflow, tag, tenant, runId, task }: Costs): string {
  if (runId !== undefined) {
    const of = workflow === undefined || workflow === null ? '' : ` (${workflow.name})`;
    return task === undefined ? `${runId}${of}` : `${runId} ${task}`;
  }
  if (workflow !== undefined) return workflow === null ? '(none)' : workflow.name;
  return day ?? (model === undefined ? provider : `${model} (${provider})`) ?? tag ?? tenant ?? '';
}

function limitOf(text: string): string {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1_000) return text;
  throw new InvalidArgumentError('expected a number from 1 to 1000.');
}
