/**
 * Providers that misbehave, in whole runs over real sockets: whatever they do, the task ends in a declared status within
 * its timeout, the run with it, and nothing is left in memory.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';
import {
  answerError,
  answerWith,
  beginStream,
  chunk,
  DONE,
  startRawModelServer,
  type RawExchange,
  type RawModelServer,
} from '../harness/raw-model-server.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';

const TIMEOUT_SECONDS = 10;

interface Fault {
  readonly name: string;
  /** What the provider does. */
  answer(exchange: RawExchange): void;
  readonly status: 'completed' | 'failed' | 'timedOut';
  readonly code?: string;
  /** Nothing but the timeout ends it. */
  readonly endless?: true;
  readonly task?: object;
  /** Of the completed task. */
  readonly result?: unknown;
  readonly usage?: unknown;
  /** What a failed task tells of its calls. */
  readonly paid?: object;
  /** Calls that reach the provider; default 1. */
  readonly calls?: number;
}

const COUNTED = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const FINISH = chunk({ content: '', finish: 'stop' });
const TEN_MEGABYTES = 'fermata '.repeat(1_310_720);

const FAULTS: readonly Fault[] = [
  { name: 'hangs before it answers', answer: () => {}, status: 'timedOut', code: 'taskTimedOut', endless: true },
  {
    name: 'hangs in the middle of its answer',
    answer: (exchange) => void beginStream(exchange).write(chunk({ content: 'Once' })),
    status: 'timedOut',
    code: 'taskTimedOut',
    endless: true,
  },
  {
    name: 'trickles without end',
    answer: (exchange) => void trickle(exchange),
    status: 'timedOut',
    code: 'taskTimedOut',
    endless: true,
  },
  {
    name: 'breaks off in the middle of its answer',
    answer: (exchange) =>
      void beginStream(exchange).write(chunk({ content: 'Once' }), () => exchange.response.destroy()),
    status: 'failed',
    code: 'modelCut',
  },
  {
    name: 'sends a chunk that is no JSON',
    answer: (exchange) => void beginStream(exchange).end(`${chunk({ content: 'Once' })}data: {"choices": [\n\n${DONE}`),
    status: 'failed',
    code: 'modelCut',
  },
  {
    name: 'answers no JSON where JSON was asked for, twice',
    answer: (exchange) => answerWith(exchange, '{"broken": '),
    task: { responseFormat: 'json' },
    status: 'failed',
    code: 'invalidAnswer',
    calls: 2,
  },
  {
    name: 'opens a fence and writes nothing but blanks',
    answer: (exchange) => answerWith(exchange, `\`\`\`json\n${' '.repeat(400_000)}`, COUNTED),
    task: { responseFormat: 'json' },
    status: 'failed',
    code: 'invalidAnswer',
    calls: 2,
  },
  {
    name: 'nests its JSON deeper than anything is kept, twice, and is paid for both',
    answer: (exchange) => answerWith(exchange, '['.repeat(5_000) + ']'.repeat(5_000), COUNTED),
    task: { responseFormat: 'json' },
    status: 'failed',
    code: 'invalidAnswer',
    calls: 2,
    paid: { inputTokens: 6, outputTokens: 4 },
  },
  {
    name: 'calls a tool that nobody offered',
    answer: (exchange) => void beginStream(exchange).end(toolCall() + DONE),
    status: 'failed',
    code: 'invalidAnswer',
  },
  {
    name: 'answers ten megabytes',
    answer: (exchange) => answerWith(exchange, TEN_MEGABYTES),
    status: 'completed',
    result: TEN_MEGABYTES,
  },
  {
    name: 'sends its last chunks twice',
    answer(exchange) {
      const usage = chunk({ usage: COUNTED });
      beginStream(exchange).end(chunk({ content: 'Once' }) + FINISH + FINISH + usage + usage + DONE);
    },
    status: 'completed',
    result: 'Once',
    usage: { inputTokens: 3, outputTokens: 2 },
  },
  {
    name: 'answers 429',
    answer: (exchange) =>
      answerError(exchange, 429, { message: 'slow down', type: 'requests' }, { 'retry-after': '5' }),
    status: 'failed',
    code: 'modelRateLimited',
  },
  {
    name: 'answers 500',
    answer: (exchange) => answerError(exchange, 500, { message: 'oops', type: 'server_error' }),
    status: 'failed',
    code: 'modelUnavailable',
  },
  ...(
    [
      ['negative', { prompt_tokens: -5, completion_tokens: 2, total_tokens: -3 }],
      ['not whole', { prompt_tokens: 1.5, completion_tokens: 2 }],
      ['beyond all numbers', { prompt_tokens: 1e300, completion_tokens: 2 }],
      ['text', { prompt_tokens: 'many', completion_tokens: 2 }],
    ] as const
  ).map(([how, usage]): Fault => ({
    name: `reports a usage that is ${how}`,
    answer: (exchange) => answerWith(exchange, 'Once', usage),
    status: 'completed',
    result: 'Once',
    usage: null,
  })),
  {
    name: 'resets the connection',
    answer: ({ response }) => void response.socket?.resetAndDestroy(),
    status: 'failed',
    code: 'modelUnavailable',
  },
  {
    name: 'speaks no TLS where TLS is expected',
    answer: (exchange) => answerWith(exchange, 'never'),
    task: { provider: 'secure' },
    status: 'failed',
    code: 'modelUnavailable',
    calls: 0,
  },
];

/** A character at each turn of the loop, until the client has had enough. */
async function trickle(exchange: RawExchange): Promise<void> {
  const response = beginStream(exchange);
  while (!response.destroyed) {
    response.write(chunk({ content: '.' }));
    await turnsOfTheLoop(5);
  }
}

function toolCall(): string {
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'rm', arguments: '{"path": "/"}' } };
  const choice = { index: 0, delta: { tool_calls: [call] }, finish_reason: 'tool_calls' };
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [choice] })}\n\n`;
}

describe('a provider that', () => {
  let server: RawModelServer;
  let bench: Workbench;
  let answer: Fault['answer'] = () => {};

  beforeAll(async () => {
    server = await startRawModelServer((exchange) => answer(exchange));
    const plain = { apiKey: 'none', baseUrl: server.baseUrl };
    const secure = { apiKey: 'none', baseUrl: server.baseUrl.replace('http:', 'https:') };
    bench = await Workbench.open({ openai: plain, secure });
  });
  afterAll(async () => {
    await bench.close();
    await server.stop();
  });

  it.each(FAULTS)('$name: the task is $status', async (fault) => {
    const { runtime } = bench.fermata;
    const { length: before } = server.requests;
    const began = bench.clock.now();
    answer = fault.answer;
    const asked = fault.endless === true ? server.nextRequest() : undefined;
    const task = {
      name: 'ask',
      prompt: 'Ask',
      timeoutSeconds: TIMEOUT_SECONDS,
      retry: { maxRetries: 0 },
      ...fault.task,
    };
    const run = await bench.start({ tasks: [task] });
    if (asked !== undefined) {
      await asked;
      await turnsOfTheLoop();
      await bench.advance(TIMEOUT_SECONDS);
    }
    const { status, reason } = await runtime.waitFor(run);
    await bench.settle();
    expect([status, await bench.statuses(run)]).toEqual([
      fault.status === 'completed' ? 'completed' : 'failed',
      { ask: fault.status },
    ]);
    if (fault.code !== undefined) expect(reason).toMatchObject({ code: fault.code });
    if (fault.paid !== undefined) expect(reason).toMatchObject({ data: { usage: fault.paid } });
    expect(bench.clock.now() - began).toBeLessThanOrEqual((TIMEOUT_SECONDS + 1) * 1_000);
    expect(server.requests.length - before).toBe(fault.calls ?? 1);
    expect(runtime.load).toEqual({ residentRuns: 0, effectsInFlight: 0 });
    const completed = (await bench.facts(run)).find(({ type }) => type === 'task_completed')?.data;
    if (fault.result !== undefined) expect(completed?.['result'] === fault.result).toBe(true);
    if (fault.usage === null) expect(completed?.['usage']).toBeNull();
    else if (fault.usage !== undefined) expect(completed?.['usage']).toMatchObject(fault.usage);
  });
});
