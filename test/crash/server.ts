/**
 * The server that the tests of crashes kill: a process of its own with a real file, a real clock and the public HTTP API.
 * `node server.ts SETTINGS`, where the settings are JSON. It prints one line, `{"url": …}`, once it serves.
 *
 * Where a crash point is given, the process kills itself when it comes there for the n-th time: no handler runs, nothing
 * is flushed, as when the machine's memory runs out.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CodeFunction } from '../../actors/code.ts';
import { compose } from '../../src/compose.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';

/** What the process is told. */
export interface ServerSettings {
  readonly file: string;
  /** Where the model is. */
  readonly model: string;
  /** The function `count` writes each of its calls there, a line of JSON each. */
  readonly callLog: string;
  /** Where to die, and at which time of coming there. */
  readonly crash?: { readonly point: CrashPoint; readonly nth: number } | undefined;
}

const { file, model, callLog, crash } = JSON.parse(process.argv[2] ?? '') as ServerSettings;
let left = crash?.nth ?? 0;

function dieHere(reached: CrashPoint): void {
  if (reached === crash?.point && --left === 0) process.kill(process.pid, 'SIGKILL');
}

const count: CodeFunction = async ({ items }, { idempotencyKey, task, progress, signal }) => {
  appendFileSync(callLog, `${JSON.stringify({ key: idempotencyKey, prompt: task })}\n`);
  progress(50, 'half of it');
  await pause(15, undefined, { signal });
  return { counted: items };
};

const die: CodeFunction = async () => {
  await pause(1);
  process.kill(process.pid, 'SIGKILL');
};

const fermata = await compose({
  store: sqliteStore(file),
  config: { functions: { count, die } },
  environment: { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model },
  crashPoint: dieHere,
});
const { url } = await serve({ fermata, log: createLogger({ level: 'silent' }), port: 0 });
process.stdout.write(`${JSON.stringify({ url })}\n`);
