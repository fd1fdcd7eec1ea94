/** How a command reaches Fermata: a server that runs (`--server`), or one of its own on the local database. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createClient, type FermataClient } from '../client/index.ts';
import { loadConfig, readSettings, type FermataConfig } from '../config.ts';
import { FermataError } from '../errors.ts';
import type { Fermata } from '../compose.ts';
import type { Program, ProgramSettings } from '../serve.ts';
import type { Shell } from './shell.ts';
import { SCRIPTED_TAG } from './demo/script.ts';
import { nextCommand, type NextCommand } from './next-command.ts';

/** What of the command line says where Fermata is. */
export interface ConnectionOptions {
  /** Of a server that runs. */
  readonly server?: string;
  /** A database file, in place of `FERMATA_DB`. */
  readonly db?: string;
  /** A configuration file, in place of `FERMATA_CONFIG`. */
  readonly config?: string;
  /** Scripted models. */
  readonly demo?: boolean;
}

/** A Fermata that can be talked to. */
export interface Connection {
  readonly client: FermataClient;
  /** True where it lives in this process and ends with it. */
  readonly embedded: boolean;
  /** Writes commands that reach the same Fermata. */
  readonly next: NextCommand;
  /** Waits until what was asked for is done as far as nothing outside is waited for; a server does that by itself. */
  settle(): Promise<void>;
}

/**
 * What a command does with the local database: `works` runs what is to be run, `looks` leaves unfinished runs alone (a
 * glance at a list must not call models), `creates` also makes the file where there is none.
 */
export type Access = 'works' | 'looks' | 'creates';

/**
 * Calls `use` with a connection, and closes it afterwards.
 *
 * @throws FermataError `invalidRequest` where the local database does not exist, `databaseInUse` where a server has it
 */
export async function withConnection<Result>(
  shell: Shell,
  options: ConnectionOptions,
  access: Access,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  if (options.server !== undefined) {
    const client = createClient({ baseUrl: serverUrl(options.server) });
    return use({ client, embedded: false, next: nextCommand(shell, options), settle: async () => {} });
  }
  const settings = await readProgramSettings(shell, options);
  if (access !== 'creates') assertThere(settings.database, ', or a running server with --server URL');
  const { program, client } = await embed({ ...settings, passive: access === 'looks' });
  try {
    const settle = (): Promise<void> => program.fermata.runtime.idle();
    return await use({ client, embedded: true, next: nextCommand(shell, options), settle });
  } finally {
    await program.stop();
  }
}

/**
 * Calls `use` with a connection that lets a run go on: one that began with scripted models not with real ones, and the other way
 * round neither. A fork is a run of its own, and of real results scripted models may make something else.
 *
 * @param command the one that was typed, for the words to type instead
 * @throws FermataError `invalidRequest` for a run of `--demo` without that option, for another one with it, and as `withConnection`
 */
export async function withRun<Result>(
  shell: Shell,
  options: ConnectionOptions,
  command: readonly [name: string, runId: string, ...words: string[]],
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const [name, runId, ...words] = command;
  const demo = options.demo === true;
  if (options.server === undefined && !(demo && name === 'fork')) {
    // Before anything works on it: a model that is asked by mistake is paid for.
    await withConnection(shell, { ...options, demo: false }, 'looks', async ({ client }) => {
      const began = (await client.run(runId)).tags.includes(SCRIPTED_TAG);
      if (began === demo) return;
      const again = nextCommand(shell, { ...options, demo: began })(name, runId, ...words);
      throw new FermataError(
        'invalidRequest',
        began
          ? `Run ${runId} was started with --demo: real models are not asked for it, and without --demo it would wait. Type: ${again}`
          : `Run ${runId} was started without --demo: scripted answers are not given to it, and with --demo it would wait. Type: ${again}`,
      );
    });
  }
  return withConnection(shell, options, 'works', use);
}

/**
 * Calls `use` with a Fermata on the local database that does no work: for what is done to a stopped server's runs.
 *
 * @throws FermataError as `withConnection`
 */
export async function withDatabase(
  shell: Shell,
  options: ConnectionOptions,
  use: (fermata: Fermata) => Promise<void>,
): Promise<void> {
  const settings = await readProgramSettings(shell, options);
  assertThere(settings.database, '');
  const { program } = await embed({ ...settings, passive: true });
  try {
    await use(program.fermata);
  } finally {
    await program.stop();
  }
}

/** A database that was not meant would be made, and be empty. */
function assertThere(database: string, otherwise: string): void {
  if (existsSync(database)) return;
  throw new FermataError(
    'invalidRequest',
    `There is no database at ${database}: name it with --db or FERMATA_DB${otherwise}.`,
  );
}

/** Calls `use` with a Fermata that ends with it and keeps nothing: for documents that are only looked at. */
export async function withThrowaway<Result>(
  use: (client: FermataClient) => Promise<Result>,
  /** Whose configuration tells what models cost, and which ones tiers have; default: none. */
  configured?: { readonly shell: Shell; readonly options: Pick<ConnectionOptions, 'config'> },
): Promise<Result> {
  const { prices, tiers, providers, cache }: FermataConfig = configured === undefined ? {} : await configOf(configured);
  const settings = {
    database: ':memory:',
    config: given({ prices, tiers, providers, cache }),
    environment: {},
    logLevel: 'silent',
    demo: false,
    passive: true,
    alone: true,
  };
  const { program, client } = await embed(settings);
  try {
    return await use(client);
  } finally {
    await program.stop();
  }
}

/** Without what is left out: to a configuration, nothing and a field that holds nothing are two things. */
function given(config: { readonly [Field in keyof FermataConfig]: FermataConfig[Field] | undefined }): FermataConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

function configOf({ shell, options }: { readonly shell: Shell; readonly options: Pick<ConnectionOptions, 'config'> }) {
  return loadConfig(options.config ?? readSettings(shell.environment).configFile, shell.directory);
}

/** Loaded only here: `--help`, and commands that talk to a server, begin in a third of the time without it. */
async function embed(
  settings: ProgramSettings,
): Promise<{ readonly program: Program; readonly client: FermataClient }> {
  const { composeProgram, EMBEDDED_URL } = await import('../serve.ts');
  const program = await composeProgram(settings);
  return { program, client: createClient({ baseUrl: EMBEDDED_URL, fetch: program.fetch }) };
}

/**
 * Settings of a Fermata in this process: options win over the environment. It logs only where `LOG_LEVEL` asks for it.
 *
 * @throws FermataError `invalidConfig`
 */
export async function readProgramSettings(
  { environment, directory }: Pick<Shell, 'environment' | 'directory'>,
  options: ConnectionOptions,
): Promise<ProgramSettings> {
  const settings = readSettings(environment);
  const database = options.db ?? settings.database;
  return {
    database: database === ':memory:' ? database : resolve(directory, database),
    config: await loadConfig(options.config ?? settings.configFile, directory),
    environment,
    logLevel: environment['LOG_LEVEL'] ? settings.logLevel : 'silent',
    demo: options.demo ?? false,
    demoPace: settings.demoPace,
  };
}

function serverUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new FermataError(
    'invalidRequest',
    `--server expects a URL such as http://127.0.0.1:3000, came ${JSON.stringify(text)}.`,
  );
}
