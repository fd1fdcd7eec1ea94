/**
 * Similar questions: when one will do, which ones are comparable, and who is asked about that. Comparable are those that
 * differ in nothing but the prompt, and whose vectors come from one model.
 */
import canonicalize from 'canonicalize';
import type { TokenCount } from '../cost/tokens.ts';
import type { UnitPrices } from '../cost/unit-prices.ts';
import type { PreparedModelCall } from './kinds/model.ts';
import type { Price } from './prices.ts';

/** Of a document that only asks to have what is found judged. */
const DEFAULT_THRESHOLD = 0.85;
/** Its embeddings are the cheapest that most providers know. */
const EMBEDDING_MODEL = 'text-embedding-3-small';
/** Judges for two cents what another one has answered for dollars. */
const JUDGES: Readonly<Record<string, string>> = { openai: 'gpt-4o-mini' };
/** Tokens that an embedding model reads of which nobody knows it: so many do those of OpenAI, and most others. */
const WINDOW = 8_191;

/** Of a call for which a similar question will do. */
export interface SimilarSpec {
  /** Above 0 and below 1. */
  readonly threshold: number;
  readonly verify: boolean;
}

/** A model that is asked on the side. */
export interface SideModel {
  readonly provider: string;
  readonly model: string;
  /** What it costs; absent where nobody knows. */
  readonly prices?: UnitPrices;
}

/** How similar questions are looked for. JSON, in every snapshot of its task. */
export interface PreparedComparison {
  readonly threshold: number;
  /** Hash of all but the prompt, and of whose vectors are compared. */
  readonly space: string;
  /** Makes the vectors. */
  readonly embedder: SideModel & { readonly dimensions?: number };
  /** The most tokens that the prompt can have. */
  readonly tokens: number;
  /** Says whether what is found serves; absent where nobody is asked. */
  readonly judge?: SideModel;
}

/** Who makes vectors and judges, as a process is configured. */
export interface ComparisonSettings {
  readonly embeddings?: {
    /** Default: the provider of the task. */
    readonly provider?: string | undefined;
    /** Default: text-embedding-3-small. */
    readonly model?: string | undefined;
    /** Asked for with each vector, of models that can make shorter ones. */
    readonly dimensions?: number | undefined;
  };
  /** Default: gpt-4o-mini of OpenAI, the task's own model of another provider. */
  readonly judge?: { readonly provider?: string | undefined; readonly model: string };
}

/** Counts as a model does. */
export type CountTokens = (text: string, model: string) => TokenCount;

/** What a document says of similar questions; undefined where none will do. */
export function similarSpec({
  similarityThreshold,
  verify = false,
}: {
  readonly similarityThreshold?: number | undefined;
  readonly verify?: boolean | undefined;
}): SimilarSpec | undefined {
  const threshold = similarityThreshold ?? (verify ? DEFAULT_THRESHOLD : 1);
  return threshold < 1 ? { threshold, verify } : undefined;
}

/** Whom a call asks on the side. */
export function sidesOf(
  { provider, model }: Pick<SideModel, 'provider' | 'model'>,
  { embeddings = {}, judge }: ComparisonSettings,
): Readonly<Record<'embedder' | 'judge', Pick<SideModel, 'provider' | 'model'>>> {
  return {
    embedder: { provider: embeddings.provider ?? provider, model: embeddings.model ?? EMBEDDING_MODEL },
    judge: { provider: judge?.provider ?? provider, model: judge?.model ?? JUDGES[provider] ?? model },
  };
}

/** Tokens that an embedding model reads. */
export function windowOf(embedder: Pick<SideModel, 'provider' | 'model'>, price: Price): number {
  return price.windowOf?.(embedder) ?? WINDOW;
}

/** What of it is made ready with a call. */
export function comparisonOf(
  call: PreparedModelCall,
  { threshold, verify }: SimilarSpec,
  {
    where,
    hash,
    comparing,
    priceOf,
    countOf,
  }: {
    readonly where: object;
    readonly hash: (text: string) => string;
    readonly comparing: ComparisonSettings;
    readonly priceOf: Price;
    readonly countOf: CountTokens;
  },
): { readonly similar: PreparedComparison } | { readonly warning: string } {
  const { prompt, provider, model, system, temperature, maxOutputTokens, responseFormat } = call;
  const { embedder: by, judge: judges } = sidesOf(call, comparing);
  const { dimensions } = comparing.embeddings ?? {};
  const window = windowOf(by, priceOf);
  // No encoder makes more of a text than its bytes: most need not be counted.
  const bytes = new TextEncoder().encode(prompt).length;
  const { tokens, by: counted } = bytes <= window ? { tokens: bytes, by: 'encoder' } : countOf(prompt, by.model);
  // Not cut: of two that differ in what is cut off, the one would have the answer to the other.
  if (tokens > window)
    return {
      warning: `Similar questions were not looked for: the prompt has ${tokens} tokens${counted === 'bytes' ? ' at the most' : ''}, and ${by.model} reads ${window}.`,
    };
  const asked = { ...where, provider, model, system, temperature, maxOutputTokens, responseFormat };
  return {
    similar: {
      threshold,
      space: hash(canonicalize({ ...asked, by, dimensions }) ?? ''),
      embedder: { ...priced(by, priceOf), ...(dimensions === undefined ? {} : { dimensions }) },
      tokens,
      ...(verify ? { judge: priced(judges, priceOf) } : {}),
    },
  };
}

function priced(asked: Pick<SideModel, 'provider' | 'model'>, priceOf: Price): SideModel {
  const prices = priceOf(asked);
  return prices === undefined ? asked : { ...asked, prices };
}
