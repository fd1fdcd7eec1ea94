/**
 * Writes a golden set: `node test/golden/write.ts 2026-11-a`. A set that is there is never written again: what it holds
 * is what an earlier version wrote.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../src/errors.ts';
import { endedRuns, restingRuns, type Expected } from './record.ts';
import { finish, tell } from './story.ts';
import { openWorld } from './world.ts';

const [name = ''] = process.argv.slice(2);
const folder = join(import.meta.dirname, name);
if (!/^\d{4}-\d{2}-\w+$/.test(name))
  throw new FermataError('invalidRequest', `Expected the name of a set, such as 2026-11-a; came "${name}".`);
if (existsSync(folder))
  throw new FermataError('alreadyExists', `The set "${name}" exists, and is kept as it was written. Name a new one.`);
mkdirSync(folder);
try {
  await write(join(folder, 'golden.db'));
} catch (thrown) {
  rmSync(folder, { recursive: true });
  throw thrown;
}

async function write(file: string): Promise<void> {
  const { runs, now } = await tell(file);
  compact(file);
  const copy = join(folder, 'copy.db');
  copyFileSync(file, copy);
  const looking = await openWorld(copy, { now, answering: false, passive: true });
  const resting = await restingRuns(looking);
  await looking.close();
  const ending = await finish(copy, runs, now);
  const ended = await endedRuns(ending, resting);
  await ending.close();
  const beside = [file, copy].flatMap((path) => [`${path}.lock`, `${path}.sums`, `${path}.deciding`]);
  for (const left of [copy, ...beside]) rmSync(left, { force: true });
  const expected: Expected = { now, runs, resting, ended };
  writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`);
}

/** Without free pages, and without a log beside it. */
function compact(file: string): void {
  const driver = new BetterSqlite3(file);
  driver.exec('vacuum');
  driver.pragma('wal_checkpoint(truncate)');
  driver.close();
}
