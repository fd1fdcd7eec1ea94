/** The entry as a real process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

export const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/fermata.js');
/** Where the sources lie compiled. */
const COMPILED = process.env['NODE_COMPILE_CACHE'];

/** Environment of a process whose sources are a copy: nobody would ever clear their compiled code away. */
export const OF_COPY = { NODE_DISABLE_COMPILE_CACHE: '1' };

/** What a process came to. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly written: { out: string; err: string };
  /** It is over, and nobody holds its output any more: neither it nor what it started. */
  readonly ended: Promise<Ended>;
  /** Resolves once `expected` has been written, with what it matched; rejects where the process ends before. */
  saw(expected: RegExp): Promise<RegExpExecArray>;
}

/** How a process is started. */
export interface Options {
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** In a process group of its own, as a shell starts it. */
  readonly ownGroup?: boolean;
}

/** A folder, gone when the test is finished. */
export function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fermata-entry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

/** Starts a program, without any key, proxy or database of whoever runs the tests. */
export function start(program: string, args: readonly string[], options: Options = {}): Running {
  const { directory = folder(), environment = {}, ownGroup = false } = options;
  const child = spawn(program, args, {
    cwd: directory,
    detached: ownGroup,
    env: {
      PATH: process.env['PATH'],
      TMPDIR: directory,
      FERMATA_DEMO_PACE: '0',
      ...(COMPILED === undefined ? {} : { NODE_COMPILE_CACHE: COMPILED }),
      ...environment,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text));
  const ended = new Promise<Ended>((resolved) =>
    child.on('close', (status, signal) => resolved({ status, signal, ...written })),
  );
  return {
    child,
    written,
    ended,
    saw: (expected) =>
      new Promise((found, lost) => {
        const look = (): void => {
          const match = expected.exec(written.err) ?? expected.exec(written.out);
          if (match !== null) found(match);
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.on('close', () => lost(new Error(`${expected} was never written:\n${written.err}${written.out}`)));
        look();
      }),
  };
}

/** Starts a command of the entry. */
export function startFermata(args: readonly string[], options: Options = {}): Running {
  return start(process.execPath, [BIN, ...args], options);
}

/** Runs a command of the entry to its end. */
export function fermata(args: readonly string[], options: Options = {}): Promise<Ended> {
  return startFermata(args, options).ended;
}

/** Runs a line as a shell does. */
export function shell(line: string, options: Options = {}): Promise<Ended> {
  return start('/bin/sh', ['-c', line], options).ended;
}
