/**
 * A process of its own that migrates: `node child.ts FILE migrate|undo [POINT NTH]`. It ends itself without a warning at
 * the NTH commit, at that point of the commit path; else it prints how many runs it moved.
 */
import type { CrashPoint } from '../../../src/runtime/group.ts';
import { createRuntime } from '../../../src/runtime/runtime.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { machines } from './order.ts';

const [file = '', work, at, nth] = process.argv.slice(2);
let passed = 0;
const runtime = await createRuntime({
  store: sqliteStore(file),
  machines,
  passive: true,
  crashPoint(point: CrashPoint) {
    if (point === at && ++passed === Number(nth)) process.kill(process.pid, 'SIGKILL');
  },
});
const moved =
  work === 'undo'
    ? (await runtime.migrations.undo()).filter(({ undone }) => undone)
    : (await runtime.migrations.migrate()).filter((run) => run.moved);
await runtime.close();
process.stdout.write(`${moved.length}\n`);
