/**
 * Writes a golden set: `node test/golden/write.ts 2026-11-a`. What a set holds is what an earlier version wrote, and stays.
 * Only one of the version that is not released yet is written again, since that may still change (docs/decisions/006).
 */
import { copyFileSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import BetterSqlite3 from 'better-sqlite3';
import { FermataError } from '../../src/errors.ts';
import manifest from '../../package.json' with { type: 'json' };
import { endedRuns, keptIn, restingRuns, type Expected } from './record.ts';
import { expectedOf, PACKED } from './sets.ts';
import { finish, tell } from './story.ts';
import { openWorld } from './world.ts';

const [name = ''] = process.argv.slice(2);
const folder = join(import.meta.dirname, name);
if (!/^\d{4}-\d{2}-\w+$/.test(name))
  throw new FermataError('invalidRequest', `Expected the name of a set, such as 2026-11-a; came "${name}".`);
if (existsSync(folder) && expectedOf(name).writtenBy !== manifest.version)
  throw new FermataError(
    'alreadyExists',
    `The set "${name}" was not written by version ${manifest.version}, and is kept as it was written. Name a new one.`,
  );
const workshop = mkdtempSync(join(tmpdir(), 'fermata-golden-'));
try {
  await write(workshop);
} finally {
  rmSync(workshop, { recursive: true });
}

async function write(below: string): Promise<void> {
  const file = join(below, 'told.db');
  const { runs, now } = await tell(file);
  compact(file);
  const packed = gzipSync(readFileSync(file), { level: 9 });
  // The sums beside the file are of the one that was there before it was compact.
  const copy = join(below, 'copy.db');
  copyFileSync(file, copy);
  const looking = await openWorld(copy, { now, answering: false, passive: true });
  const resting = await restingRuns(looking);
  const atRest = await keptIn(looking);
  await looking.close();
  const ending = await finish(copy, runs, now);
  const ended = await endedRuns(ending, resting);
  const atEnd = await keptIn(ending);
  await ending.close();
  const kept = { resting: atRest, ended: atEnd };
  const expected: Expected = { writtenBy: manifest.version, now, runs, resting, ended, kept };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, PACKED), packed);
  writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`);
}

/** Without free pages, and without a log beside it. */
function compact(file: string): void {
  const driver = new BetterSqlite3(file);
  driver.exec('vacuum');
  driver.pragma('wal_checkpoint(truncate)');
  driver.close();
}
