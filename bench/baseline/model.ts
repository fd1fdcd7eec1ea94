/** A model that begins to speak when it is told to: what is measured is the way of its first word, not its thinking. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One question, asked and not answered yet. */
export interface Question {
  /** The text that was asked. */
  readonly prompt: string;
  /** Says the first word; returns when, by `performance.now()`. */
  begin(): number;
  end(): void;
}

/** A model server that listens. */
export interface QuietModel {
  /** With `/v1`. */
  readonly baseUrl: string;
  /** The question with this prompt, once it has come. */
  asked(prompt: string): Promise<Question>;
  close(): Promise<void>;
}

/** Starts one. It speaks OpenAI's protocol, streamed. */
export async function startQuietModel(): Promise<QuietModel> {
  const questions = new Map<string, PromiseWithResolvers<Question>>();
  const waitFor = (prompt: string): PromiseWithResolvers<Question> => {
    const known = questions.get(prompt) ?? Promise.withResolvers<Question>();
    questions.set(prompt, known);
    return known;
  };
  const server = createServer((request, response) => {
    void Array.fromAsync(request).then((pieces) => {
      const body = JSON.parse(Buffer.concat(pieces as Buffer[]).toString()) as {
        readonly messages: readonly { readonly content: string }[];
      };
      const prompt = body.messages.at(-1)?.content ?? '';
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      waitFor(prompt).resolve(questionOf(prompt, response));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: (prompt) => waitFor(prompt).promise,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function questionOf(prompt: string, response: ServerResponse): Question {
  const say = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'quiet', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  return {
    prompt,
    begin() {
      const at = performance.now();
      response.write(say({ content: 'Fermata' }, null));
      return at;
    },
    end: () => void response.end(`${say({ content: '.' }, 'stop')}data: [DONE]\n\n`),
  };
}
