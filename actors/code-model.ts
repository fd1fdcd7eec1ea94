/**
 * Model calls of a function: it asks its task for them, by a durable event, and hears of each answer once that is
 * committed.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { FermataError, type ErrorCode, type ErrorData } from '../src/errors.ts';
import type { EffectContext } from '../src/runtime/effect.ts';
import { sumUsage, type ModelUsage } from './model/usage.ts';

const text = z.string().min(1);
const requestSchema = z.strictObject({
  prompt: text,
  system: text.optional(),
  provider: text.optional(),
  model: text.optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: z.int().positive().optional(),
  responseFormat: z
    .union([z.enum(['text', 'json']), z.strictObject({ schema: z.record(z.string(), z.json()) })])
    .optional(),
  name: text.optional(),
});

/** What a function asks a model. What is left out is as the document's `config` says. */
export interface ModelRequest {
  readonly prompt: string;
  readonly system?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly responseFormat?: 'text' | 'json' | { readonly schema: Readonly<Record<string, unknown>> };
  /** Tells this call from the function's others where their order may vary; default: its number. */
  readonly name?: string;
}

/** What a model answered a function. */
export interface ModelAnswer {
  /** The answer as JSON where the response format asked for it, otherwise the text. */
  readonly output: unknown;
  readonly text: string;
  /** Null where the provider did not report it. */
  readonly usage: ModelUsage | null;
  readonly model: string;
}

interface Answered {
  readonly value: unknown;
  readonly text: string;
  readonly usage: ModelUsage | null;
  readonly model: string;
}

interface Waiting {
  resolve(answer: ModelAnswer): void;
  reject(error: FermataError): void;
}

/** Who asks. */
export interface Asker {
  readonly task: string;
  readonly function: string;
  /** Under which the task has called the function. */
  readonly id: string;
  /** Throws `providerMissing`. */
  readonly assertProvider: (name: string) => void;
}

/** The model calls of one call of a function. */
export class ModelCalls {
  readonly #of: Asker;
  readonly #context: EffectContext;
  readonly #waiting = new Map<string, Waiting>();
  readonly #places = new Set<string>();
  readonly #usages: (ModelUsage | null)[] = [];
  #closed = false;
  #fault: FermataError | undefined;

  constructor(of: Asker, context: EffectContext) {
    this.#of = of;
    this.#context = context;
    context.receive((event) => this.#hear(event as never));
    context.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** What all calls consumed; undefined where there was none. */
  get usage(): ModelUsage | null | undefined {
    return this.#usages.length === 0 ? undefined : sumUsage(this.#usages);
  }

  /** What ends the task whatever the function makes of it. */
  get fault(): FermataError | undefined {
    return this.#fault;
  }

  /** Asks. Throws `codeRefused`, `providerMissing`, `notSupported` in a run of an old version; rejects with what the call failed with, or `functionNotDeterministic`. */
  ask(request: ModelRequest): Promise<ModelAnswer> {
    const asked = this.#asked(request);
    if (!this.#context.hears('task.callsModel'))
      throw new FermataError(
        'notSupported',
        `Function "${this.#of.function}" (task "${this.#of.task}") asks a model, and run ${this.#context.runId} began under an earlier version of Fermata, whose functions ask none. Start the workflow again, or fork the run: POST /api/v1/runs/${this.#context.runId}/fork.`,
      );
    const asking = new Promise<ModelAnswer>((resolve, reject) => this.#waiting.set(asked.key, { resolve, reject }));
    // A function may have stopped waiting by the time it fails.
    asking.catch(() => {});
    this.#context.notify({ type: 'task.callsModel', from: this.#of.id, ...asked });
    return asking;
  }

  /** Nobody will answer any more. */
  close(): void {
    this.#closed = true;
    const { function: name, task } = this.#of;
    for (const { reject } of this.#waiting.values())
      reject(new FermataError('cancelled', `A model call of function "${name}" (task "${task}") was cancelled.`));
    this.#waiting.clear();
  }

  #asked(request: ModelRequest) {
    if (this.#closed) throw this.#refusal('is made after its end: await every call before you return');
    const parsed = requestSchema.safeParse(request);
    if (!parsed.success) {
      const reasons = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      throw this.#refusal(`is wrong: ${reasons.join('; ')}`);
    }
    const { name, ...fields } = parsed.data;
    // Else it would wait for a process in which there is such a provider.
    if (fields.provider !== undefined) this.#of.assertProvider(fields.provider);
    const place = name ?? String(this.#places.size + 1);
    if (this.#places.has(place)) throw this.#refusal(`has the name of another one, ${JSON.stringify(place)}`);
    this.#places.add(place);
    const digest = (of: string): string => createHash('sha256').update(of).digest('base64url');
    // Sorted, because a function may put its fields in any order.
    const entries = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .toSorted(([one], [other]) => (one < other ? -1 : 1));
    const question = Object.fromEntries(entries);
    return { key: digest(`${this.#context.key}/${place}`), place, asked: digest(JSON.stringify(entries)), question };
  }

  #refusal(reason: string): FermataError {
    const { function: name, task } = this.#of;
    return new FermataError('codeRefused', `A model call of function "${name}" (task "${task}") ${reason}.`);
  }

  #hear({
    type,
    key,
    answer,
  }: {
    readonly type: string;
    readonly key: string;
    readonly answer: { readonly output: Answered } | { readonly error: ErrorData };
  }): void {
    const waiting = type === 'task.modelAnswered' ? this.#waiting.get(key) : undefined;
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    if ('output' in answer) {
      const { value, text: said, usage, model } = answer.output;
      this.#usages.push(usage);
      waiting.resolve({ output: value, text: said, usage, model });
      return;
    }
    const { code, message, data, retryAfterMs } = answer.error;
    const error = new FermataError(code as ErrorCode, message, {
      ...(data === undefined ? {} : { data }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    if (code === 'functionNotDeterministic') this.#fault = error;
    else this.#usages.push((data?.['usage'] ?? null) as ModelUsage | null);
    waiting.reject(error);
  }
}
