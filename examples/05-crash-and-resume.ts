/**
 * A crash: a child process is killed with SIGKILL in the middle of a run. The next process finishes it: what was
 * committed is not done again, and what was in flight is repeated in the open, under the same key.
 *
 *   npx node examples/05-crash-and-resume.ts
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compose, sqliteStore, workflow, type CodeFunction } from 'fermata';

const LOG = 'crash-calls.log';
const isChild = process.argv[2] === 'child';

const bake = workflow('bake')
  .task('dough', { kind: 'code', function: 'step', input: { say: '"dough"' } })
  .task('oven', { kind: 'code', function: 'step', dependsOn: ['dough'], input: { say: '"oven"' } })
  .task('cool', { kind: 'code', function: 'step', dependsOn: ['oven'], input: { say: '"cool"' } })
  .build();

/** Writes down that it was called, outside of Fermata. In the child, the oven explodes. */
const step: CodeFunction = ({ say }, { idempotencyKey, repeated }) => {
  appendFileSync(LOG, `${String(say)} ${idempotencyKey}\n`);
  if (isChild && say === 'oven') process.kill(process.pid, 'SIGKILL');
  return repeated ? `${String(say)} (repeated after a crash)` : String(say);
};

const fermata = async () => compose({ store: sqliteStore('crash.db'), config: { functions: { step } } });

if (isChild) {
  const { runtime, start } = await fermata();
  const { runId } = await start(bake);
  await runtime.waitFor(runId);
} else {
  rmSync(LOG, { force: true });
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'child']);
  console.log(`the child ended by ${child.signal ?? `status ${child.status}: ${String(child.stderr)}`}`);

  const { runtime, api, close } = await fermata();
  const [run] = await runtime.list({ limit: 1 });
  if (run !== undefined) console.log('the run went on and', (await runtime.waitFor(run.runId)).status);
  if (run !== undefined)
    for (const { name, attempts } of (await api.results(run.runId)).tasks) console.log(name, 'attempts:', attempts);
  await close();

  const calls = readFileSync(LOG, 'utf8').trimEnd().split('\n');
  console.log(`calls: ${calls.map((line) => line.split(' ')[0]).join(', ')}`);
  console.log(`different keys: ${new Set(calls).size}`);
}
