/** Tasks that look for similar questions: each transition of `running.comparing`, with money from a budget and without. */
import { expect } from 'vitest';
import type { Workbench } from '../harness/documents.ts';
import { answerEmbedding, answerWith, type RawExchange, type RawModelServer } from '../harness/raw-model-server.ts';

/** Turns of the event loop within which a request over a socket has certainly come. */
const PATIENCE = 2_000;
const SECONDS = 100;
const PAID = { prices: { openai: { '*': { input: 0, output: 10 } } }, budget: { maxCostDollars: 1 } };

/** What the other side sees of a run, one request after the other. */
class OtherSide {
  readonly #bench: Workbench;
  readonly #server: RawModelServer;
  #seen: number;

  constructor(bench: Workbench, server: RawModelServer) {
    this.#bench = bench;
    this.#server = server;
    this.#seen = server.requests.length;
  }

  /** The next request: for a vector, or of a model. */
  async next(what: 'input' | 'messages'): Promise<RawExchange> {
    const { requests } = this.#server;
    for (let turn = 0; requests.length === this.#seen && turn < PATIENCE; turn++) await this.#bench.settle();
    const exchange = requests[this.#seen++] ?? expect.fail(`no request with "${what}" has come`);
    expect(exchange.body).toHaveProperty(what);
    return exchange;
  }

  /** All vectors are the same. */
  async embeds(): Promise<void> {
    answerEmbedding(await this.next('input'), [1, 0], 1);
  }

  async says(text: string): Promise<void> {
    answerWith(await this.next('messages'), text, { prompt_tokens: 1, completion_tokens: 1 });
  }
}

type Scene = (bench: Workbench, other: OtherSide) => Promise<void>;
interface Step {
  readonly verify?: boolean;
  readonly broken?: 'compare' | 'verify';
  /** Its budget pays for its calls, and not for a vector or a verdict more. */
  readonly poor?: { readonly config: object; readonly maxOutputTokens?: number };
  readonly scene: Scene;
}

/** Its first task asks; what the others meet is here by their names. */
const STEPS: Readonly<Record<string, Step>> = {
  finds: { scene: async (_, other) => other.embeds() },
  isJudged: {
    verify: true,
    scene: async (_, other) => {
      await other.embeds();
      await other.says('yes');
    },
  },
  isRefused: {
    verify: true,
    scene: async (_, other) => {
      await other.embeds();
      await other.says('no');
      await other.says('own');
    },
  },
  comparesAgain: {
    scene: async (bench, other) => {
      await other.next('input');
      await bench.restart();
      await other.embeds();
    },
  },
  isJudgedAgain: {
    verify: true,
    scene: async (bench, other) => {
      await other.embeds();
      await other.next('messages');
      await bench.restart();
      await other.says('yes');
    },
  },
  comparesTooLong: {
    scene: async (bench, other) => {
      await other.next('input');
      await bench.advance(SECONDS);
      await other.says('own');
    },
  },
  isJudgedTooLong: {
    verify: true,
    scene: async (bench, other) => {
      await other.embeds();
      await other.next('messages');
      await bench.advance(SECONDS);
      await other.says('own');
    },
  },
  cannotCompare: { broken: 'compare', scene: async (_, other) => other.says('own') },
  cannotJudge: {
    verify: true,
    broken: 'verify',
    scene: async (_, other) => {
      await other.embeds();
      await other.says('own');
    },
  },
};

const DEAR_VECTORS = { 'text-embedding-3-small': { input: 1_000, output: 0 }, '*': { input: 0, output: 10 } };

/** The same where money is short. */
const POOR_STEPS: Readonly<Record<string, Step>> = {
  cannotPayVector: {
    poor: { config: { prices: { openai: DEAR_VECTORS }, budget: { maxCostDollars: 0.077 } } },
    scene: async (_, other) => other.says('own'),
  },
  cannotPayVerdict: {
    verify: true,
    poor: { config: { ...PAID, budget: { maxCostDollars: 0.002 } }, maxOutputTokens: 100 },
    scene: async (_, other) => {
      await other.embeds();
      await other.says('own');
    },
  },
};

/** The walks; each answers with the id of its run. */
export const COMPARING_WALKS = [false, true].flatMap((paid) =>
  Object.entries(paid ? { ...STEPS, ...POOR_STEPS } : STEPS).map(([name, { verify = false, broken, poor, scene }]) => ({
    title: `${name}${paid ? ', and pays from a budget' : ''}`,
    async walk(bench: Workbench, server: RawModelServer): Promise<string> {
      const other = new OtherSide(bench, server);
      const cache = { enabled: true, similarityThreshold: 0.9 };
      const bound = poor?.maxOutputTokens === undefined ? {} : { maxOutputTokens: poor.maxOutputTokens };
      const run = await bench.start({
        name: `compares ${name} ${paid}`,
        config: { cache, ...(paid ? (poor?.config ?? PAID) : {}) },
        tasks: [
          { name: 'asks', prompt: 'What is tea?', ...bound },
          {
            name,
            dependsOn: ['asks'],
            prompt: 'What’s tea?',
            timeoutSeconds: SECONDS,
            ...bound,
            cache: { ...cache, verify },
          },
        ],
      });
      await other.embeds();
      const first = await other.next('messages');
      bench.broken = broken;
      answerWith(first, 'tea', { prompt_tokens: 1, completion_tokens: 1 });
      await scene(bench, other);
      await bench.fermata.runtime.waitFor(run);
      bench.broken = undefined;
      expect(await bench.statuses(run)).toEqual({ asks: 'completed', [name]: 'completed' });
      return run;
    },
  })),
);
