/**
 * How many tokens a text is, before a provider counts them: for estimates and reservations. Bills go by its `usage`.
 *
 * T1. Never fewer than the provider will count, as far as that can be known: a reservation that is too small is no
 *     reservation. Texts are counted in pieces, which gives about one per cent more.
 * T2. Counting is linear. Encoders take quadratic time for a text without spaces: 50,000 Chinese characters, 13 seconds.
 * T3. Where nobody knows how a model counts, each byte is a token: no encoder makes more of it.
 */
const PIECE = 256;
/** Characters that are counted; what follows them goes by its bytes. A second of work at the very worst. */
const COUNTED = 65_536;

type Encoding = 'cl100k_base' | 'o200k_base';
type Count = (text: string) => number;

const ENCODERS = {
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
} satisfies Record<Encoding, () => Promise<unknown>>;

/** Loads every encoder: for who cannot wait for a disk later. Half a second; at once where it was done before. */
export async function loadEncoders(): Promise<void> {
  await Promise.all(Object.values(ENCODERS).map((load) => load()));
}

/** Models by how they are called, fine-tuned ones (`ft:gpt-4o-mini:…`) included. Source: OpenAI's tiktoken, `model.py`. */
const ENCODINGS: readonly (readonly [name: RegExp, encoding: Encoding])[] = [
  [/^(ft:)?(gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-[5-9]|gpt-oss|o\d)/, 'o200k_base'],
  [/^(ft:)?(gpt-4|gpt-3\.5|gpt-35|text-embedding-(3|ada-002))/, 'cl100k_base'],
];

/** Special tokens in a text of a user are text. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** What a count is. */
export interface TokenCount {
  readonly tokens: number;
  /** `encoder`: as the model counts; `bytes`: at most so many. */
  readonly by: 'encoder' | 'bytes';
}

/**
 * Counts tokens. An encoder is a table of 10 MB, and loaded when a model is first asked for.
 *
 * @example
 * const tokenizer = new Tokenizer();
 * await tokenizer.load('gpt-4o-mini');
 * tokenizer.count('How long is this?', 'gpt-4o-mini') // { tokens: 5, by: 'encoder' }
 */
export class Tokenizer {
  readonly #counts = new Map<Encoding, Count>();

  /** Makes `count` know how a model counts; does nothing, and at once, where it does or where nobody knows. */
  load(model: string): Promise<void> | undefined {
    const encoding = encodingOf(model);
    return encoding === undefined || this.#counts.has(encoding) ? undefined : this.#load(encoding);
  }

  async #load(encoding: Encoding): Promise<void> {
    const { countTokens } = await ENCODERS[encoding]();
    this.#counts.set(encoding, (text) => countTokens(text, AS_TEXT));
  }

  /** How many tokens a text is for a model; by its bytes where the model was not loaded, or is not known. */
  count(text: string, model: string): TokenCount {
    const encoding = encodingOf(model);
    const count = encoding && this.#counts.get(encoding);
    if (count === undefined) return { tokens: bytesOf(text), by: 'bytes' };
    let tokens = bytesOf(text.slice(COUNTED));
    for (let at = 0; at < Math.min(text.length, COUNTED); at += PIECE)
      tokens += count(text.slice(at, Math.min(at + PIECE, COUNTED)));
    return { tokens, by: text.length > COUNTED ? 'bytes' : 'encoder' };
  }
}

function encodingOf(model: string): Encoding | undefined {
  return ENCODINGS.find(([name]) => name.test(model))?.[1];
}

const encoder = new TextEncoder();

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}
