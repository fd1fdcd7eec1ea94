/** Settings and `fermata.config.ts`: what is wrong is told at the start, with its place, and never with a key. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fromCallback, fromPromise, setup } from 'xstate';
import { z as z3 } from 'zod/v3';
import { compose } from '../src/compose.ts';
import { codeFunction } from '../actors/code-function.ts';
import { loadConfig, readSettings, type FermataConfig } from '../src/config.ts';
import { FermataError } from '../src/errors.ts';
import { effect } from '../src/runtime/effect.ts';
import { composeProgram } from '../src/serve.ts';
import { sqliteStore } from '../src/store/sqlite/index.ts';
import { fermata } from './cli/entry.ts';

const KEY = 'sk-my-own-server-123456';
const machine = setup({}).createMachine({ id: 'm' });

/** As an XState before 5.31 makes them. */
function olderMachine(): object {
  const made = Object.assign(Object.create(Object.getPrototypeOf(machine) as object) as object, machine);
  delete (made as { options?: unknown }).options;
  return made;
}

/** Composes, and closes again where that succeeds. */
async function start(config: unknown, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const fermata = await compose({ store: sqliteStore(':memory:'), config: config as FermataConfig, environment });
  await fermata.close();
}

async function refusalOf(config: unknown, environment: Readonly<Record<string, string>> = {}): Promise<FermataError> {
  const thrown: unknown = await start(config, environment).catch((error: unknown) => error);
  if (!(thrown instanceof FermataError))
    throw new FermataError('internal', `expected a refusal, got ${String(thrown)}`);
  expect(thrown.code).toBe('invalidConfig');
  return thrown;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fermata-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes a configuration file and starts a program with it. */
async function startFile(text: string, options: { readonly demo?: boolean } = {}): Promise<unknown> {
  const directory = folder();
  writeFileSync(join(directory, 'fermata.config.ts'), text);
  try {
    const config = await loadConfig(undefined, directory);
    const settings = { database: ':memory:', environment: {}, logLevel: 'silent', demo: false, ...options };
    await (await composeProgram({ ...settings, config })).stop();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe('a configuration', () => {
  const mine = (settings: unknown) => ({ providers: { mine: settings } });
  const declared = (name: string, input: object) => codeFunction({ name, input: { ...input }, run: () => 1 });

  it.each<[path: string, said: string, config: unknown]>([
    ['provider', 'unknown field "provider": did you mean "providers"?', { provider: {} }],
    [
      'cache.maxEntry',
      'unknown field "maxEntry"; known are maxEntries, maxBytes, embeddings, judge',
      { cache: { maxEntry: 1 } },
    ],
    [
      'cache.judge.price',
      'unknown field "price"; known are provider, model',
      { cache: { judge: { model: 'm', price: 1 } } },
    ],
    [
      'cache.embeddings.provider',
      'there is no provider "opnai": did you mean "openai"?',
      { cache: { embeddings: { provider: 'opnai' } } },
    ],
    ['budgets.perDay.per', 'unknown field "per"', { budgets: { perDay: { maxCostDollars: 1, per: 'month' } } }],
    [
      'xyz',
      'unknown field "xyz"; known are providers, functions, predicates, machines, prices, budgets, tiers, cache, actors',
      { xyz: {} },
    ],
    ['', 'expected an object, came a list', []],
    ['predicates.p', 'or { shared: [KEY…], holds: a function }, came a text', { predicates: { p: 'x' } }],
    ['predicates.p', 'holds: a function }, came an object', { predicates: { p: { shared: [''], holds: () => true } } }],
    ['predicates.p', 'holds: a function }, came an object', { predicates: { p: { shared: ['k'] } } }],
    ['providers.mine', 'expected the settings of a provider, came a text', mine(KEY)],
    ['providers.mine.baseURL', 'did you mean "baseUrl"?', mine({ baseURL: 'http://x/v1', apiKey: KEY })],
    ['providers.mine.api_key', 'did you mean "apiKey"?', mine({ api_key: KEY })],
    ['providers.mine.apiKey', 'expected a text, came a number', mine({ apiKey: 7_654_321_098 })],
    ['providers.mine.headers.a', 'expected a text, came a number', mine({ headers: { a: 1 } })],
    ['providers.mine.headers', 'expected an object of texts, came a text', mine({ headers: KEY })],
    ['providers.mine.maxTokensField', 'or "max_tokens", came a text', mine({ maxTokensField: KEY })],
    ['providers.mine.baseUrl', 'came a text that is no http or https URL', mine({ baseUrl: KEY })],
    ['providers.mine.baseUrl', 'came a text that is no http or', mine({ baseUrl: `user:${KEY}@host/v1` })],
    ['providers.mine.baseUrl', 'put the key into apiKey or headers', mine({ baseUrl: `https://u:${KEY}@host/v1` })],
    ['providers.mine.baseUrl', 'came an empty text', mine({ baseUrl: '', apiKey: KEY })],
    ['providers.mine.baseUrl', 'came nothing: set what it is read from', mine({ baseUrl: undefined, apiKey: KEY })],
    ['functions.f', 'expected a function, came a text', { functions: { f: KEY } }],
    ['functions.f', 'expected a function, came an object', { functions: { f: { kind: 'codeFunction', name: 'f' } } }],
    ['functions.f', 'declared as "f", came one declared as "g"', { functions: { f: declared('g', {}) } }],
    ['functions.f.input.minimun', 'did you mean "minimum"?', { functions: { f: declared('f', { minimun: 1 }) } }],
    [
      'functions.f.input',
      'expected a schema of zod 4, came one of zod 3',
      { functions: { f: declared('f', z3.object({})) } },
    ],
    ['machines["m@1"]', 'expected an XState machine', { machines: { 'm@1': {} } }],
    ['machines["m@1"]', 'came one of an older XState', { machines: { 'm@1': olderMachine() } }],
    ['machines["m@1"]', 'came one of an older XState', { machines: { 'm@1': { machine: olderMachine() } } }],
    ['machines["m@1"]', 'createMachine({ … }), came an object', { machines: { 'm@1': { machine: {} } } }],
    ['actors.a', 'expected effect({ run }), fromPromise(…) or a machine', { actors: { a: fromCallback(() => {}) } }],
    ['actors.modelCall', "is Fermata's own", { actors: { modelCall: effect({ run: async () => 1 }) } }],
    ['actors.code', "is Fermata's own", { actors: { code: fromPromise(async () => 1) } }],
    ['machines["workflow@1"]', "is Fermata's own", { machines: { 'workflow@1': machine } }],
    ['machines["workflow@2"]', "is Fermata's own; choose another one", { machines: { 'workflow@2': machine } }],
  ])('refused at %j: %s', async (path, said, config) => {
    const { message, faults } = await refusalOf(config);
    expect(faults).toEqual([{ path, message: expect.stringContaining(said) }]);
    expect(message).toContain(path);
    expect(message).not.toContain(KEY);
    expect(message).not.toContain('7654321098');
  });

  it('tells all that is wrong at once', async () => {
    const { faults } = await refusalOf({ functions: { f: 1, g: 2 }, providers: { mine: { key: 'x', url: 'y' } } });
    expect(faults?.map(({ path }) => path)).toEqual([
      'providers.mine.key',
      'providers.mine.url',
      'functions.f',
      'functions.g',
    ]);
  });

  it('takes what is right', async () => {
    await start({
      providers: {
        openai: { apiKey: undefined, baseUrl: undefined },
        mine: { apiKey: KEY, baseUrl: 'http://127.0.0.1:9/v1', headers: { 'X-A': 'b' }, maxTokensField: 'max_tokens' },
      },
      functions: { f: () => 1 },
      machines: { 'm@1': machine, 'n@1': { machine } },
      actors: { a: effect({ run: async () => 1 }), b: fromPromise(async () => 1) },
    });
  });

  it.each([`https://u:${KEY}@host/v1`, `u:${KEY}@host`, 'host/v1'])('OPENAI_BASE_URL=%s is refused', async (url) => {
    const { message, faults } = await refusalOf({}, { OPENAI_BASE_URL: url });
    expect(faults).toHaveLength(1);
    expect(message).toContain('OPENAI_BASE_URL: expected a URL such as');
    expect(message).not.toContain(KEY);
    // Nobody reads it where the configuration says how OpenAI is reached.
    await start({ providers: { openai: { apiKey: KEY } } }, { OPENAI_BASE_URL: url });
  });
});

describe('fermata.config.ts', () => {
  it.each([
    ['export const config = {};', 'expected a default export that is a configuration, came no default export'],
    ['export default 7;', 'came number'],
    ['export default [];', 'came a list'],
    ['export default { functions: { f: 7 } };', 'functions.f: expected a function, came a number'],
    ['export default { providers: { a: { baseURL: "x" } } };', 'did you mean "baseUrl"?'],
    ['throw new TypeError("broken");', 'cannot be loaded: broken'],
  ])('%s is refused, naming the file', async (text, said) => {
    expect(await startFile(text)).toMatchObject({
      code: 'invalidConfig',
      message: expect.stringMatching(/^\/.*fermata\.config\.ts /),
    });
    expect(await startFile(text)).toMatchObject({ message: expect.stringContaining(said) });
  });

  it('says what a new project lacks, in which imports are faults of syntax', async () => {
    const directory = folder();
    writeFileSync(join(directory, 'fermata.config.ts'), "import 'node:path';\nexport default {};");
    writeFileSync(join(directory, 'hi.yaml'), 'name: hi\ntasks: [{ name: nap, kind: wait, seconds: 0.001 }]');
    const manifest = join(directory, 'package.json');
    writeFileSync(manifest, '{ "type": "commonjs" }');
    const refused = await fermata(['run', 'hi.yaml'], { directory });
    expect(refused).toMatchObject({ status: 2, err: expect.stringContaining('fermata.config.ts cannot be loaded: ') });
    expect(refused.err).toContain(`${manifest} says "type": "commonjs": write "module" there`);
    renameSync(join(directory, 'fermata.config.ts'), join(directory, 'fermata.config.mts'));
    const named = await fermata(['run', 'hi.yaml', '--config', 'fermata.config.mts'], { directory });
    expect(named).toMatchObject({ status: 0 });
    writeFileSync(manifest, '{ "type": "module" }');
    renameSync(join(directory, 'fermata.config.mts'), join(directory, 'fermata.config.ts'));
    expect(await fermata(['run', 'hi.yaml'], { directory })).toMatchObject({ status: 0 });
  });

  it('is checked before a demo replaces its providers', async () => {
    const thrown = await startFile('export default { providers: { a: { baseURL: "x" } } };', { demo: true });
    expect(thrown).toMatchObject({ code: 'invalidConfig', message: expect.stringContaining('fermata.config.ts') });
  });

  it('may be missing, unless it is named', async () => {
    expect(await loadConfig(undefined, folder())).toEqual({});
    await expect(loadConfig('my.config.ts', folder())).rejects.toMatchObject({
      code: 'invalidConfig',
      message: expect.stringMatching(/There is no configuration at .*my\.config\.ts.*--config/),
    });
  });
});

describe('the environment', () => {
  it('has defaults, and blank means unset', () => {
    const settings = { port: 3_000, host: '127.0.0.1', database: './fermata.db', configFile: undefined, demoPace: 60 };
    expect(readSettings({ PORT: '', LOG_LEVEL: '' })).toEqual({ ...settings, logLevel: 'info' });
    expect(readSettings({ PORT: '0', LOG_LEVEL: 'debug' })).toMatchObject({ port: 0, logLevel: 'debug' });
  });

  it.each([
    ['PORT', 'http', 'PORT: expected a whole number from 0 to 65535, came "http"'],
    ['PORT', '65536', 'PORT: expected a whole number from 0 to 65535, came "65536"'],
    ['PORT', '1e3', 'PORT: expected a whole number from 0 to 65535, came "1e3"'],
    ['FERMATA_DEMO_PACE', 'fast', 'expected a whole number of tokens a second (0: as fast as it goes), came "fast"'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, came "loud"'],
  ])('%s=%s: says what was expected and what came', (name, value, said) => {
    expect(() => readSettings({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'invalidConfig', message: expect.stringContaining(said) }) as Error,
    );
  });
});
