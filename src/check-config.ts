/**
 * Is a configuration right? Every way in asks here, so that what is wrong is told at the start and not by the first run
 * that needs it. No message shows a value: it may be a key.
 */
import { z } from 'zod';
import { openaiFromEnvironment } from '../actors/model/provider.ts';
import type { FermataConfig } from './config.ts';
import { PRICE_FIELDS, priceOverridesSchema } from './cost/price-overrides.ts';
import { argumentsSchemaFaults } from './document/arguments.ts';
import { issueFaults } from './document/issues.ts';
import { formatPath } from './document/faults.ts';
import { sharedKeyFault } from './document/fields.ts';
import { tierSchema, twiceIn } from './document/models.ts';
import { didYouMean } from './document/nearest.ts';
import { BUDGET_FIELDS, sharedBudgetsSchema } from './document/shared-budget-spec.ts';
import { FermataError, type Fault } from './errors.ts';
import { faultOfAge, isMachine, promiseCreator } from './runtime/xstate.ts';

/** The machines of documents and budgets, in every version: the newest one would take them over. */
const OWN_MACHINE = /^(?:workflow|budget)(?:@|$)/;
/** Effects that documents invoke. */
const OWN_ACTORS: readonly string[] = ['modelCall', 'code', 'recall', 'compare', 'verify'];
const A_URL = 'a URL such as https://api.example.com/v1';

const baseUrl = z.string(expected(A_URL)).superRefine((text, context) => {
  const fault = urlFault(text, 'apiKey or headers');
  if (fault !== undefined) context.addIssue(fault);
});
const providerSchema = object('the settings of a provider', {
  apiKey: z.string(expected('a text')).optional(),
  baseUrl: baseUrl.optional(),
  headers: z.record(z.string(), z.string(expected('a text')), expected('an object of texts')).optional(),
  maxTokensField: z
    .enum(['max_completion_tokens', 'max_tokens'], expected('"max_completion_tokens" or "max_tokens"'))
    .optional(),
});
const words = () => z.string(expected('a text')).min(1, expected('a text')).optional();
const bound = () => z.int(expected('a whole number above 0')).min(1, expected('a whole number above 0')).optional();
const configSchema = object('an object', {
  providers: named(providerSchema, 'model providers'),
  functions: named(that('a function', isCodeFunction), 'functions'),
  predicates: named(that('a function, or { shared: [KEY…], holds: a function }', isPredicate), 'predicates'),
  machines: named(that('an XState machine, such as setup({ … }).createMachine({ … })', isRegistration), 'machines'),
  prices: z.unknown().optional(),
  budgets: z.unknown().optional(),
  tiers: z.unknown().optional(),
  cache: object('the settings of the cache', {
    maxEntries: bound(),
    maxBytes: bound(),
    embeddings: object('who makes vectors: { provider, model, dimensions }', {
      provider: words(),
      model: words(),
      dimensions: bound(),
    }).optional(),
    judge: object('who judges answers: { provider, model }', {
      provider: words(),
      model: z.string(expected('a text')).min(1),
    }).optional(),
  }).optional(),
  actors: named(that('effect({ run }), fromPromise(…) or a machine', isActor), 'actors'),
});

/**
 * Checks a configuration.
 *
 * @param from where it stands, for the message
 * @throws FermataError `invalidConfig` naming where it stands and every fault, with its path
 * @example
 * checkConfig({ providers: { mine: { baseURL: 'http://127.0.0.1:9/v1' } } }) // … unknown field "baseURL": did you mean "baseUrl"?
 */
export function checkConfig(config: FermataConfig, from = 'The configuration'): void {
  const parsed = configSchema.safeParse(config);
  refuse(
    from,
    parsed.success
      ? [
          ...ownNames(config),
          ...unsetUrls(config),
          ...wrongDeclarations(config),
          ...machinesOfOlderXState(config),
          ...wrongPrices(config),
          ...wrongBudgets(config),
          ...wrongTiers(config),
          ...unknownSides(config),
        ]
      : parsed.error.issues.flatMap(toFaults),
  );
}

/** Checks the environment as far as it describes a provider. Throws `invalidConfig`. */
export function checkEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  const address = openaiFromEnvironment(environment).baseUrl;
  const fault = address === undefined ? undefined : urlFault(address, 'OPENAI_API_KEY');
  refuse('The environment', fault === undefined ? [] : [{ path: 'OPENAI_BASE_URL', message: fault }]);
}

function refuse(subject: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const list = faults
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`).replace(/\.$/, ''))
    .join('; ');
  throw new FermataError('invalidConfig', `${subject} is wrong: ${list}.`, { faults });
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: formatPath(issue.path), message: issue.message }];
  const known = fieldsAt(configSchema, issue.path);
  return issue.keys.map((key) => ({
    path: formatPath([...issue.path, key]),
    message: `unknown field ${JSON.stringify(key)}${didYouMean(key, known) || `; known are ${known.join(', ')}`}`,
  }));
}

/** The fields that may stand at a place of the configuration. */
function fieldsAt(schema: unknown, [part, ...path]: readonly PropertyKey[]): readonly string[] {
  if (schema instanceof z.ZodOptional) return fieldsAt(schema.unwrap(), part === undefined ? [] : [part, ...path]);
  if (schema instanceof z.ZodRecord) return fieldsAt(schema.valueType, path);
  if (!(schema instanceof z.ZodObject)) return [];
  return part === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[String(part)], path);
}

/** What of the user's would be overwritten by the product's own, or take its place. */
function ownNames({ actors = {}, machines = {} }: FermataConfig): Fault[] {
  const taken = (path: string, name: string): Fault => ({
    path: formatPath([path, name]),
    message: `the name ${JSON.stringify(name)} is Fermata's own; choose another one`,
  });
  return [
    ...Object.keys(actors).flatMap((name) => (OWN_ACTORS.includes(name) ? [taken('actors', name)] : [])),
    ...Object.keys(machines).flatMap((name) => (OWN_MACHINE.test(name) ? [taken('machines', name)] : [])),
  ];
}

/** `baseUrl: process.env.MINE_URL`, and the variable is not set: the key would go to OpenAI. */
function unsetUrls({ providers = {} }: FermataConfig): Fault[] {
  return Object.entries(providers).flatMap(([name, settings]) =>
    name !== 'openai' && Object.hasOwn(settings, 'baseUrl') && settings.baseUrl === undefined
      ? [
          {
            path: formatPath(['providers', name, 'baseUrl']),
            message: `expected ${A_URL}, came nothing: set what it is read from, or leave the field out for OpenAI's own address`,
          },
        ]
      : [],
  );
}

/** Functions that are declared under another name, which documents of the builder would call, or with a schema that is none. */
function wrongDeclarations({ functions = {} }: FermataConfig): Fault[] {
  return Object.entries(functions).flatMap(([name, found]) => {
    if (typeof found === 'function') return [];
    const path = formatPath(['functions', name]);
    if (found.name !== name)
      return [
        {
          path,
          message: `expected a function declared as ${JSON.stringify(name)}, came one declared as ${JSON.stringify(found.name)}`,
        },
      ];
    if (isOfZod3(found.input))
      return [
        {
          path: `${path}.input`,
          message:
            "expected a schema of zod 4, came one of zod 3: install zod 4, or import from 'zod/v4', which zod 3.25 has",
        },
      ];
    return argumentsSchemaFaults(found.input).map((fault) => ({ ...fault, path: `${path}.${fault.path}` }));
  });
}

/** Told here by its place, before anything is opened. */
function machinesOfOlderXState({ machines = {} }: FermataConfig): Fault[] {
  return Object.entries(machines).flatMap(([name, entry]) => {
    const message = faultOfAge(isMachine(entry) ? entry : entry.machine);
    return message === undefined ? [] : [{ path: formatPath(['machines', name]), message }];
  });
}

/** It would be read as a JSON Schema, with each of its methods as a keyword that nobody knows. */
function isOfZod3(schema: object): boolean {
  return '_def' in schema && !('_zod' in schema);
}

/** Prices are no secrets: what is wrong is shown, as in a document. */
function wrongPrices({ prices }: FermataConfig): Fault[] {
  if (prices === undefined) return [];
  const parsed = priceOverridesSchema.safeParse(prices);
  return parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => issueFaults(issue, prices, ['prices'], PRICE_FIELDS));
}

/** Nor are budgets. */
function wrongBudgets({ budgets }: FermataConfig): Fault[] {
  if (budgets === undefined) return [];
  const parsed = sharedBudgetsSchema.safeParse(budgets);
  return parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => issueFaults(issue, budgets, ['budgets'], BUDGET_FIELDS));
}

/** Names of models are no secrets either. */
function wrongTiers({ tiers, providers = {} }: FermataConfig): Fault[] {
  if (tiers === undefined) return [];
  const parsed = z.record(z.string(), tierSchema).safeParse(tiers);
  if (!parsed.success)
    return parsed.error.issues.flatMap((issue) => issueFaults(issue, tiers, ['tiers'], ['model', 'provider']));
  return Object.entries(parsed.data).flatMap(([name, models]) => [
    ...twiceIn(models, 'openai').map(([at, message]) => ({ path: formatPath(['tiers', name, at]), message })),
    ...models.flatMap((one, at) => {
      const provider = typeof one === 'string' ? undefined : one.provider;
      return unknownProvider(provider, providers, ['tiers', name, at, 'provider']);
    }),
  ]);
}

/** Who makes vectors and judges answers: asked in vain, similar questions would be looked for in vain. */
function unknownSides({ cache = {}, providers = {} }: FermataConfig): Fault[] {
  return (['embeddings', 'judge'] as const).flatMap((side) =>
    unknownProvider(cache[side]?.provider, providers, ['cache', side, 'provider']),
  );
}

function unknownProvider(provider: string | undefined, providers: object, path: readonly PropertyKey[]): Fault[] {
  if (provider === undefined || provider === 'openai' || Object.hasOwn(providers, provider)) return [];
  const known = [...new Set(['openai', ...Object.keys(providers)])];
  const message = `there is no provider ${JSON.stringify(provider)}${didYouMean(provider, known) || `; known are ${known.join(', ')}`}`;
  return [{ path: formatPath(path), message }];
}

/** Why a text cannot be the address of a provider; `keyPlace` is where its key belongs. */
function urlFault(text: string, keyPlace: string): string | undefined {
  const url = URL.parse(text);
  if (text.trim() === '') return `expected ${A_URL}, came an empty text`;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return `expected ${A_URL}, came a text that is no http or https URL`;
  if (url.username === '' && url.password === '') return undefined;
  return `expected ${A_URL}, came one with a user name or password: requests cannot carry them; put the key into ${keyPlace}`;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function isPredicate(value: unknown): boolean {
  if (isFunction(value)) return true;
  const { shared, holds, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const areKeys =
    Array.isArray(shared) && shared.every((key) => typeof key === 'string' && sharedKeyFault(key) === undefined);
  return areKeys && isFunction(holds) && Object.keys(rest).length === 0;
}

function isCodeFunction(value: unknown): boolean {
  if (isFunction(value)) return true;
  const { kind, name, input, run } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const declares = typeof name === 'string' && typeof input === 'object' && input !== null;
  return kind === 'codeFunction' && declares && isFunction(run);
}

function isRegistration(value: unknown): boolean {
  return (
    isMachine(value) || (typeof value === 'object' && value !== null && 'machine' in value && isMachine(value.machine))
  );
}

function isActor(value: unknown): boolean {
  if (isMachine(value) || promiseCreator(value) !== undefined) return true;
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'effect';
}

/** A value that passes `check`. */
function that(what: string, check: (value: unknown) => boolean) {
  return z.custom<unknown>(check, expected(what));
}

/** Values by name. */
function named<Value extends z.ZodType>(value: Value, what: string) {
  return z.record(z.string(), value, expected(`an object: ${what} by name`)).optional();
}

/** An object of these fields and no others. */
function object<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  return z.strictObject(shape, expected(what));
}

/** The message of a fault: what was expected and what came, but not its contents. */
function expected(what: string): { error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => `expected ${what}, came ${kindOf(input)}` };
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const kinds: Readonly<Record<string, string>> = { string: 'a text', object: 'an object', boolean: 'true or false' };
  return kinds[typeof value] ?? `a ${typeof value}`;
}
