/** A client of a provider: the only file that loads `openai`. */
import type { OpenAI } from 'openai';
import { bounded } from './bounded.ts';
import { OPENAI_BASE_URL, type ProviderSettings } from './provider.ts';

export type OpenAIPackage = typeof import('openai');

/** Loaded by the first call: its two hundred modules are a fifth of a start, and most commands ask no model. */
export function loadPackage(): Promise<OpenAIPackage> {
  return import('openai');
}

/** Makes a client that is given all it needs: nothing comes from the environment, and it never tries again by itself. */
export function createClient(
  { OpenAI }: OpenAIPackage,
  { apiKey, baseUrl, headers }: ProviderSettings,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): OpenAI {
  return new OpenAI({
    // what is left out here, the package reads from the environment
    apiKey: apiKey || 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: baseUrl || OPENAI_BASE_URL,
    // it would print prompts
    logLevel: 'off',
    maxRetries: 0,
    // a server without a key gets no key, not a made-up one
    defaultHeaders: { ...(apiKey ? {} : { Authorization: null }), ...headers },
    fetch: bounded(fetch),
  });
}
