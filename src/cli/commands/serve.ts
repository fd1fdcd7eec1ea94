/** `fermata serve`: the server, until a signal stops it. */
import { once } from 'node:events';
import { InvalidArgumentError, Option } from 'commander';
import { readSettings } from '../../config.ts';
import type { RunningServer } from '../../serve.ts';
import { configOption, databaseOption, demoOption, type AddCommand } from '../command-line.ts';
import { readProgramSettings } from '../connection.ts';
import { SCRIPTED_TAG } from '../demo/script.ts';
import { nextCommand } from '../next-command.ts';
import type { Shell } from '../shell.ts';

interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
  readonly db?: string;
  readonly config?: string;
  readonly insecure: boolean;
  readonly demo: boolean;
  readonly stately: boolean;
  readonly statelyUrl?: string;
}

export const addServe: AddCommand = (program, { shell }) => {
  program
    .command('serve')
    .summary('start the server')
    .description('Starts the server. Runs that an earlier one left unfinished go on.')
    .addOption(new Option('--port <number>', 'default: PORT, or 3000; 0: any free one').argParser(portOf))
    .option('--host <address>', 'default: HOST, or 127.0.0.1')
    .addOption(databaseOption())
    .addOption(configOption())
    .option('--insecure', 'listen on any address although there is no authentication', false)
    .addOption(demoOption())
    .option('--stately', 'show runs in the Stately Inspector, whose viewer comes from the internet', false)
    .addOption(
      new Option('--stately-url <url>', 'another viewer than https://stately.ai/inspect').implies({ stately: true }),
    )
    .action(async (options: ServeOptions) => {
      const { environment } = shell;
      const settings = readSettings(environment);
      const { host = settings.host, port = settings.port, insecure, stately, statelyUrl } = options;
      const program = await readProgramSettings(shell, options);
      const { composeServer } = await import('../../serve.ts');
      const settled = { ...program, logLevel: settings.logLevel, host, port, insecure, stately };
      await shell.interrupt.during(
        async ({ signal }) => {
          const server = await composeServer({ ...settled, ...(statelyUrl === undefined ? {} : { statelyUrl }) });
          shell.err(`Fermata listens on ${server.url} (API ${server.url}/docs, database ${program.database})`);
          if (options.demo) shell.err(shell.style('yellow', DEMO));
          await warnOfWaiting(server, shell, options);
          if (server.inspectorUrl !== undefined) shell.err(`Stately Inspector: ${server.inspectorUrl}`);
          if (!signal.aborted) await once(signal, 'abort');
          await server.stop();
          shell.err('Stopped. Unfinished runs go on at the next start.');
        },
        () => shell.err('Stopping… (Ctrl-C again: at once)'),
      );
    });
};

const DEMO = 'Demo: answers of models are scripted; no provider is asked.';

/** Newest open runs among which those that began with real models are looked for. */
const LOOKED_AT = 100;

/** What began with models of the other kind waits, and whoever began it may wonder. */
async function warnOfWaiting(
  { fermata: { runtime } }: Pick<RunningServer, 'fermata'>,
  shell: Parameters<typeof nextCommand>[0] & Pick<Shell, 'err' | 'style'>,
  { demo, ...options }: ServeOptions,
): Promise<void> {
  const [run] = demo
    ? (await runtime.list({ open: true, limit: LOOKED_AT })).filter(({ tags }) => !tags.includes(SCRIPTED_TAG))
    : await runtime.list({ tags: [SCRIPTED_TAG], open: true, limit: 1 });
  if (run === undefined) return;
  const words = demo
    ? `Runs that began without --demo wait where they would ask a model, such as ${run.runId}: they are given no scripted answers. With real ones: ${nextCommand(shell, options)('serve')}`
    : `Runs that began with --demo wait where they would ask a model, such as ${run.runId}: real ones are not asked for them. With scripted ones: ${nextCommand(shell, options)('serve', '--demo')}`;
  shell.err(shell.style('yellow', words));
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('expected a number from 0 to 65535.');
}
