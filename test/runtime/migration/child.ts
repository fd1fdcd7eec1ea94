/**
 * A process of its own that migrates: `node child.ts SETTINGS`, where the settings are JSON. It ends itself without
 * a warning at the n-th commit, at that point of the commit path; else it prints how many runs it moved.
 */
import type { CrashPoint } from '../../../src/runtime/group.ts';
import { createRuntime } from '../../../src/runtime/runtime.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { machines } from './order.ts';

/** What the process is told. */
export interface MigrationSettings {
  readonly file: string;
  readonly work?: 'migrate' | 'undo';
  /** Where to die, and at which time of coming there. */
  readonly crash?: { readonly point: CrashPoint; readonly nth: number };
}

const { file, work, crash } = JSON.parse(process.argv[2] ?? '') as MigrationSettings;
let passed = 0;

async function migrate(): Promise<void> {
  const runtime = await createRuntime({
    store: sqliteStore(file),
    machines,
    passive: true,
    crashPoint(point) {
      if (point === crash?.point && ++passed === crash.nth) process.kill(process.pid, 'SIGKILL');
    },
  });
  const moved =
    work === 'undo'
      ? (await runtime.migrations.undo()).filter(({ undone }) => undone)
      : (await runtime.migrations.migrate()).filter((run) => run.moved);
  await runtime.close();
  process.stdout.write(`${moved.length}\n`);
}

// No `await` at the top level: this is built as CommonJS, which loads sooner.
void migrate();
