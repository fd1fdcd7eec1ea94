/**
 * A program of these tests as one file. From its sources it takes over a second to load, because of the many hundred modules
 * of its packages; as one file a fifth of that, and these tests start it some hundred times. To build it takes as long as
 * five starts, so that a process which needs it builds it once.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '../..');
/** Inside of `node_modules`, so that what stays outside of the file is found. */
const CACHE = join(ROOT, 'node_modules/.cache');
/** Of programs, each followed by the process that built them. */
const FOLDERS = 'fermata-crash-';

/** A program that was built. */
export interface Program {
  readonly path: string;
}

const built = new Map<string, Promise<Program>>();

/** A file of this folder as a program, built once. */
export function programOfProcess(file: string): Promise<Program> {
  const program = built.get(file) ?? buildProgram(file);
  built.set(file, program);
  return program;
}

/** `server.ts`. */
export function serverOfProcess(): Promise<Program> {
  return programOfProcess('server.ts');
}

/** Packages with native parts or worker threads of their own stay outside. */
async function buildProgram(file: string): Promise<Program> {
  removeLeft();
  const folder = join(CACHE, `${FOLDERS}${process.pid}`, file);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, file.replace(/\.ts$/, '.js'));
  const bundle = await rolldown({
    input: join(import.meta.dirname, file),
    platform: 'node',
    external: ['better-sqlite3', 'pino', /^gpt-tokenizer/, /^@pydantic\//],
    logLevel: 'silent',
  });
  await bundle.write({ file: path, format: 'esm', codeSplitting: false });
  await bundle.close();
  // The one thing that the sources read from beside themselves at start.
  cpSync(join(ROOT, 'src/store/sqlite/migrations'), join(folder, 'migrations'), { recursive: true });
  // It fails for want of settings, and leaves its compiled code on the way out, which killed servers never do.
  spawnSync(process.execPath, [path], { env: environmentOf(path), stdio: 'ignore' });
  return { path };
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
