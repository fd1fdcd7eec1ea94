/** An empty folder for a test's database files, and processes that use them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { environmentOf, programOfProcess, type Program } from '../../crash/program.ts';
import type { ChildSettings } from './child.ts';

/** Inside a `describe`: a function that gives the path of a file in the running test's folder. */
export function folderOfTest(): (name: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fermata-sqlite-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}

/** A process that has said its first line, which is JSON. */
interface Started {
  readonly child: ChildProcess;
  readonly line: unknown;
}

/**
 * Inside a `describe`: builds `child.ts`, and gives a function that starts it, under a program that becomes it where one is
 * given: `['strace', '-f']`.
 */
export function childOfTest(): (settings: ChildSettings, under?: readonly string[]) => Promise<Started> {
  let program: Program;
  beforeAll(async () => {
    program = await programOfProcess('store/sqlite/child.ts');
  });
  return async (settings, under = []) => {
    const [command, ...args] = [...under, process.execPath, program.path, JSON.stringify(settings)];
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: environmentOf(program.path) });
    for await (const line of createInterface(child.stdout)) return { child, line: JSON.parse(line) as unknown };
    return { child, line: undefined };
  };
}

/** Resolves when the process has ended. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
