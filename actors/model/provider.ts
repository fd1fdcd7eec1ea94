import { FermataError } from '../../src/errors.ts';

/** How a provider of models is reached: any server that speaks OpenAI's chat completions. */
export interface ProviderSettings {
  /** Sent as `Authorization: Bearer …`; a server without authentication needs none. */
  readonly apiKey?: string | undefined;
  /** With its version path: `https://api.example.com/v1`. Default: OpenAI's. */
  readonly baseUrl?: string | undefined;
  /** Sent with every request; a header of the same name replaces ours. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The field that bounds the answer; older compatible servers know only `max_tokens`. Default `max_completion_tokens`. */
  readonly maxTokensField?: 'max_completion_tokens' | 'max_tokens' | undefined;
}

/** Providers by the name that documents use in `provider`. */
export type Providers = Readonly<Record<string, ProviderSettings>>;

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

const DEMO_HINT = 'or use --demo to try everything offline with scripted answers';

/**
 * The provider `openai` as the environment describes it, read as the `openai` package reads it (blank means unset).
 *
 * @example
 * modelCall({ providers: { openai: openaiFromEnvironment(process.env) }, checkAnswer, redact })
 */
export function openaiFromEnvironment(environment: Readonly<Record<string, string | undefined>>): ProviderSettings {
  const read = (name: string) => environment[name]?.trim() || undefined;
  const organization = read('OPENAI_ORG_ID');
  const project = read('OPENAI_PROJECT_ID');
  return {
    apiKey: read('OPENAI_API_KEY'),
    baseUrl: read('OPENAI_BASE_URL'),
    headers: {
      ...(organization === undefined ? {} : { 'OpenAI-Organization': organization }),
      ...(project === undefined ? {} : { 'OpenAI-Project': project }),
    },
  };
}

/**
 * The settings of a provider that can be called. Pure: a run that needs a model is checked with it before it starts.
 *
 * @throws FermataError `providerMissing` if the name is not registered, or has neither a key nor a base URL
 */
export function findProvider(providers: Providers, name: string): ProviderSettings {
  const settings = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (settings === undefined) {
    const known = Object.keys(providers);
    throw new FermataError(
      'providerMissing',
      `Expected a registered model provider, got "${name}"; registered are: ${known.join(', ') || 'none'}. ` +
        `Add providers.${name} to fermata.config.ts, name another provider in the document, ${DEMO_HINT}.`,
      { data: { provider: name, registered: known } },
    );
  }
  if (!settings.apiKey && !settings.baseUrl) {
    const remedy =
      name === 'openai'
        ? 'Set OPENAI_API_KEY (or OPENAI_BASE_URL for a compatible server without a key)'
        : `Set apiKey or baseUrl of providers.${name} in fermata.config.ts`;
    throw new FermataError(
      'providerMissing',
      `The model provider "${name}" has neither a key nor a base URL. ${remedy}, ${DEMO_HINT}.`,
      { data: { provider: name } },
    );
  }
  return settings;
}

/** Where a provider is, fit for a message: without credentials or query. */
export function addressOf(settings: ProviderSettings): string {
  const url = URL.parse(settings.baseUrl || OPENAI_BASE_URL);
  return url === null ? 'an address that is no URL' : `${url.origin}${url.pathname}`;
}

/**
 * Every value of these providers that is or may be secret: keys, headers, credentials in URLs. Providers echo keys in
 * their error messages, and fetch quotes a header it cannot send; a message goes into journals, logs and browsers.
 */
export function providerSecrets(providers: Providers): readonly string[] {
  const secrets = new Set<string>();
  for (const { apiKey, headers, baseUrl } of Object.values(providers)) {
    if (apiKey) secrets.add(apiKey).add(apiKey.trim());
    for (const value of Object.values(headers ?? {})) {
      // "Bearer KEY": the key alone is secret too
      secrets.add(value).add(value.trim().split(/\s+/).at(-1) ?? value);
    }
    const url = baseUrl ? URL.parse(baseUrl) : null;
    for (const part of url === null ? [] : [url.username, url.password, ...url.searchParams.values()])
      secrets.add(part);
  }
  return [...secrets];
}
