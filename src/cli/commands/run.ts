/** `fermata run FILE`: stores the document, starts a run of it, and follows the run to its end. */
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { FermataClientError, type FermataClient, type Workflow } from '../../client/index.ts';
import {
  configOption,
  databaseOption,
  demoOption,
  gather,
  jsonOption,
  serverOption,
  type AddCommand,
} from '../command-line.ts';
import { withConnection, type Connection, type ConnectionOptions } from '../connection.ts';
import { readDocumentFile, type DocumentFile } from '../document-file.ts';
import { FermataError } from '../../errors.ts';
import { follow } from '../follow.ts';
import { missingInput, readInput } from '../input.ts';
import { addRunConfig, runConfigOf, type RunConfigOptions } from '../run-config.ts';
import type { Shell } from '../shell.ts';
import { shellQuote } from '../text.ts';

interface RunOptions extends ConnectionOptions, RunConfigOptions {
  readonly input: readonly string[];
  readonly tag: readonly string[];
  readonly json: boolean;
}

export const addRun: AddCommand = (program, { shell, exitWith, failWith }) => {
  const command = program
    .command('run')
    .summary('run a workflow document')
    .description(
      'Runs a workflow document (YAML or JSON). Without --server it runs in this process, on the local database.',
    )
    .argument('<file>', 'the document')
    .option(
      '-i, --input <key=value>',
      'input, as its schema types it; key=@file reads a file (may be repeated)',
      gather,
      [],
    )
    .option('-t, --tag <tag>', 'tag of the run (may be repeated)', gather, []);
  addRunConfig(command)
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (name: string, options: RunOptions) => {
      let file: DocumentFile | undefined;
      try {
        file = await readDocumentFile(name, shell.directory);
        exitWith(await run(shell, file, options));
      } catch (thrown) {
        failWith(thrown, file);
      }
    });
};

async function run(shell: Shell, file: DocumentFile, options: RunOptions): Promise<number> {
  return withConnection(shell, options, 'creates', async (connection) => {
    const runId = await start(shell, connection, file, options);
    if (options.demo === true)
      shell.err(shell.style('yellow', 'Demo: answers of models are scripted; no provider is asked.'));
    shell.err(shell.style('dim', `Run ${runId}`));
    return follow(shell, { connection, runId, json: options.json });
  });
}

async function start(shell: Shell, { client }: Connection, file: DocumentFile, options: RunOptions): Promise<string> {
  const { id, document } = await store(client, file);
  const schema = (document as { readonly input?: unknown }).input;
  const input = await readInput(options.input, schema, shell.directory);
  const tags = [...options.tag];
  try {
    return (await client.execute(id, { input, tags, ...runConfigOf(options) })).runId;
  } catch (thrown) {
    const missing = missingInput(input, schema);
    if (!(thrown instanceof FermataClientError) || thrown.code !== 'providerMissing' || missing.length === 0)
      throw thrown;
    // Who sets the key would only then learn of the other half.
    const flags = missing.map((name) => `--input ${shellQuote(`${name}=…`)}`).join(' ');
    throw new FermataError('providerMissing', `${thrown.message} The input is incomplete, too: add ${flags}.`, {
      cause: thrown,
    });
  }
}

/** The stored workflow of the document: the one there is where it says the same, else a new one or a new version. */
async function store(client: FermataClient, { text }: DocumentFile): Promise<Pick<Workflow, 'id' | 'document'>> {
  try {
    return await client.createWorkflow(text);
  } catch (thrown) {
    const id =
      thrown instanceof FermataClientError && thrown.code === 'alreadyExists' ? thrown.problem['id'] : undefined;
    if (typeof id !== 'string') throw thrown;
    const stored = await client.workflow(id);
    return isDeepStrictEqual(stored.document, parse(text)) ? stored : client.updateWorkflow(id, text);
  }
}
