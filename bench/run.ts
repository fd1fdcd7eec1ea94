/**
 * `npm run bench`: Fermata beside its baselines, in the same minutes on the same machine.
 *
 *     npm run bench -- --only W2 --match 'breadth 50' --rounds 5 --json
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { environment, NOT_SHOWN, table } from './report.ts';
import { runCase } from './rounds.ts';
import { WORKLOADS } from './workloads.ts';

const USAGE = `Usage: npm run bench -- [--only ${WORKLOADS.map(({ id }) => id).join(',')}] [--match TEXT] [--rounds 5] [--json] [--write FILE.md]`;

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      match: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      write: { type: 'string' },
    },
  });
  const { only, match = '', rounds, json, write } = values;
  const ids = only?.toUpperCase().split(',') ?? WORKLOADS.map(({ id }) => id);
  const unknown = ids.filter((id) => !WORKLOADS.some((workload) => workload.id === id));
  if (unknown.length > 0 || !/^[1-9]\d*$/.test(rounds)) return undefined;
  return { workloads: WORKLOADS.filter(({ id }) => ids.includes(id)), match, rounds: Number(rounds), json, write };
}

async function bench({
  workloads,
  match,
  rounds,
  json,
  write,
}: NonNullable<ReturnType<typeof options>>): Promise<void> {
  const before = environment();
  const said: string[] = [];
  const print = (text: string): void => {
    said.push(text);
    if (!json) console.log(text);
  };
  print(
    `${before.machine}\nload ${before.load.join(' ')} · ${Object.entries(before.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(' · ')}`,
  );
  const results = [];
  for (const { id, title, cases } of workloads) {
    print(`\n${id}: ${title}`);
    for (const each of cases) {
      if (!each.title.includes(match)) continue;
      const result = await runCase(id, each, rounds);
      results.push({ workload: id, ...result });
      print(`\n${table(each, result)}`);
    }
  }
  const { load } = environment();
  print(
    `\nload afterwards ${load.join(' ')}\n\nWhat this does not show:\n${NOT_SHOWN.map((line) => `- ${line}`).join('\n')}`,
  );
  if (write !== undefined) writeFileSync(write, page(before.at, said));
  if (json)
    console.log(JSON.stringify({ ...before, loadAfterwards: load, results, notShown: NOT_SHOWN }, undefined, 2));
}

/** What was said, as a page. */
function page(at: string, said: readonly string[]): string {
  return `# Results

Of \`npm run bench -- --write bench/RESULTS.md\`, ${at.slice(0, 10)}. Medians of the rounds of one run, each beside its baselines in the same
minutes; the last column is Fermata's figure as a multiple of raw SQLite's. Absolute times belong to this machine.

\`\`\`text
${said.join('\n')}
\`\`\`
`;
}

const chosen = options();
if (chosen === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await bench(chosen);
}
