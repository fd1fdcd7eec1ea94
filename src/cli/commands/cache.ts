/** `fermata cache`: what the cache of answers did and holds; with --forget, what it is to forget. */
import type { FermataClient } from '../../client/index.ts';
import { configOption, databaseOption, jsonOption, serverOption, type AddCommand } from '../command-line.ts';
import { withConnection, type ConnectionOptions } from '../connection.ts';
import { money } from '../money.ts';
import { FermataError } from '../../errors.ts';
import { columns, firstLine, printable } from '../text.ts';

const MOST_LISTED = '100';

interface CacheOptions extends ConnectionOptions {
  readonly answers?: true;
  readonly forget?: true;
  readonly workflow?: string;
  readonly tag?: string;
  readonly prompt?: string;
  readonly json: boolean;
}

export const addCache: AddCommand = (program, { shell }) => {
  program
    .command('cache')
    .summary('what the cache of answers did and saved; --answers lists them, --forget lets it forget')
    .option('--answers', 'the answers that serve now, newest questions first: all, or those of --workflow')
    .option('--forget', 'forget answers: all, or those of --workflow, --tag, --prompt')
    .option('--workflow <name>', 'only those that a run of this workflow asked for')
    .option('-t, --tag <tag>', 'only those that a run with this tag asked for')
    .option('--prompt <text>', 'only the one to this prompt, as it was rendered')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .action(async (options: CacheOptions) => {
      const { answers, forget, workflow, tag, prompt, json } = options;
      assertTaken(options);
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
        if (answers === true) {
          const kept = await client.cachedAnswers({
            limit: MOST_LISTED,
            ...(workflow === undefined ? {} : { workflow }),
          });
          if (json) return shell.out(JSON.stringify(kept));
          if (kept.items.length === 0) return shell.err('No answer is kept.');
          const rows = kept.items.map((one) => answerRow(one, Math.floor(shell.columns / 2)));
          shell.out(columns([['HITS', 'COST', 'ANSWERED', 'UNTIL', 'WORKFLOW', 'PROMPT'], ...rows]));
          if (kept.nextCursor !== null) shell.err('There are more: --workflow, or GET /api/v1/cache/answers.');
          return;
        }
        const cache = await client.cache({ limit: '1000' });
        if (json) return shell.out(JSON.stringify(cache));
        if (cache.items.length === 0)
          return shell.err('Nothing was looked for: `cache: { enabled: true }` turns it on.');
        const head = ['WORKFLOW', 'HITS', 'IN FLIGHT', 'MISSES', 'HIT RATE', 'SAVED'];
        const all = { ...cache.total, workflow: 'all' };
        shell.out(columns([head, ...[...cache.items, ...(cache.items.length > 1 ? [all] : [])].map(row)]));
        shell.err(`${cache.entries} answers, ${Math.ceil(cache.bytes / 1024)} KB.`);
      });
    });
};

/** What would not be looked at is not taken. */
function assertTaken({ answers, forget, workflow, tag, prompt }: CacheOptions): void {
  const refuse = (message: string): never => {
    throw new FermataError('invalidRequest', message);
  };
  if (answers === true && forget === true) refuse('--answers and --forget are two things: list first, then forget.');
  if (forget === true) return;
  if (tag !== undefined || prompt !== undefined) refuse('--tag and --prompt say what --forget is to forget: add that.');
  if (workflow !== undefined && answers !== true)
    refuse('--workflow goes with --answers or --forget: add one of them.');
}

type CachedAnswer = Awaited<ReturnType<FermataClient['cachedAnswers']>>['items'][number];

function answerRow({ prompt, workflow, hitCount, costDollars, answeredAt, expiresAt }: CachedAnswer, width: number) {
  return [
    String(hitCount),
    money({ costDollars }),
    answeredAt,
    expiresAt,
    printable(workflow),
    firstLine(prompt, width),
  ];
}

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
