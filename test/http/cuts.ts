/** Streams followed through connections that break at random bytes: nothing is missing, nothing comes twice. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fraction } from '../../machines/backoff.ts';
import { createClient, type FactEvent, type StreamEvent } from '../../src/client/index.ts';
import { compose } from '../../src/compose.ts';
import { execute } from '../../src/document/execute.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { startCuttingProxy } from '../harness/cutting-proxy.ts';
import { turnsOfTheLoop } from '../harness/runtime.ts';
import { beginStream, chunk, DONE, startRawModelServer, type RawExchange } from '../harness/raw-model-server.ts';

/** Half of the connections break within a thousand bytes, the head of the response or a fact or two; some live longer. */
const MOST_BYTES = 16_000;
const MOSTLY_SHORT = 4;
/** Turns of the event loop between two pieces of the speech. */
const PAUSE = 2;
const RUNS = ['one', 'two'];
/** Characters of one to four bytes, so that cuts fall into the middle of them. */
const WORDS = 'Fermata hält an, 停一停, 𝄐 und geht weiter. ';

/** What came of it. */
export interface CutCounts {
  readonly cuts: number;
  readonly facts: number;
  readonly deltas: number;
}

/**
 * Follows one run, and beside it all runs, through `cuts` broken connections in all. Where and when they break is the
 * seed's. Throws an AssertionError where a fact is missing, comes twice or out of order, or a text has a gap.
 */
export async function followThroughCuts(seed: number, cuts: number): Promise<CutCounts> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fermata-cuts-'));
  const models = await startRawModelServer(
    (exchange) => void speak(exchange, () => ofRun.cuts < each || ofAll.cuts < each),
  );
  const log = createLogger({ level: 'silent' });
  const fermata = await compose({
    store: sqliteStore(join(folder, 'cuts.db')),
    environment: { OPENAI_API_KEY: 'none', OPENAI_BASE_URL: models.baseUrl },
    config: {
      functions: {
        async say({ n }) {
          // A step for a cut, so that whoever follows has mostly caught up and hears the speech as well.
          while (Math.min(ofRun.cuts, ofAll.cuts) < Number(n)) await turnsOfTheLoop(PAUSE);
          return WORDS.repeat(Math.floor(fraction(`${seed} say ${String(n)}`) * 12));
        },
      },
    },
  });
  const server = await serve({ fermata, log, port: 0 });
  const each = Math.floor(cuts / 2);
  const breaking = (stream: string) => (connection: number) =>
    connection < each
      ? 1 + Math.floor(fraction(`${seed} ${stream} ${connection}`) ** MOSTLY_SHORT * MOST_BYTES)
      : undefined;
  const [ofRun, ofAll] = [
    await startCuttingProxy(server.port, breaking('run')),
    await startCuttingProxy(server.port, breaking('all')),
  ];
  const clientOf = ({ url }: { readonly url: string }) => createClient({ baseUrl: url, wait: async () => {} });
  try {
    const runs: string[] = [];
    for (const name of RUNS) {
      const workflow = await fermata.workflows.create(documentOf(name, each));
      const definition = await fermata.workflows.definition(workflow.id, workflow.version);
      runs.push((await execute(fermata.runtime, workflow, definition, {})).runId);
    }
    const stop = new AbortController();
    const open = new Set(runs);
    const followed = follow(clientOf(ofRun).stream(runs[0] ?? ''), () => {});
    const all = follow(clientOf(ofAll).streamAll({ signal: stop.signal }), ({ event, data }) => {
      if (event === 'run_completed') open.delete(data.runId);
      if (open.size === 0) stop.abort();
    });
    const [one, every] = [await followed, await all];
    expect([ofRun.cuts, ofAll.cuts], 'connections that were cut').toEqual([each, each]);
    for (const run of runs) {
      const entries = await fermata.runtime.journal(run, { limit: 100_000, kind: 'fact' });
      const facts = entries.map(({ type, factSeq }) => `${factSeq} ${type}`);
      if (run === runs[0]) expect(one.facts.map(inShort)).toEqual(facts);
      expect(every.facts.filter(({ data }) => data.runId === run).map(inShort)).toEqual(facts);
    }
    return {
      cuts: ofRun.cuts + ofAll.cuts,
      facts: one.facts.length + every.facts.length,
      deltas: one.deltas + every.deltas,
    };
  } finally {
    await Promise.all([ofRun.close(), ofAll.close()]);
    await server.close();
    await models.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Answers piece by piece for as long as connections are cut, so that many of them are cut while it speaks. */
async function speak(exchange: RawExchange, goesOn: () => boolean): Promise<void> {
  const response = beginStream(exchange);
  do {
    response.write(chunk({ content: WORDS }));
    await turnsOfTheLoop(PAUSE);
  } while (goesOn());
  response.end(chunk({ content: '', finish: 'stop' }) + DONE);
}

/** A task that speaks all the time, and beside it one short step after the other. */
function documentOf(name: string, cuts: number) {
  const steps = Array.from({ length: cuts }, (_, n) => ({
    name: `${name} ${n}`,
    kind: 'code',
    function: 'say',
    input: { n: String(n) },
  }));
  return { name, config: { breadth: 2 }, tasks: [{ name: 'speech', prompt: 'Speak' }, ...steps] };
}

function inShort({ event, data }: FactEvent): string {
  return `${data.seq} ${event}`;
}

/** All facts of a stream in the order in which they came, once its texts have been put together. */
async function follow(stream: AsyncIterable<StreamEvent>, heard: (event: StreamEvent) => void) {
  const facts: FactEvent[] = [];
  const texts = new Map<string, string>();
  let deltas = 0;
  for await (const event of stream) {
    if (event.id === undefined) {
      deltas++;
      const { runId, task, attempt, offset, delta } = event.data;
      const text = `${runId} ${task} ${attempt}`;
      const before = offset === 0 ? '' : (texts.get(text) ?? '');
      expect(before.length, `a piece of the text of "${task}" follows the one before`).toBe(offset);
      texts.set(text, before + delta);
    } else {
      facts.push(event);
    }
    heard(event);
  }
  for (const { data } of facts) {
    const text = texts.get(`${data.runId} ${data.task} ${String(data['attempt'])}`);
    const { result } = data;
    if (text !== undefined && typeof result === 'string') expect(result.startsWith(text)).toBe(true);
  }
  return { facts, deltas };
}
