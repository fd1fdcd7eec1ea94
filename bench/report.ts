/** What is printed: the machine, and a table a case. */
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import BetterSqlite3 from 'better-sqlite3';
import xstate from 'xstate/package.json' with { type: 'json' };
import driver from 'better-sqlite3/package.json' with { type: 'json' };
import type { CaseResult } from './rounds.ts';
import type { Spread } from './statistics.ts';
import type { Case, Metric } from './workload.ts';

/** Said below every report. */
export const NOT_SHOWN: readonly string[] = [
  'Work: the tasks do nothing. A model call takes a thousand times as long as a step; how many of them a process can carry is not shown.',
  'HTTP: runs are started and facts heard in the process. Parsing, validation and SSE come on top.',
  'The power cut: fsync is asked for at each commit, and the disk of a virtual machine may answer before it is true.',
  'Like for like: raw writes a result and a count; Fermata writes a journal that can be replayed, snapshots, timers, effects and task rows as well. Raw commits each step alone; Fermata commits together what ends together.',
  'Many processes: one process owns the file. Contention and a network between program and database are not shown.',
  'Creating and parsing the workflow, which happens once, before the clock starts; and a cold start: each contender has its own process, which has worked for five seconds before the first round that counts.',
  'A long life: files of gigabytes, a journal of years, a heap after days.',
];

/** Where this was measured. */
export function environment() {
  const database = new BetterSqlite3(':memory:');
  const sqlite = String(database.prepare('select sqlite_version()').pluck().get());
  database.close();
  const processors = cpus();
  return {
    at: new Date().toISOString(),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    load: loadavg().map((load) => Number(load.toFixed(2))),
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      xstate: xstate.version,
      'better-sqlite3': driver.version,
      sqlite,
    },
  };
}

/**
 * A case as a table: metrics down, contenders across, and Fermata's figure as a multiple of raw's, and of what raw and plain
 * XState take one after the other. That is what the same commits and the same decisions cost where nothing else is done.
 */
export function table({ metrics }: Case, { title, target, rounds, figures }: CaseResult): string {
  const names = Object.keys(figures);
  const rows = metrics.map(({ key, label, digits, adds }) => {
    const [own, raw, plain] = [figures['fermata'], figures['raw sqlite'], figures['plain xstate']].map(
      (figure) => figure?.[key]?.median,
    );
    const cells = names.map((name) => shown(figures[name]?.[key], digits));
    return [label, ...cells, ratio(own, raw), ratio(own, added(adds, raw, plain))];
  });
  const head = ['', ...names, '÷ raw', ...(metrics.some(({ adds }) => adds !== undefined) ? ['÷ raw + xstate'] : [])];
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}`.trimEnd();
  return [`${title} · median (min..max) of ${rounds} · target: ${target}`, line(head), ...rows.map(line)].join('\n');
}

function ratio(own: number | undefined, baseline: number | undefined): string {
  return own === undefined || baseline === undefined || baseline === 0 ? '' : (own / baseline).toFixed(2);
}

/** Two figures for one piece of work, done first by the one and then by the other. */
function added(adds: Metric['adds'], one: number | undefined, other: number | undefined): number | undefined {
  if (adds === undefined || one === undefined || other === undefined) return undefined;
  return adds === 'times' ? one + other : 1 / (1 / one + 1 / other);
}

function shown(figure: Spread | undefined, digits: number): string {
  if (figure === undefined) return '–';
  const text = (value: number): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(figure.median)} (${text(figure.min)}..${text(figure.max)})`;
}
