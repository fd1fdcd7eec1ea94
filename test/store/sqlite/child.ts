/**
 * A process of its own that uses a store: `node child.ts SETTINGS`, where the settings are JSON. It prints one line of JSON.
 *
 * `open`: tries to open the file. `hold`: opens it and keeps it until it is killed. `commit`: ten commits. `counted`: the same,
 * after somebody has asked how many runs there are.
 * `fill`: commits until one fails, then once more. `leave`: ten commits, then `process.exit` without a close.
 */
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { StoreError } from '../../../src/store/store.ts';
import { begin, changes, entry, group, runKey, state } from '../contract/rows.ts';

/** What the process is told; where there is no command, it opens the file. */
export interface ChildSettings {
  readonly command?: 'open' | 'hold' | 'commit' | 'counted' | 'fill' | 'leave';
  readonly file: string;
}

const { command = 'open', file } = JSON.parse(process.argv[2] ?? '') as ChildSettings;
const store = sqliteStore(file);
const owner = runKey('a');

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function outcomeOf(revision: number): Promise<string> {
  const dataJson = JSON.stringify('x'.repeat(4_000));
  try {
    const entries = [entry(revision + 1, revision + 1, { dataJson })];
    await store.commit(group([changes(owner, revision, { entries, state: state({ seq: revision + 1 }) })]));
    return 'committed';
  } catch (error) {
    return error instanceof StoreError ? error.outcome : String(error);
  }
}

async function fill(): Promise<void> {
  let revision = 1;
  let outcome = 'committed';
  while (outcome === 'committed') {
    outcome = await outcomeOf(revision);
    if (outcome === 'committed') revision++;
  }
  const seen = (await store.run(owner))?.revision;
  print({ outcome, revision, seen, next: await outcomeOf(revision), healthy: await store.healthy() });
}

async function obey(): Promise<void> {
  await store.open();
  if (command === 'counted') await store.counts();
  if (['fill', 'commit', 'counted', 'leave'].includes(command)) await store.commit(group([begin(owner)]));
  if (command === 'fill') await fill();
  else if (['commit', 'counted', 'leave'].includes(command))
    for (let revision = 1; revision <= 10; revision++) await outcomeOf(revision);
  if (command === 'leave') {
    print({ left: true });
    process.exit(0);
  }
  if (command === 'hold') {
    print({ held: true });
    process.stdin.resume();
  } else {
    if (command !== 'fill') print({ opened: true });
    await store.close();
  }
}

// No `await` at the top level: this is built as CommonJS, which loads sooner.
void obey().catch((error: unknown) =>
  print({ code: error instanceof Error && 'code' in error ? error.code : 'none', message: String(error) }),
);
