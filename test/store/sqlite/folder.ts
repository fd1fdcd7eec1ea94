/** An empty folder for a test's database files, and processes that use them. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach } from 'vitest';

/** Inside a `describe`: a function that gives the path of a file in the running test's folder. */
export function folderOfTest(): (name: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fermata-sqlite-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}

export const CHILD = join(import.meta.dirname, 'child.ts');

/** Starts a program and waits for its first line, which is JSON. */
export async function firstLine(
  program: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; line: unknown }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) return { child, line: JSON.parse(line) as unknown };
  return { child, line: undefined };
}

/** Resolves when the process has ended. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
