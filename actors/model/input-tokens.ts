import type { ChatRequest } from './request.ts';

/** What a message has besides its text: OpenAI counts three or four tokens, others a few more. */
export const PER_MESSAGE = 8;
/** What every request has. */
const PER_REQUEST = 16;

/**
 * The most tokens that a provider counts for what is sent, where `count` gives the most that a text is. How a schema is
 * put to a model is each provider's own: each byte of it is taken for a token.
 *
 * @example
 * inputTokens(toRequest(question, settings), (text) => tokenizer.count(text, model).tokens)
 */
export function inputTokens(
  { messages, response_format: format }: ChatRequest,
  count: (text: string) => number,
): number {
  const said = messages.reduce((sum, { content }) => sum + count(content) + PER_MESSAGE, PER_REQUEST);
  return said + (format === undefined ? 0 : new TextEncoder().encode(JSON.stringify(format)).length);
}
