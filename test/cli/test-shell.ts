/** A shell of a test: a folder of its own, streams that are texts, signals that the test sends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Interrupt, type SignalSource } from '../../src/cli/interrupt.ts';
import { main } from '../../src/cli/program.ts';
import type { Shell } from '../../src/cli/shell.ts';

type Signal = 'SIGINT' | 'SIGTERM';

/** Signals of a test. */
export class TestSignals implements SignalSource {
  readonly exits: number[] = [];
  readonly #listeners = new Set<(signal: Signal) => void>();

  on(signal: Signal, listener: (signal: Signal) => void): void {
    // One listener hears both, as the program has it.
    if (signal === 'SIGINT') this.#listeners.add(listener);
  }

  off(_: Signal, listener: (signal: Signal) => void): void {
    this.#listeners.delete(listener);
  }

  exit(status: number): void {
    this.exits.push(status);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  send(signal: Signal): void {
    for (const listener of this.#listeners) listener(signal);
  }
}

/** What a command line came to. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A folder in which command lines run one after the other. */
export interface TestFolder {
  readonly directory: string;
  readonly signals: TestSignals;
  write(name: string, text: string): void;
  /** @param seen called with each line of progress, so that a test can act in the middle */
  run(args: readonly string[], seen?: (line: string) => void): Promise<Ran>;
}

/** Makes a folder, gone when the test is finished. */
export function testFolder(environment: Shell['environment'] = {}): TestFolder {
  const directory = mkdtempSync(join(tmpdir(), 'fermata-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const signals = new TestSignals();
  return {
    directory,
    signals,
    write: (name, text) => writeFileSync(join(directory, name), text),
    async run(args, seen = () => {}) {
      const [out, err]: [string[], string[]] = [[], []];
      const shell: Shell = {
        program: 'fermata',
        environment,
        directory,
        isTerminal: false,
        columns: 100,
        interrupt: new Interrupt(signals),
        out: (text) => void out.push(text),
        err: (text) => {
          err.push(text);
          seen(text);
        },
        style: (_, text) => text,
      };
      const status = await main(args, shell);
      return { status, out: out.join('\n'), err: err.join('\n') };
    },
  };
}
