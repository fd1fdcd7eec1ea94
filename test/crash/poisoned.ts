/** One database file, and the processes that come, die of what is in it, and come again. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished } from 'vitest';
import type { ErrorData } from '../../src/errors.ts';
import type { PoisonSettings } from './poison.ts';
import { environmentOf, programOfProcess, type Program } from './program.ts';
import { until } from './until.ts';

/** What a call came to: the process may have died of it. */
export type Outcome = { readonly value: unknown } | { readonly error: ErrorData } | 'died';

/** A process with a runtime. */
export class PoisonedProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #calls = 0;
  /** Resolves when it has opened the database, or died of it. */
  readonly opened: Promise<Outcome>;
  readonly ended: Promise<unknown>;

  constructor(program: string, settings: PoisonSettings, heapMb: number | undefined) {
    const execArgv = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`];
    this.#child = fork(program, [JSON.stringify(settings)], {
      execArgv,
      env: environmentOf(program),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    this.opened = new Promise((resolve) => this.#waiting.set(0, resolve));
    this.#child.on('message', ({ id, ...outcome }: { readonly id: number } & Exclude<Outcome, 'died'>) => {
      this.#waiting.get(id)?.(outcome);
      this.#waiting.delete(id);
    });
    this.ended = once(this.#child, 'exit').then(() => {
      for (const resolve of this.#waiting.values()) resolve('died');
    });
    onTestFinished(() => this.kill());
  }

  get isDead(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Calls a method of the runtime. */
  async call(method: string, ...args: readonly unknown[]): Promise<Outcome> {
    await this.opened;
    if (this.isDead) return 'died';
    const id = ++this.#calls;
    const outcome = new Promise<Outcome>((resolve) => this.#waiting.set(id, resolve));
    // One that dies just now is heard of by its exit; without this its broken pipe would end the wait for that.
    this.#child.send({ id, method, args }, () => {});
    return outcome;
  }

  /** Calls, and expects an answer. */
  async get<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const outcome = await this.call(method, ...args);
    expect(outcome).toHaveProperty('value');
    return (outcome as { readonly value: T }).value;
  }

  /** Starts a run of the machine `poison`. */
  async start(options: object = {}): Promise<string> {
    return (await this.get<{ readonly runId: string }>('start', 'poison', options)).runId;
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async died(): Promise<void> {
    await until('the process to die', () => this.isDead);
    await this.ended;
  }
}

/** The file. */
export class Poisoned {
  readonly file: string;
  readonly #program: Program;

  constructor(program: Program, folder: string) {
    this.#program = program;
    this.file = join(folder, 'fermata.db');
  }

  open(settings: Partial<Omit<PoisonSettings, 'file'>> & { readonly heapMb?: number } = {}): PoisonedProcess {
    const { heapMb, aheadMs = 0, model = '', stuck = false } = settings;
    return new PoisonedProcess(this.#program.path, { file: this.file, aheadMs, model, stuck }, heapMb);
  }

  /** What the process is at: the line that it will leave where it is killed now. */
  async isAt(what: RegExp): Promise<void> {
    const mark = `${this.file}.deciding`;
    await until(`the process to be at ${what.source}`, () => existsSync(mark) && what.test(readFileSync(mark, 'utf8')));
  }
}

/** In a `describe`: builds the program, and gives a function that makes a file for the running test. */
export function poisonedOfTest(): () => Poisoned {
  let program: Program;
  beforeAll(async () => {
    program = await programOfProcess('crash/poison.ts');
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'fermata-poison-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return new Poisoned(program, folder);
  };
}
