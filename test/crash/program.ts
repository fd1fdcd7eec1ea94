/**
 * A program of these tests as one file. From its sources it takes over a second to load, because of the many hundred modules
 * of its packages; as one file a fifth of that, and these tests start it some fifty times.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '../..');
/** Inside of `node_modules`, so that what stays outside of the file is found. */
const CACHE = join(ROOT, 'node_modules/.cache');

/** A program that was built. */
export interface Program {
  readonly path: string;
  remove(): void;
}

/** Builds `server.ts`. */
export function buildServer(): Promise<Program> {
  return buildProgram('server.ts');
}

/** Builds a file of this folder. Packages with native parts or worker threads of their own stay outside. */
export async function buildProgram(file: string): Promise<Program> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'fermata-crash-'));
  const path = join(folder, file.replace(/\.ts$/, '.js'));
  const bundle = await rolldown({
    input: join(import.meta.dirname, file),
    platform: 'node',
    external: ['better-sqlite3', 'pino'],
    logLevel: 'silent',
  });
  await bundle.write({ file: path, format: 'esm', codeSplitting: false });
  await bundle.close();
  // The one thing that the sources read from beside themselves at start.
  cpSync(join(ROOT, 'src/store/sqlite/migrations'), join(folder, 'migrations'), { recursive: true });
  // It fails for want of settings, and leaves its compiled code on the way out, which killed servers never do.
  spawnSync(process.execPath, [path], { env: environmentOf(path), stdio: 'ignore' });
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** The environment in which a program that was built starts sooner: compiled code lies beside it. */
export function environmentOf(path: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: join(dirname(path), 'compiled') };
}

let server: Promise<Program> | undefined;

/** The same for a process that needs it many times: built once, gone with the process. */
export function serverOfProcess(): Promise<Program> {
  return (server ??= buildServer().then((program) => {
    process.once('exit', () => program.remove());
    return program;
  }));
}
