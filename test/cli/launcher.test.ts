/**
 * The entry on a Node that is too old: a launcher, and a child under the pinned Node. In a copy in which no Node is new
 * enough, so that the one of these tests is too old.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, OF_COPY, ROOT, start, type Running } from './entry.ts';

/** Says which signals it gets; the last one ends it. */
const LISTENER = `
for (const signal of ['SIGINT', 'SIGHUP', 'SIGWINCH']) process.on(signal, () => console.log(signal));
process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(Number(process.argv[2])); });
// Longer than any test: one that fails must leave nobody behind.
setTimeout(() => process.exit(9), 60_000);
console.log(\`ready \${process.pid} of \${process.ppid} \${process.env.FERMATA_LAUNCHER ?? 'clean'}\`);
`;

/** A copy of the entry whose program is `program`, or the real one. */
function copy(program?: string): string {
  const directory = folder();
  cpSync(join(ROOT, 'bin'), join(directory, 'bin'), { recursive: true });
  const versions = join(directory, 'bin/node-version.js');
  writeFileSync(versions, readFileSync(versions, 'utf8').replace(/OLDEST = \[.*\]/, 'OLDEST = [999, 0]'));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  if (program === undefined) {
    for (const part of ['src', 'machines', 'actors', 'inspector']) symlinkSync(join(ROOT, part), join(directory, part));
  } else {
    mkdirSync(join(directory, 'src/cli'), { recursive: true });
    writeFileSync(join(directory, 'src/cli/fermata.ts'), program);
  }
  return directory;
}

function launch(directory: string, ...args: readonly string[]): Running {
  return start(process.execPath, [join(directory, 'bin/fermata.js'), ...args], { directory, environment: OF_COPY });
}

/** Process ids of the child, once it listens, and of its launcher. */
async function ready({ saw }: Running): Promise<{ readonly child: number; readonly launcher: number }> {
  const [, child, launcher, told] = await saw(/ready (\d+) of (\d+) (\w+)/);
  // What the program starts must not take itself for launched.
  expect(told).toBe('clean');
  return { child: Number(child), launcher: Number(launcher) };
}

describe.skipIf(process.platform === 'win32')('the launcher', () => {
  it('L1: killed with -9 takes the server along, and its database is free', async () => {
    const directory = copy();
    const serve = launch(directory, 'serve', '--port', '0', '--db', 'my.db');
    await serve.saw(/listens on/);
    serve.child.kill('SIGKILL');
    // Its output ends only when the server is gone as well.
    expect((await serve.ended).signal).toBe('SIGKILL');
    const again = launch(directory, 'serve', '--port', '0', '--db', 'my.db');
    await again.saw(/listens on/);
    again.child.kill('SIGTERM');
    expect(await again.ended).toMatchObject({ status: 0, err: expect.stringContaining('Stopped.') });
  });

  it('where there is no other Node: a clone can get one by npm install, a package cannot', async () => {
    const directory = copy(LISTENER);
    rmSync(join(directory, 'node_modules'));
    const inClone = await launch(directory).ended;
    expect(inClone).toMatchObject({
      status: 1,
      err: expect.stringMatching(/run "npm install" again.*or install Node/),
    });
    rmSync(join(directory, 'src'), { recursive: true });
    const installed = await launch(directory).ended;
    expect(installed.err).toMatch(/Fermata needs Node 999.*: install Node 24/);
    expect(installed.err).not.toContain('npm install');
  });

  it.each(['SIGINT', 'SIGHUP', 'SIGWINCH'] as const)('L2: %s to it alone reaches the child once', async (signal) => {
    const run = launch(copy(LISTENER), '7');
    expect((await ready(run)).launcher).toBe(run.child.pid);
    run.child.kill(signal);
    await run.saw(new RegExp(`^${signal}$`, 'm'));
    run.child.kill('SIGTERM');
    const { status, out } = await run.ended;
    expect(out.trim().split('\n').slice(1)).toEqual([signal, 'SIGTERM']);
    expect(status).toBe(7);
  });

  it('L2: a signal to the whole process group reaches the child once', async () => {
    const directory = copy(LISTENER);
    const run = start(process.execPath, [join(directory, 'bin/fermata.js'), '7'], {
      directory,
      environment: OF_COPY,
      ownGroup: true,
    });
    const { child } = await ready(run);
    process.kill(-Number(run.child.pid), 'SIGINT');
    await run.saw(/^SIGINT$/m);
    // To the launcher, behind whatever it made of the first one.
    run.child.kill('SIGWINCH');
    await run.saw(/SIGWINCH/);
    process.kill(child, 'SIGTERM');
    const { status, out } = await run.ended;
    expect(out.match(/SIG[A-Z]+/g)).toEqual(['SIGINT', 'SIGWINCH', 'SIGTERM']);
    expect(status).toBe(7);
  });

  it.skipIf(!existsSync('/usr/bin/script'))('L2: Ctrl-C of a terminal reaches the child once', async () => {
    const directory = copy(LISTENER);
    const line = `exec ${process.execPath} ${join(directory, 'bin/fermata.js')} 7`;
    const terminal = start('/usr/bin/script', ['-qec', line, '/dev/null'], { directory, environment: OF_COPY });
    const { child, launcher } = await ready(terminal);
    terminal.child.stdin?.write('\u0003');
    await terminal.saw(/SIGINT/);
    // As above.
    process.kill(launcher, 'SIGWINCH');
    await terminal.saw(/SIGWINCH/);
    process.kill(child, 'SIGTERM');
    const { status, out } = await terminal.ended;
    expect(out.match(/SIG[A-Z]+/g)).toEqual(['SIGINT', 'SIGWINCH', 'SIGTERM']);
    expect(status).toBe(7);
  });

  it.each([
    ['process.exit(3)', { status: 3, signal: null }],
    [`process.kill(process.pid, 'SIGKILL')`, { status: null, signal: 'SIGKILL' }],
    [`process.kill(process.pid, 'SIGTERM')`, { status: null, signal: 'SIGTERM' }],
  ])('L3: ends as the child does: %s', async (program, expected) => {
    expect(await launch(copy(program)).ended).toMatchObject(expected);
  });
});
