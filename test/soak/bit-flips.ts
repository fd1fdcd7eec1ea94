/**
 * Bits that turn over on the disk: of a database that was closed well, and of one with a live log. Whatever the API then
 * says is the truth, or says that the database is damaged; never is it silently wrong.
 *
 * All of it happens in this process: the definitions of machines are texts of their sources, and a bundled server has
 * other ones.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compose } from '../../src/compose.ts';
import { FermataError } from '../../src/errors.ts';
import { createLogger } from '../../src/http/log.ts';
import { serve } from '../../src/http/server.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { chanceOf, type Chance } from '../crash/chance.ts';
import { copyDatabase } from '../crash/database-files.ts';
import { startModel } from '../crash/model.ts';
import { registered } from '../crash/registered.ts';
import { Load } from './load/load.ts';
import { lastTransactionIn } from './rot/last-commit.ts';
import { observe, type Observations } from './rot/observe.ts';
import type { Trial } from './trial.ts';

/** Of each file in a trial. */
const FLIPS = 40;
/** Of the database that is in work: before its log is moved for the first time, the file is one page. */
const LEAST_BYTES = 1_000_000;
const NAME = 'fermata.db';
const LOG = `${NAME}-wal`;
const SAYS_SO = '"databaseCorrupt"';

/** What a flip did, as far as anybody can see. */
type Effect = 'unseen' | 'said' | 'unclear' | 'silent';

export const trial: Trial = {
  name: 'bit-flips',
  missing: () => undefined,
  async run(seed) {
    const chance = chanceOf('bit-flips', seed);
    const folder = mkdtempSync(join(tmpdir(), 'fermata-flips-'));
    try {
      const { live, calm } = await makeDatabases(folder, chance);
      const counts: Record<string, number> = {};
      const copy = join(folder, 'copy');
      for (const [original, flipped] of [
        [calm, NAME],
        [live, NAME],
        [live, LOG],
      ] as const) {
        const truth = await observe(join(copyTo(copy, original), NAME));
        assert.equal(await effectOn(join(copyTo(copy, original), NAME), truth), 'unseen', 'what no bit at all does');
        const effects = new Set<Effect>();
        for (let flip = 0; flip < FLIPS; flip++) {
          const at = flipIn(join(copyTo(copy, original), flipped), chance);
          const effect = await effectOn(join(copy, NAME), truth);
          assert.notEqual(effect, 'silent', `a flip at byte ${at} of ${flipped} in ${basename(original)}`);
          effects.add(effect);
          const what = `${flipped === LOG ? 'in logs' : 'in files'} ${effect}`;
          counts[what] = (counts[what] ?? 0) + 1;
        }
        assert.ok(effects.has('said'), `some of ${FLIPS} flips in ${flipped} of ${basename(original)} are found`);
      }
      return counts;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** Folders with a database as it stands in the middle of work, and as it is left by a server that has stopped. */
async function makeDatabases(folder: string, chance: Chance) {
  const model = await startModel({ firstTokenMs: 20 });
  const file = join(folder, NAME);
  const fermata = await compose({
    store: sqliteStore(file),
    config: registered(join(folder, 'calls.jsonl')),
    environment: { OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: model.baseUrl },
  });
  const serving = await serve({ fermata, log: createLogger({ level: 'silent' }), port: 0 });
  const load = new Load({ url: serving.url, chance, kilobytes: 60 });
  load.begin(10);
  while (statSync(file).size < LEAST_BYTES) {
    await load.progress(30);
    load.begin(5);
  }
  await load.progress(1 + chance(30));
  // Between two commits: SQLite does nothing beside this line.
  const live = copyTo(join(folder, 'live'), folder);
  await load.done();
  await serving.close();
  await model.stop();
  return { live, calm: copyTo(join(folder, 'calm'), folder) };
}

function copyTo(to: string, from: string): string {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  copyDatabase(join(from, NAME), join(to, NAME));
  return to;
}

/** Flips one bit of a file; of a log, one before its last transaction. Returns the byte it is in. */
function flipIn(file: string, chance: Chance): number {
  const bytes = readFileSync(file);
  const at = chance(file.endsWith(LOG) ? lastTransactionIn(bytes) : bytes.length);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << chance(8)), at);
  writeFileSync(file, bytes);
  return at;
}

async function effectOn(file: string, truth: Observations): Promise<Effect> {
  let seen: Observations;
  try {
    seen = await observe(file, [...truth.keys()]);
  } catch (thrown) {
    return thrown instanceof FermataError ? 'said' : 'unclear';
  }
  const different = [...truth].flatMap(([path, answer]) => (seen.get(path) === answer ? [] : [seen.get(path) ?? '']));
  if (different.length === 0) return 'unseen';
  if (different.some((answer) => !answer.startsWith('5') && !answer.includes(SAYS_SO))) return 'silent';
  return different.every((answer) => answer.includes(SAYS_SO)) ? 'said' : 'unclear';
}
