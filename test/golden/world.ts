/** A Fermata on a golden file: with a clock that stands still, a model on a real socket, and functions that a set was written with. */
import { compose, type Fermata } from '../../src/compose.ts';
import { FermataError } from '../../src/errors.ts';
import { effect } from '../../src/runtime/effect.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../harness/clock.ts';
import {
  answerEmbedding,
  answerError,
  answerWith,
  startRawModelServer,
  type RawExchange,
} from '../harness/raw-model-server.ts';
import { machines } from './machines.ts';
import { settings, vectorOf } from './money.ts';

/** How it is opened. */
export interface WorldOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** True: what is asked is answered. False: what has `hang` in it is not, and what is flaky fails. */
  readonly answering: boolean;
  readonly passive?: boolean;
  /** Ids for what is begun; default: none may be. */
  readonly newId?: () => string;
  /** Puts something between the runtime and the store. */
  readonly wrap?: (store: Store) => Store;
}

/** An open one. */
export interface World {
  readonly fermata: Fermata;
  readonly store: Store;
  readonly clock: ManualClock;
  /** Lets everything happen that needs no time to pass. */
  settle(): Promise<void>;
  close(): Promise<void>;
  /** The store is gone under the runtime, as in a kill. */
  crash(): Promise<void>;
}

/** Turns of the event loop after which a world that is not quiet is said to hang. */
const MAX_ROUNDS = 200_000;

/** What the model says: a plan of two tasks, a reflection that wants a second round, or the question again. */
function answerTo(prompt: string): string {
  const [, round, goal] = /^PLAN (\d) (.*)$/.exec(prompt) ?? [];
  if (round !== undefined)
    return JSON.stringify({
      tasks: [
        { name: 'look', prompt: `look ${round} ${goal}`, dependsOn: [] },
        { name: 'weigh', prompt: 'weigh', dependsOn: ['look'] },
      ],
    });
  const [, reflected] = /^REFLECT (\d)$/.exec(prompt) ?? [];
  if (reflected !== undefined) return JSON.stringify({ done: reflected === '2', answer: null, next: 'more' });
  if (prompt.includes('Reply with one word: yes or no.')) return prompt.includes('refused') ? 'no' : 'yes';
  return `an answer to: ${prompt}`;
}

/** Opens a world on a file. */
export async function openWorld(file: string, options: WorldOptions): Promise<World> {
  const { now, answering, passive = false, wrap = (store: Store) => store } = options;
  /** Calls that wait for nothing that will ever come. */
  let hanging = 0;
  const hang = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      hanging++;
      signal.addEventListener('abort', () => (hanging--, reject(signal.reason as Error)));
    });
  const waits = ({ hungUp }: RawExchange): void => {
    hanging++;
    void hungUp.then(() => hanging--);
  };
  /** Calls that wait for others: looks into the cache for who asks the same, functions for their models. */
  let behind = 0;
  const standBehind = <T>(other: Promise<T>): Promise<T> => {
    behind++;
    return other.finally(() => behind--);
  };
  const models = await startRawModelServer((exchange) => {
    const { input, model } = exchange.body;
    if (typeof input === 'string' && (answering || !input.includes('hang') || input.includes('judged')))
      return answerEmbedding(exchange, vectorOf(input), 10);
    if (input !== undefined) return waits(exchange);
    if (model === 'golden-broken') return answerError(exchange, 500, { message: 'broken' });
    const messages = exchange.body['messages'] as readonly { readonly content: string }[];
    const prompt = messages.at(-1)?.content ?? '';
    if (answering || !prompt.includes('hang') || prompt.startsWith('PLAN'))
      return answerWith(exchange, answerTo(prompt), {
        prompt_tokens: 7,
        completion_tokens: 5,
        total_tokens: 12,
      });
    waits(exchange);
  });
  const clock = new ManualClock(now);
  const store = sqliteStore(file);
  const fermata = await compose({
    store: wrap(store),
    clock,
    passive,
    environment: { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: models.baseUrl },
    newId:
      options.newId ??
      (() => {
        throw new FermataError('invalidRequest', 'Nothing new is begun in this world.');
      }),
    around: ({ src, run }) => (src === 'recall' ? standBehind(run()) : run()),
    config: {
      ...settings,
      machines,
      actors: { pay: effect({ run: async (_: unknown, { signal }) => (answering ? 'receipt' : hang(signal)) }) },
      predicates: { never: () => false },
      functions: {
        echo: (input) => input,
        work: async ({ word }, { signal }) => {
          if (word === 'fail') throw new FermataError('codeRefused', 'never');
          return word === 'hang' && !answering ? hang(signal) : `worked at ${String(word)}`;
        },
        grow: () =>
          ['one', 'two', 'three'].map((name) => ({
            name,
            kind: 'code',
            function: 'work',
            input: { word: 'input.word' },
          })),
        propose: () => ({
          tasks: [{ name: 'proposed', kind: 'code', function: 'work', input: { word: 'input.word' } }],
        }),
        follow: () => [{ name: 'after', kind: 'code', function: 'work', input: { word: 'input.word' } }],
        share: (_, { shared }) => shared.update('count', (count) => Number(count ?? 1) + 1),
        consult: async ({ word }, { model }) =>
          (await standBehind(model({ prompt: `consult ${String(word)}`, maxOutputTokens: 10 }))).text,
        big: ({ size }) => ({ text: 'big '.repeat(Number(size)), size }),
        hang: async (_, { signal }) => (answering ? 'answered' : hang(signal)),
        flaky: () => {
          if (!answering) throw new FermataError('codeFailed', 'not now');
          return 'at last';
        },
        refuse: () => {
          throw new FermataError('codeRefused', 'never');
        },
      },
    },
  });
  const settle = async (): Promise<void> => {
    for (let rounds = 0, quiet = 0; quiet < 10; rounds++) {
      await fermata.runtime.idle();
      await new Promise((resolve) => setImmediate(resolve));
      quiet = fermata.runtime.load.effectsInFlight === hanging + behind ? quiet + 1 : 0;
      if (rounds > MAX_ROUNDS)
        throw new FermataError(
          'internal',
          `${fermata.runtime.load.effectsInFlight} effects are in flight and ${hanging + behind} of them hang or wait for others; expected all of them to.`,
        );
    }
  };
  return {
    fermata,
    store,
    clock,
    settle,
    async close() {
      await settle();
      await fermata.close();
      await models.stop();
    },
    async crash() {
      await store.close();
      await models.stop();
    },
  };
}
