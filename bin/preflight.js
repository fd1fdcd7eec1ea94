// Says in one sentence what to do where the pinned Node is not there: better-sqlite3 would crash without a word on an old one.
import { existsSync } from 'node:fs';
import { isNewEnough, OLDEST } from './node-version.js';

if (!isNewEnough()) {
  // Only a clone brings a Node along.
  const isClone = existsSync(new URL('../src', import.meta.url));
  const remedy = isClone
    ? 'run "npm install" again without --omit=optional (it brings the right Node along), or install Node 24'
    : 'install Node 24, and start again with it';
  console.error(`Fermata needs Node ${OLDEST.join('.')} or newer, but this is ${process.versions.node}: ${remedy}.`);
  process.exit(1);
}
