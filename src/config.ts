/** Settings: the environment, and `fermata.config.ts` (providers, registered functions, machines, actors). */
import { existsSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { CodeFunctions } from '../actors/code-function.ts';
import type { Providers } from '../actors/model/provider.ts';
import { checkConfig } from './check-config.ts';
import type { PriceOverrides } from './cost/price-overrides.ts';
import type { Predicates } from './document/condition.ts';
import type { SharedBudgets } from './document/shared-budget-spec.ts';
import type { CacheBounds } from './document/kept-answers.ts';
import type { Tiers } from './document/models.ts';
import type { ComparisonSettings } from './document/similar.ts';
import { FermataError } from './errors.ts';
import type { RuntimeOptions } from './runtime/runtime.ts';

/** What a `fermata.config.ts` exports as its default. */
export interface FermataConfig {
  /** Model providers by the name that tasks use; `openai` is there without saying. */
  readonly providers?: Providers;
  /** Functions of `code` tasks, by name. */
  readonly functions?: CodeFunctions;
  /** Predicates of conditions, by name: synchronous and pure. */
  readonly predicates?: Predicates;
  /** What models cost, by provider and model, in US dollars for a million tokens; before the built-in prices. */
  readonly prices?: PriceOverrides;
  /** What may be spent on a day, and by the runs of a workflow together. */
  readonly budgets?: SharedBudgets;
  /**
   * Models that are as good as each other, by the name of their tier: documents name a tier in place of models
   * (`models: best`). A text is a model of `openai`.
   */
  readonly tiers?: Tiers;
  /**
   * How much the cache of answers keeps (default: 100,000 questions, 1 GB); who makes the vectors by which similar
   * questions are found, and who judges what is found (docs/cache.md).
   */
  readonly cache?: Partial<CacheBounds> & ComparisonSettings;
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
  /** Tokens a second of scripted models; 0: as fast as it goes. */
  readonly demoPace: number;
}

/** The pace of a fast model, so that streaming can be seen. */
const DEMO_PACE = 60;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const environmentSchema = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= 65_535)
    .default(3_000),
  HOST: z.string().default('127.0.0.1'),
  FERMATA_DB: z.string().default('./fermata.db'),
  FERMATA_CONFIG: z.string().optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  FERMATA_DEMO_PACE: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .default(DEMO_PACE),
});
/** What was expected, of variables that not every text will do for. */
const EXPECTED: Readonly<Record<string, string>> = {
  PORT: 'a whole number from 0 to 65535',
  LOG_LEVEL: `one of ${LOG_LEVELS.join(', ')}`,
  FERMATA_DEMO_PACE: 'a whole number of tokens a second (0: as fast as it goes)',
};

/** Reads the settings from the environment. Throws `invalidConfig` naming each variable that is wrong. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(present);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const path = issue.path.join('.');
      const message = `expected ${EXPECTED[path] ?? 'a text'}, came ${JSON.stringify(present[path])}`;
      return { path, message };
    });
    throw new FermataError(
      'invalidConfig',
      `The environment is wrong: ${faults.map(({ path, message }) => `${path}: ${message}`).join('; ')}.`,
      { faults },
    );
  }
  const { PORT, HOST, FERMATA_DB, FERMATA_CONFIG, LOG_LEVEL, FERMATA_DEMO_PACE } = parsed.data;
  return {
    port: PORT,
    host: HOST,
    database: FERMATA_DB,
    configFile: FERMATA_CONFIG,
    logLevel: LOG_LEVEL,
    demoPace: FERMATA_DEMO_PACE,
  };
}

/**
 * Loads `fermata.config.ts`. Without a file named, a missing one is an empty configuration.
 * Throws `invalidConfig` naming the file, and why it cannot be loaded or what is wrong in it.
 */
export async function loadConfig(file: string | undefined, directory: string): Promise<FermataConfig> {
  const path = resolve(directory, file ?? 'fermata.config.ts');
  if (!existsSync(path)) {
    if (file === undefined) return {};
    throw new FermataError(
      'invalidConfig',
      `There is no configuration at ${path}. Create it, or name another with --config or FERMATA_CONFIG.`,
    );
  }
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (thrown) {
    throw new FermataError(
      'invalidConfig',
      `${path} cannot be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}${moduleHint(path, thrown)}`,
      { cause: thrown },
    );
  }
  const config = module.default;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    const came = config === undefined ? 'no default export' : Array.isArray(config) ? 'a list' : `${typeof config}`;
    throw new FermataError(
      'invalidConfig',
      `${path} is wrong: expected a default export that is a configuration, came ${came}. Write export default defineConfig({ … }).`,
    );
  }
  checkConfig(config as FermataConfig, path);
  return config as FermataConfig;
}

/** What "npm init" writes into a new project: Node then reads `import` and `export` in its files as faults of syntax. */
function moduleHint(path: string, thrown: unknown): string {
  const manifest = thrown instanceof SyntaxError ? findPackageJSON(pathToFileURL(path)) : undefined;
  if (manifest === undefined) return '';
  const { type } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly type?: unknown };
  if (type !== 'commonjs') return '';
  return `. ${manifest} says "type": "commonjs": write "module" there, or call the file fermata.config.mts and name it with --config or FERMATA_CONFIG`;
}
