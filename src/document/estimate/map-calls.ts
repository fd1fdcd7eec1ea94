/** Calls of a map. */
import { NO_CALLS, perhaps, plus, repeated } from '../../cost/estimate/calls.ts';
import { DEFAULTS, lessSure, type Figure } from '../../cost/estimate/figure.ts';
import type { TaskSpec } from '../definition.ts';
import { listLength } from './list-length.ts';
import { joined, type Length, type Reading } from './prompt-length.ts';
import type { Counting, Line, TaskCalls } from './counting.ts';
import { valueLength } from './output-length.ts';

/** Items that are rendered one by one. */
const MOST_RENDERED = 10_000;

const EMPTY_LIST: Length = { range: { lowest: 0, expected: 2, highest: 2 }, from: 'counted' };

/**
 * As often as a list has items: each by itself where the list is known.
 *
 * @param own of a map that is an item of another one, where that is known
 * @param callsOf what its task comes to, with an item where that is known
 */
export function mapCalls(
  spec: TaskSpec,
  owner: TaskSpec,
  counting: Counting,
  own: Reading['own'],
  callsOf: (task: TaskSpec, item: Reading['own']) => TaskCalls,
): TaskCalls {
  const { call } = spec;
  if (call.kind !== 'map') return { lines: [], output: valueLength(spec, '') };
  const { task } = call;
  const list = listLength(call.items, counting, own);
  const doubtful = task.when !== undefined || task.cancelWhen !== undefined;
  const maybe = (line: Line): Line =>
    doubtful ? { ...line, ...perhaps(line, task.when === undefined ? 1 : DEFAULTS.chance, 'default') } : line;
  if (list.items !== undefined && list.items.length <= MOST_RENDERED) {
    const batches = batched(list.items, call.batchSize);
    const each = batches.map((item, index) => callsOf(task, { item, index }));
    return {
      lines: together(each.map(({ lines }) => lines)).map(maybe),
      output: each.map((one) => one.output).reduce(joined, EMPTY_LIST),
    };
  }
  const inner = callsOf(task, undefined);
  const why = (reason: string | undefined): string | undefined =>
    reason !== undefined && list.items !== undefined ? tooMany(spec.name, list.items.length) : reason;
  const asked =
    task.call.kind === 'model' ? counting.learned.of(counting.tasks.definition.name, owner.name, task.call) : undefined;
  const batches = perBatch(list, call.batchSize);
  const count: Figure =
    asked !== undefined && list.from === 'default'
      ? { range: { ...batches.range, expected: Math.min(asked.timesEach, batches.range.highest) }, from: 'learned' }
      : batches;
  const lines = inner.lines.map((line) =>
    maybe({
      ...line,
      ...repeated({ ...line, unboundedBecause: why(line.unboundedBecause) }, count, list.unboundedBecause),
    }),
  );
  const { range, from, unboundedBecause } = inner.output;
  const output: Length = {
    range: {
      lowest: 0,
      expected: range.expected * count.range.expected,
      highest: count.range.highest === 0 ? 2 : (range.highest + 2) * count.range.highest,
    },
    from: lessSure(from, count.from),
    unboundedBecause: why(unboundedBecause) ?? list.unboundedBecause,
  };
  return { lines, output };
}

/** They are there, and nobody has looked at them: "not there yet" would send the reader to look for what is missing. */
function tooMany(map: string, items: number): string {
  return `map ${JSON.stringify(map)} has ${items} items, and more than ${MOST_RENDERED} are not rendered one by one`;
}

/** Lines of many items, place by place: they are of one task, and so alike. */
function together(each: readonly (readonly Line[])[]): readonly Line[] {
  const [first = [], ...rest] = each;
  const sums = [...first];
  for (const lines of rest)
    for (const [at, line] of lines.entries()) sums[at] = { ...line, ...plus(sums[at] ?? NO_CALLS, line) };
  return sums;
}

function batched(items: readonly unknown[], size: number): readonly unknown[] {
  if (size === 1) return items;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function perBatch({ range, from }: Figure, size: number): Figure {
  const { lowest, expected, highest } = range;
  return {
    range: {
      lowest: Math.ceil(lowest / size),
      expected: Math.ceil(expected / size),
      highest: Math.ceil(highest / size),
    },
    from,
  };
}
