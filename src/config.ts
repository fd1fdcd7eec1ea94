/** Settings: the environment, and `fermata.config.ts` (providers, registered functions, machines, actors). */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { CodeFunctions } from '../actors/code.ts';
import type { Providers } from '../actors/model/provider.ts';
import { FermataError } from './errors.ts';
import type { RuntimeOptions } from './runtime/runtime.ts';

/** What a `fermata.config.ts` exports as its default. */
export interface FermataConfig {
  /** Model providers by the name that tasks use; `openai` is there without saying. */
  readonly providers?: Providers;
  /** Functions of `code` tasks, by name. */
  readonly functions?: CodeFunctions;
  /** Machines of your own, as `name@version`. */
  readonly machines?: RuntimeOptions['machines'];
  /** Effects that your machines invoke, by name. */
  readonly actors?: RuntimeOptions['actors'];
}

/**
 * Types a configuration.
 *
 * @example
 * export default defineConfig({ functions: { sumUp: ({ x, y }) => x + y } })
 */
export function defineConfig(config: FermataConfig): FermataConfig {
  return config;
}

/** The process settings, with their defaults. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Path of the database file. */
  readonly database: string;
  readonly configFile: string | undefined;
  readonly logLevel: string;
}

const environmentSchema = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3_000),
  HOST: z.string().min(1).default('127.0.0.1'),
  FERMATA_DB: z.string().min(1).default('./fermata.db'),
  FERMATA_CONFIG: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** Reads the settings from the environment. Throws `invalidConfig` naming each variable that is wrong. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    throw new FermataError(
      'invalidConfig',
      `The environment is wrong: ${faults.map(({ path, message }) => `${path}: ${message}`).join('; ')}.`,
      { faults },
    );
  }
  const { PORT, HOST, FERMATA_DB, FERMATA_CONFIG, LOG_LEVEL } = parsed.data;
  return { port: PORT, host: HOST, database: FERMATA_DB, configFile: FERMATA_CONFIG, logLevel: LOG_LEVEL };
}

const configSchema = z.strictObject({
  providers: z.record(z.string(), z.looseObject({})).optional(),
  functions: z
    .record(
      z.string(),
      z.custom<unknown>((value) => typeof value === 'function', 'expected a function'),
    )
    .optional(),
  machines: z
    .record(
      z.string(),
      z.custom<unknown>((value) => typeof value === 'object' && value !== null, 'expected a machine'),
    )
    .optional(),
  actors: z
    .record(
      z.string(),
      z.custom<unknown>(
        (value) => typeof value === 'object' && value !== null,
        'expected an effect or a promise actor',
      ),
    )
    .optional(),
});

/**
 * Loads `fermata.config.ts`. Without a file named, a missing one is an empty configuration.
 * Throws `invalidConfig` naming the file and what is wrong in it.
 */
export async function loadConfig(file: string | undefined, directory: string): Promise<FermataConfig> {
  const path = resolve(directory, file ?? 'fermata.config.ts');
  if (!existsSync(path)) {
    if (file === undefined) return {};
    throw new FermataError(
      'invalidConfig',
      `FERMATA_CONFIG names ${path}, which does not exist. Create it, or unset FERMATA_CONFIG.`,
    );
  }
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (thrown) {
    throw new FermataError(
      'invalidConfig',
      `${path} cannot be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    );
  }
  const parsed = configSchema.safeParse(module.default ?? {});
  if (parsed.success) return module.default as FermataConfig;
  const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  throw new FermataError(
    'invalidConfig',
    `${path} is wrong: ${faults.map(({ path: at, message }) => `${at || 'default export'}: ${message}`).join('; ')}.`,
    { faults },
  );
}
