// Runs a program of the clone with a Node that is new enough: `node bin/run.js bench/run.ts --only W2`.
// npm 10 leaves the pinned Node out of node_modules/.bin when it installs it, so that scripts would get the shell's own.
import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { findPinnedNode } from './launcher.js';
import { isNewEnough } from './node-version.js';

const node = isNewEnough() ? process.execPath : findPinnedNode();
if (node === undefined) await import('./preflight.js');
else {
  const PATH = [dirname(node), process.env['PATH'] ?? ''].join(delimiter);
  const sooner = ['--import', new URL('./quickly.js', import.meta.url).href];
  const child = spawn(node, [...sooner, ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, PATH } });
  // Ctrl-C reaches the child as well; this process stays to tell how it ended.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (status) => process.exit(status ?? 1));
}
