#!/usr/bin/env node
// The command line. A published package runs its JavaScript; a clone runs its TypeScript, with the Node that the project
// pins where the shell's own is too old: then this file runs twice, and the first one only stands for the second.
import { existsSync } from 'node:fs';
import { findPinnedNode, isLaunched, launch, liveWithLauncher } from './launcher.js';
import { isNewEnough } from './node-version.js';
import { startQuickly } from './quick-start.js';

const published = new URL('../dist/src/cli/fermata.js', import.meta.url);
const source = new URL('../src/cli/fermata.ts', import.meta.url);
const launched = isLaunched();
const pinned = launched || isNewEnough() ? undefined : findPinnedNode();

if (pinned !== undefined) launch(pinned);
else if (launched || isNewEnough()) {
  if (launched) liveWithLauncher();
  startQuickly();
  await import(existsSync(published) && !existsSync(source) ? published.href : source.href);
} else await import('./preflight.js');
