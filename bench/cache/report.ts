/** What is printed of the cache: one table each. */
import type { environment } from '../report.ts';
import type { HitFigures } from './hits.ts';
import type { Measured } from './labelled.ts';
import type { SearchOptions, SearchReport } from './search.ts';

/** Searches among vectors made by chance. */
export function searchLines(
  { firstMs, firstStall, addMicros, figures }: SearchReport,
  about: ReturnType<typeof environment> & SearchOptions,
): string[] {
  const ms = (value: number): string => value.toFixed(1).padStart(8);
  const heads = ['median', 'p95', 'slowest', 'cpu', 'stall', 'recall', 'all', '÷ all'];
  return [
    about.machine,
    `load ${about.load.join(' ')} · node ${about.versions.node} · sqlite ${about.versions.sqlite}`,
    '',
    `${about.questions.toLocaleString('en')} questions of 1,536 dimensions about ${about.subjects} subjects in one namespace, ${about.searches} searches of each kind`,
    'target: p95 15 ms, recall 0.99',
    'ms'.padEnd(34) + heads.map((head) => head.padStart(8)).join(''),
    ...figures.map(
      ({ kind, median, p95, slowest, cpu, stall, recall, exact }) =>
        `${kind.padEnd(34)}${[median, p95, slowest, cpu, stall].map(ms).join('')}${(recall?.toFixed(3) ?? '–').padStart(8)}${ms(exact)}${(median / exact).toFixed(3).padStart(8)}`,
    ),
    `first search of a process, which reads the sketches: ${firstMs.toFixed(0)} ms, longest stall ${firstStall.toFixed(1)} ms`,
    `to add one: ${addMicros.toFixed(0)} µs and its commit`,
    '',
    'cpu: median of the time of processors, whatever else runs · stall: the longest time in which nobody else had a turn',
    'recall: how often the nearest of all was found · all: comparing with every vector, which lies in memory',
    'The vectors are made by chance. What real texts are alike is not shown: see --provider.',
  ];
}

/** The very same question, end to end. */
export function hitLines(figures: readonly HitFigures[]): string[] {
  const [few, many] = figures;
  const row = ({ entries, median, p95, cpu }: HitFigures): string =>
    `${entries.toLocaleString('en')} answers kept`.padEnd(34) +
    [median, p95, cpu].map((ms) => ms.toFixed(2).padStart(8)).join('');
  return [
    'the very same question, from the start of a run to its end',
    'ms'.padEnd(34) + ['median', 'p95', 'cpu'].map((head) => head.padStart(8)).join(''),
    ...figures.map(row),
    ...(few === undefined || many === undefined
      ? []
      : [`ratio of the medians: ${(many.median / few.median).toFixed(2)}`]),
  ];
}

/** Labelled questions, asked of real models. */
export function measuredLines(
  measured: readonly Measured[],
  about: {
    readonly model: string;
    readonly embeddingModel: string;
    readonly verify: boolean;
    readonly questions: number;
  },
): string[] {
  const heads = ['threshold', 'hits', 'false', 'overlooked', 'failed', 'no vector', 'spent $', 'saved $'];
  const row = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(11)).join('');
  const unknown = measured.reduce((sum, { unknownCalls }) => sum + unknownCalls, 0);
  return [
    `${about.questions} questions, ${about.model}, ${about.embeddingModel}${about.verify ? ', judged' : ''}`,
    row(heads),
    ...measured.map(({ threshold, hits, falseHits, overlooked, failed, warnings, spentDollars, savedDollars }) =>
      row([
        String(threshold),
        ...[hits, falseHits, overlooked, failed, warnings].map(String),
        spentDollars.toFixed(6),
        savedDollars.toFixed(6),
      ]),
    ),
    ...(unknown === 0 ? [] : [`${unknown} calls have no known cost: the dollars are too low by that.`]),
    'false: the answer is that of another group · overlooked: one of its group had been answered, and it was asked all the same',
    'spent: answers, vectors and verdicts · saved: what the answers had cost that served again',
  ];
}
