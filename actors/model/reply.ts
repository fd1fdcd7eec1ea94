import { type ModelUsage, type ReportedUsage, toUsage } from './usage.ts';

/** A chunk of a streamed chat completion, as far as it is read; compatible servers leave out most of it. */
export interface ReplyChunk {
  readonly model?: string | null;
  readonly usage?: ReportedUsage | null;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null; readonly refusal?: string | null } | null;
    readonly finish_reason?: string | null;
  }[];
}

/** What one call has answered so far. It is filled chunk by chunk, so that a cut stream leaves what is known. */
export class Reply {
  /** Undefined until the response began. */
  contentType: string | undefined;
  /** `x-request-id` of the response: what the provider's support asks for. */
  requestId: string | null = null;
  /** The model that answered, as the provider names it: `gpt-4o-2024-08-06` where `gpt-4o` was asked. */
  model: string | null = null;
  finishReason: string | null = null;
  usage: ModelUsage | null = null;
  refusal = '';
  /** Characters (UTF-16 units) received so far. */
  length = 0;
  readonly #pieces: string[] = [];
  /** A first half of a surrogate pair, held back: written out alone it would become U+FFFD. */
  #half = '';

  /** Takes one chunk and returns the text that it adds, '' for none. */
  add({ model, usage, choices }: ReplyChunk): string {
    if (model) this.model = model;
    // some servers count with every chunk: the last count is the whole one
    this.usage = toUsage(usage) ?? this.usage;
    const choice = choices?.[0];
    if (choice?.finish_reason) this.finishReason = choice.finish_reason;
    this.refusal += choice?.delta?.refusal ?? '';
    const content = choice?.delta?.content ?? '';
    this.length += content.length;
    return this.#take(content);
  }

  /** What is held back at the end, '' for nothing. */
  end(): string {
    const rest = this.#half;
    this.#half = '';
    if (rest) this.#pieces.push(rest);
    return rest;
  }

  get text(): string {
    return this.#pieces.join('');
  }

  #take(content: string): string {
    if (content === '') return '';
    let text = this.#half + content;
    this.#half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? '';
    if (this.#half) text = text.slice(0, -1);
    if (text) this.#pieces.push(text);
    return text;
  }
}
