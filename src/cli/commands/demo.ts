/**
 * `fermata demo`: everything at once, offline. A real server on a free port, a database file, the scripted models over
 * a real socket, and the research example run through the public API as any other program would do it.
 */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../client/index.ts';
import { readSettings } from '../../config.ts';
import type { RunningServer } from '../../serve.ts';
import type { AddCommand } from '../command-line.ts';
import type { Connection } from '../connection.ts';
import { plainDisplay } from '../display.ts';
import { follow } from '../follow.ts';
import { nextCommand, type NextCommand } from '../next-command.ts';
import type { Shell } from '../shell.ts';
import { shellQuote } from '../text.ts';

const EXAMPLE = 'examples/01-research.yaml';
const TOPIC = 'AI engineering';

export const addDemo: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('demo')
    .summary('show everything at once, offline')
    .description(
      'Runs the research example on a real server with scripted models, and says how to go on. Needs no key. The ' +
        'models speak at FERMATA_DEMO_PACE tokens a second (default 60; 0: as fast as it goes).',
    )
    .action(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fermata-demo-'));
      const database = join(folder, 'fermata.db');
      const settings = { config: {}, environment: {}, logLevel: 'silent', insecure: false, stately: false };
      const { demoPace } = readSettings(shell.environment);
      const { composeServer } = await import('../../serve.ts');
      const server = await composeServer({ ...settings, database, demo: true, demoPace, host: '127.0.0.1', port: 0 });
      try {
        exitWith(await research(shell, server, database));
      } finally {
        await server.stop();
      }
    });
};

async function research(shell: Shell, { url, fermata }: RunningServer, database: string): Promise<number> {
  const client = createClient({ baseUrl: url });
  const file = new URL(EXAMPLE, import.meta.resolve('fermata/package.json'));
  const { id, name } = await client.createWorkflow(await readFile(file, 'utf8'));
  const { runId } = await client.execute(id, { input: { topic: TOPIC } });
  shell.err(
    `Fermata listens on ${url}, and runs the workflow ${JSON.stringify(name)} (${EXAMPLE}) on ${JSON.stringify(TOPIC)}.`,
  );
  shell.err(shell.style('yellow', 'Demo: answers of models are scripted; no provider is asked.\n'));
  // The server ends with the demo; what goes on goes on in its database.
  const again = nextCommand(shell, { db: database, demo: true });
  const connection: Connection = { client, embedded: true, next: again, settle: () => fermata.runtime.idle() };
  const status = await follow(shell, { connection, runId, json: false, display: plainDisplay(shell) });
  shell.err(
    `\n${howToGoOn(shell, again, { database, workflowId: id, runId, example: fileURLToPath(file) }).join('\n')}`,
  );
  return status;
}

/** The server ends with the demo: these commands start it again on the same database. */
function howToGoOn(
  shell: Shell,
  again: NextCommand,
  { database, workflowId, runId, example }: Readonly<Record<'database' | 'workflowId' | 'runId' | 'example', string>>,
): string[] {
  const url = 'http://127.0.0.1:3000';
  return [
    `The database is left in ${database}`,
    '',
    'Look at the run again:',
    `  ${again('show', runId)}`,
    '',
    'Start the server on that database, and in another terminal a run of your own:',
    `  ${again('serve')}`,
    `  curl -s -H 'content-type: application/json' -d '{"input":{"topic":"tea houses"}}' ${url}/api/v1/workflows/${workflowId}/execute`,
    `  curl -sN ${url}/api/v1/workflows/${workflowId}/stream`,
    `  ${nextCommand(shell, { server: url })('runs')}`,
    '',
    'With a real model: set OPENAI_API_KEY, and leave out --demo:',
    `  ${shell.program} run ${shellQuote(example)} --input topic='tea houses'`,
  ];
}
