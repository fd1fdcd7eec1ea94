/** `fermata cache`: what the cache of answers did and holds; with --forget, what it is to forget. */
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { money } from '../money.ts';
import { columns, printable } from '../text.ts';

interface CacheOptions extends ConnectionOptions {
  readonly forget?: true;
  readonly workflow?: string;
  readonly tag?: string;
  readonly prompt?: string;
  readonly json: boolean;
}

export const addCache: AddCommand = (program, { shell }) => {
  program
    .command('cache')
    .summary('what the cache of answers did and saved; --forget lets it forget')
    .option('--forget', 'forget answers: all, or those of --workflow, --tag, --prompt')
    .option('--workflow <name>', 'only those that a run of this workflow asked for')
    .option('-t, --tag <tag>', 'only those that a run with this tag asked for')
    .option('--prompt <text>', 'only the one to this prompt, as it was rendered')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (options: CacheOptions) => {
      const { forget, workflow, tag, prompt, json } = options;
      await withConnection(shell, options, 'looks', async ({ client }) => {
        if (forget === true) {
          const which = {
            ...(workflow === undefined ? {} : { workflow }),
            ...(tag === undefined ? {} : { tag }),
            ...(prompt === undefined ? {} : { prompt }),
          };
          const told = await client.forgetAnswers(Object.keys(which).length === 0 ? { all: true } : which);
          return shell.out(json ? JSON.stringify(told) : `${told.forgotten} answers forgotten.`);
        }
        const cache = await client.cache({ limit: '1000' });
        if (json) return shell.out(JSON.stringify(cache));
        if (cache.items.length === 0)
          return shell.err('Nothing was looked for: `cache: { enabled: true }` turns it on.');
        const head = ['WORKFLOW', 'HITS', 'IN FLIGHT', 'MISSES', 'HIT RATE', 'SAVED'];
        const all = { ...cache.total, workflow: 'all' };
        shell.out(columns([head, ...[...cache.items, ...(cache.items.length > 1 ? [all] : [])].map(row)]));
        shell.err(`${cache.entries} questions, ${Math.ceil(cache.bytes / 1024)} KB.`);
      });
    });
};

function row(use: Awaited<ReturnType<FermataClient['cache']>>['items'][number]): string[] {
  const { workflow, hits, inFlight, misses, hitRate, costSavedDollars } = use;
  const rate = hitRate === null ? '' : `${Math.round(100 * hitRate)} %`;
  return [
    printable(workflow),
    String(hits),
    String(inFlight),
    String(misses),
    rate,
    money({ costDollars: costSavedDollars }),
  ];
}
