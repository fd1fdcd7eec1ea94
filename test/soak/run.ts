/**
 * Minutes of trouble: `npm run soak -- --minutes 10 [--seed N] [--only KIND] [--trials N]`.
 *
 * Ends with a line for each kind, and with status 1 where one failed: its kind and seed are said, and both together
 * reproduce it alone. `TEST_REPORTS` names a folder for a report like the test runner's own, each kind a test.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FermataError } from '../../src/errors.ts';
import { passed, soak, type KindReport } from './soak.ts';
import type { Trial } from './trial.ts';

const isCi = process.env['CI'] === 'true';

async function loadKinds(only: string | undefined): Promise<readonly Trial[]> {
  const files = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !/^run\.|\.test\./.test(file),
  );
  const modules = await Promise.all(
    files.map(async (file) => (await import(join(import.meta.dirname, file))) as { readonly trial?: Trial }),
  );
  const kinds = modules.flatMap(({ trial }) => trial ?? []);
  if (only === undefined) return kinds;
  const one = kinds.filter(({ name }) => name === only);
  if (one.length > 0) return one;
  throw new FermataError(
    'invalidConfig',
    `No kind of trial is called "${only}"; these are: ${kinds.map(({ name }) => name).join(', ')}.`,
  );
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new FermataError('invalidConfig', `Expected --${name} to be a number above 0, came "${text}".`);
}

function writeReport(folder: string, reports: readonly KindReport[]): void {
  const good = reports.filter((report) => passed(report, isCi));
  const report = {
    numPassedTests: good.filter(({ missing }) => missing === undefined).length,
    numFailedTests: reports.length - good.length,
    numPendingTests: good.filter(({ missing }) => missing !== undefined).length,
    numTodoTests: 0,
    testResults: [],
  };
  writeFileSync(join(folder, 'soak.json'), JSON.stringify(report));
}

/** What the command line asks for. */
async function read() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
      only: { type: 'string' },
      trials: { type: 'string' },
    },
  });
  return {
    kinds: await loadKinds(values.only),
    seed: positive('seed', values.seed),
    minutes: positive('minutes', values.minutes),
    ...(values.trials === undefined ? {} : { trials: positive('trials', values.trials) }),
  };
}

const asked = await read().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exit(2);
});
console.log(
  `Soak of ${asked.minutes} minutes with seed ${asked.seed}: ${asked.kinds.map(({ name }) => name).join(', ')}`,
);
const reports = await soak({
  ...asked,
  isCi,
  now: () => performance.now(),
  print: (line) => console.log(line),
});
const folder = process.env['TEST_REPORTS'];
if (folder !== undefined && folder !== '') writeReport(folder, reports);
// What a trial that failed left behind must not hold the process.
process.exit(reports.every((report) => passed(report, isCi)) ? 0 : 1);
