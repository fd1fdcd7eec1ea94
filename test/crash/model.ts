/**
 * The model that the tests of crashes call. It lives in the test's process and so survives every kill: what it was
 * asked, and under which key, is the judge of what was called again.
 *
 * How a task is answered is said by its prompt: `flaky` fails at its first key and `silent` never answers it, however
 * often that key comes back; `stuck` never answers at all; everything else is answered.
 */
import {
  startModelServer,
  type MadeAnswer,
  type ModelServer,
  type ScriptedRequest,
} from '../../src/cli/demo/model-server.ts';

/** A call as the other side saw it. */
export interface Call {
  readonly key: string;
  readonly prompt: string;
}

/** A model that answers, with everything it was asked. */
export interface Model {
  readonly baseUrl: string;
  /** Every call so far, oldest first. */
  calls(): readonly Call[];
  stop(): Promise<void>;
}

/** How the model is paced, and where it listens. */
export interface ModelOptions {
  readonly firstTokenMs?: number;
  readonly tokensPerSecond?: number;
  readonly port?: number;
  /** So many calls are never answered before the first one is. */
  readonly unanswered?: number;
  /** The answer to a prompt that is neither flaky nor silent nor stuck. */
  readonly answer?: (prompt: string) => string;
}

/** Starts a model. */
export async function startModel({ answer = answerTo, unanswered = 0, ...pace }: ModelOptions = {}): Promise<Model> {
  const firstKeys = new Map<string, string>();
  let left = unanswered;
  const made = (request: ScriptedRequest): MadeAnswer => {
    const { key, prompt } = toCall(request);
    if (left-- > 0) return { hang: true };
    if (!firstKeys.has(prompt)) firstKeys.set(prompt, key);
    const first = firstKeys.get(prompt) === key;
    if (prompt.includes('stuck') || (first && prompt.includes('silent'))) return { hang: true };
    if (first && prompt.includes('flaky')) return { error: { status: 500, message: 'The model has a cold.' } };
    return { text: answer(prompt) };
  };
  const server: ModelServer = await startModelServer({ ...pace, script: [{ prompt: '', answers: [made] }] });
  return { baseUrl: server.baseUrl, calls: () => server.requests().map(toCall), stop: () => server.stop() };
}

/** What the model answers to a prompt: the same at every call. */
export function answerTo(prompt: string): string {
  return `The answer to "${prompt}" is that it depends on whom one asks.`;
}

function toCall({ headers, body }: ScriptedRequest): Call {
  const messages = body['messages'] as readonly { readonly role: string; readonly content: string }[];
  return { key: headers['idempotency-key'] ?? '', prompt: messages.find(({ role }) => role === 'user')?.content ?? '' };
}
