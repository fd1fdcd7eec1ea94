/**
 * A program of these tests as one file. From its sources it takes over a second to load, because of the many hundred modules
 * of its packages; as one file a fifth of that, and these tests start it some hundred times. To build it takes as long as
 * ten starts, so that the first worker of a run of tests that needs it builds it for all of them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { until } from './until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Inside of `node_modules`, so that what stays outside of the file is found. */
const CACHE = join(ROOT, 'node_modules/.cache');
/** Of programs, each followed by the process that they are built for. */
const FOLDERS = 'fermata-crash-';
/** All workers of one run of tests; where tests are watched, and the sources change meanwhile, each for itself. */
const OWNER = process.env['VITEST_MODE'] === 'RUN' ? process.ppid : process.pid;

/** A program that was built. */
export interface Program {
  readonly path: string;
}

const built = new Map<string, Promise<Program>>();

/** A file of `test/` as a program, built once. */
export function programOfProcess(file: string): Promise<Program> {
  const program = built.get(file) ?? buildProgram(file);
  built.set(file, program);
  return program;
}

/** `server.ts`. */
export function serverOfProcess(): Promise<Program> {
  return programOfProcess('crash/server.ts');
}

async function buildProgram(file: string): Promise<Program> {
  removeLeft();
  const name = file.replace(/\.ts$/, '').replaceAll('/', '-');
  const folder = join(CACHE, `${FOLDERS}${OWNER}`, name);
  const path = join(folder, `${name}.cjs`);
  mkdirSync(dirname(folder), { recursive: true });
  if (isFirst(folder)) await build(file, path);
  else await until(`another worker to build ${file}`, () => existsSync(path));
  return { path };
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/**
 * Packages with native parts, or with tables that few need, stay outside. CommonJS loads sooner: to import `node:http`
 * makes all of it ready for use, `fetch` and WebSockets included.
 */
async function build(file: string, path: string): Promise<void> {
  const folder = dirname(path);
  const bundle = await rolldown({
    input: join(ROOT, 'test', file),
    platform: 'node',
    external: ['better-sqlite3', /^gpt-tokenizer/],
    logLevel: 'silent',
  });
  const written = join(folder, 'written.cjs');
  const minify = { compress: false, mangle: false, codegen: { removeWhitespace: true } };
  await bundle.write({ file: written, format: 'cjs', codeSplitting: false, minify });
  await bundle.close();
  // The one thing that the sources read from beside themselves at start.
  cpSync(join(ROOT, 'src/store/sqlite/migrations'), join(folder, 'migrations'), { recursive: true });
  await leaveCompiled(written, join(folder, 'first.db'));
  // Whoever waits for it finds all of it.
  renameSync(written, path);
}

/** Lives once up to its readiness, and leaves its compiled code on the way out, which killed servers never do. */
async function leaveCompiled(path: string, database: string): Promise<void> {
  const settings = { file: database, port: 0, model: 'http://127.0.0.1:9/v1', callLog: '', aheadMs: 0, stuck: false };
  const child = spawn(process.execPath, [path, JSON.stringify(settings)], {
    env: environmentOf(path),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  // The server says it with a line.
  await Promise.race([once(child, 'message'), once(child.stdout ?? child, 'data'), ended]);
  if (child.connected) child.disconnect();
  await ended;
}

/** Removes what processes built that are gone: a worker of tests is ended without a chance to do so itself. */
function removeLeft(): void {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    if (name.startsWith(FOLDERS) && !isThere(Number(name.slice(FOLDERS.length))))
      rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The environment in which a program that was built starts sooner: compiled code lies beside it. */
export function environmentOf(path: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), 'compiled') };
}
