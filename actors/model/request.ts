import type { ResponseFormat } from '../../src/document/kinds/model.ts';
import type { ProviderSettings } from './provider.ts';
import { allowsStrict } from './strict-schema.ts';

/** One message of a chat completion. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** The body of a streamed chat completion, as it goes over the wire. */
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  stream: true;
  /** Without it a streamed answer has no usage, and a run no bill. */
  stream_options: { include_usage: true };
  temperature?: number;
  max_completion_tokens?: number;
  max_tokens?: number;
  response_format?: WireFormat;
}

type WireFormat =
  | { type: 'json_object' }
  | { type: 'json_schema'; json_schema: { name: string; schema: Record<string, unknown>; strict?: true } };

/** What a request is made from; prompts are rendered. */
export interface Question {
  readonly task: string;
  readonly model: string;
  readonly prompt: string;
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  /** Tokens, reasoning included. */
  readonly maxOutputTokens?: number | undefined;
  readonly responseFormat: ResponseFormat;
}

/** The request of a question. Pure. */
export function toRequest(question: Question, settings: ProviderSettings): ChatRequest {
  const { model, prompt, temperature, maxOutputTokens, responseFormat } = question;
  const format = toWireFormat(responseFormat, question.task);
  const system = [question.system, instruction(question)].filter(Boolean).join('\n\n');
  return {
    model,
    messages: [...(system ? [{ role: 'system' as const, content: system }] : []), { role: 'user', content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : outputBound(maxOutputTokens, settings)),
    ...(format === undefined ? {} : { response_format: format }),
  };
}

/** The field that bounds an answer, as the provider calls it. */
export function outputBound(
  tokens: number,
  { maxTokensField = 'max_completion_tokens' }: ProviderSettings,
): Pick<ChatRequest, 'max_tokens' | 'max_completion_tokens'> {
  return { [maxTokensField]: tokens };
}

function toWireFormat(format: ResponseFormat, task: string): WireFormat | undefined {
  if (format === 'text') return undefined;
  if (format === 'json') return { type: 'json_object' };
  if (!hasObjectRoot(format.schema)) return undefined;
  // names: letters, digits, "_" and "-", at most 64; task names may hold anything
  const name = task.replaceAll(/[^a-zA-Z0-9_-]+/g, '_').slice(0, 64);
  const strict = allowsStrict(format.schema) ? { strict: true as const } : {};
  return { type: 'json_schema', json_schema: { name, schema: { ...format.schema }, ...strict } };
}

/** What the system message must say besides the author's words, because the response format alone is not enough. */
function instruction({ responseFormat, system = '', prompt }: Question): string | undefined {
  if (responseFormat === 'text') return undefined;
  // OpenAI refuses json_object with 400 where no message says "JSON"
  if (responseFormat === 'json') return /json/i.test(system + prompt) ? undefined : 'Answer with a JSON object.';
  if (hasObjectRoot(responseFormat.schema)) return undefined;
  // response formats take objects only; a list is asked for in words, and checked here like any other answer
  return `Answer with JSON only, of this JSON Schema: ${JSON.stringify(responseFormat.schema)}`;
}

function hasObjectRoot(schema: Readonly<Record<string, unknown>>): boolean {
  return schema['type'] === 'object';
}
