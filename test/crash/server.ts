/**
 * The server that the tests of crashes kill: a process of its own with a real file, real timers and the public HTTP API.
 * `node server.ts SETTINGS`, where the settings are JSON. It prints one line, `{"url": …}`, once it serves, and stops as
 * `fermata serve` does.
 *
 * Where a crash point is given, the process kills itself when it comes there for the n-th time: no handler runs, nothing
 * is flushed, as when the machine's memory runs out.
 */
import { once } from 'node:events';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { compose } from '../../src/compose.ts';
import type { FermataConfig } from '../../src/config.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import type { CrashPoint } from '../../src/runtime/group.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { jumpingClock } from './jumping-clock.ts';
import { registered } from './registered.ts';

/** What the process is told. */
export interface ServerSettings {
  readonly file: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where the model is. */
  readonly model: string;
  /** The registered functions write each of their calls there, a line of JSON each. */
  readonly callLog: string;
  /** Where to die, and at which time of coming there. */
  readonly crash?: { readonly point: CrashPoint; readonly nth: number } | undefined;
  /** Budgets of several runs. */
  readonly budgets?: FermataConfig['budgets'];
  /** Holds the milliseconds by which the wall clock is wrong; read again at every SIGUSR2. */
  readonly clockFile?: string | undefined;
}

const { file, port, model, callLog, crash, clockFile, budgets } = JSON.parse(process.argv[2] ?? '') as ServerSettings;
let left = crash?.nth ?? 0;

function dieHere(reached: CrashPoint): void {
  if (reached === crash?.point && --left === 0) process.kill(process.pid, 'SIGKILL');
}

await new Interrupt().during(async ({ signal }) => {
  const fermata = await compose({
    store: sqliteStore(file),
    config: { ...registered(callLog), ...(budgets === undefined ? {} : { budgets }) },
    environment: { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model },
    crashPoint: dieHere,
    ...(clockFile === undefined ? {} : { clock: jumpingClock(clockFile) }),
  });
  const serving = await serve({ fermata, log: createLogger({ level: 'silent' }), port });
  process.stdout.write(`${JSON.stringify({ url: serving.url })}\n`);
  if (!signal.aborted) await once(signal, 'abort');
  await serving.close();
});
process.exit(0);
