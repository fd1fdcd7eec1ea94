/** A server process under test, seen from outside: started, asked over HTTP, watched over SSE, killed. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createParser } from 'eventsource-parser';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { environmentOf } from './program.ts';
import type { Crash, ServerSettings } from './server.ts';

/** A fact as it came over the wire. */
export interface WireFact {
  readonly type: string;
  readonly data: {
    readonly runId: string;
    readonly seq: number;
    readonly task?: string;
    readonly [key: string]: unknown;
  };
}

/** What the server said. */
export interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

/** How the process is started. */
export interface Launch {
  /** A program that starts ours, with its arguments: `['strace', '-D']`. It must become ours, so that signals reach it. */
  readonly under?: readonly string[];
  /** Options of Node: `['--max-old-space-size=64']`. */
  readonly node?: readonly string[];
  /** Its complaints are expected, and not shown. */
  readonly quiet?: boolean;
}

/** Servers that run; they end with this process, however it does. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A server process. What is asked of it has no answer (undefined) where it died meanwhile. */
export class ServerProcess {
  readonly #child: ChildProcess;
  /** Where it serves; undefined where it died before it did. */
  readonly url: Promise<string | undefined>;
  /** How it ended: a signal, or an exit status. */
  readonly ended: Promise<string | number>;

  /** @param program path of the built program */
  constructor(program: string, settings: ServerSettings, { under = [], node = [], quiet = false }: Launch = {}) {
    const [command, ...args] = [...under, process.execPath, ...node, program, JSON.stringify(settings)];
    const child = spawn(command, args, {
      env: environmentOf(program),
      stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit', 'ipc'],
    });
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.ended = once(child, 'exit').then(([status, signal]) => (signal ?? status) as string | number);
    this.url = firstLine(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isDead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  signal(signal: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
    this.#child.kill(signal);
  }

  /** From now on it lives no longer than that; what was under way before is done. */
  async dieAt(crash: Crash): Promise<void> {
    await this.url;
    const armed = once(this.#child, 'message');
    this.#child.send(crash);
    await Promise.race([armed, this.ended]);
  }

  async get(path: string): Promise<Answer | undefined> {
    return this.#ask(path, {});
  }

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer | undefined> {
    return this.#ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Stores a document; its id. */
  async create(document: WorkflowDocument): Promise<string> {
    const answer = await this.post('/workflows', document);
    assert.equal(answer?.status, 201, JSON.stringify(answer?.body));
    return String(answer?.body['id']);
  }

  /** Starts a run under an idempotency key; its id. */
  async execute(workflow: string, input: unknown, key: string): Promise<string | undefined> {
    const answer = await this.post(`/workflows/${workflow}/execute`, { input }, { 'idempotency-key': key });
    if (answer === undefined) return undefined;
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return String(answer.body['runId']);
  }

  /** The facts of a run from the beginning on. Ends with the run, or with the process. */
  async *facts(run: string): AsyncGenerator<WireFact, void> {
    const facts: WireFact[] = [];
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) facts.push({ type: event ?? '', data: JSON.parse(data) as WireFact['data'] });
      },
    });
    const url = await this.url;
    if (url === undefined) return;
    try {
      const response = await fetch(`${url}/api/v1/runs/${run}/stream`);
      const text = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        parser.feed(text.decode(chunk, { stream: true }));
        yield* facts.splice(0);
      }
    } catch (thrown) {
      if (!isCutOff(thrown)) throw thrown;
    }
  }

  async #ask(path: string, request: RequestInit): Promise<Answer | undefined> {
    const url = await this.url;
    if (url === undefined) return undefined;
    try {
      const response = await fetch(`${url}/api/v1${path}`, request);
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch (thrown) {
      if (isCutOff(thrown)) return undefined;
      throw thrown;
    }
  }
}

async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  if (stdout === null) return undefined;
  for await (const line of createInterface(stdout)) return (JSON.parse(line) as { url: string }).url;
  return undefined;
}

/** What `fetch` throws where the other side is gone. */
function isCutOff(thrown: unknown): boolean {
  return thrown instanceof TypeError;
}
