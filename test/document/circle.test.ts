/** Tasks that join a run must not wait for themselves. To know it costs the same among many tasks that wait as among few (R3). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitsForItself } from '../../src/document/circle.ts';
import type { TaskSpec } from '../../src/document/definition.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { RunGraph } from '../../src/document/run-graph.ts';
import type { RunRows } from '../../src/runtime/rows.ts';

const task = (name: string, ...dependsOn: string[]) => ({ name, kind: 'code', function: 'f', dependsOn });
const adder = (name: string) => ({ ...task(name), onComplete: { addTasks: 'f' } });
const needs = (name: string, ...dependsOn: string[]) => ({ name, dependsOn }) as unknown as TaskSpec;

/** A run of these tasks of which nothing has begun, and how many of its rows were read. */
function runOf(tasks: readonly object[]) {
  let reads = 0;
  const rows = { task: () => void reads++, get: () => undefined } as unknown as RunRows;
  return { graph: new RunGraph(rows, parseDocument({ name: 'w', tasks })), reads: () => reads };
}

describe('what a task adds', () => {
  it('must not need what waits for that task', () => {
    const { graph } = runOf([adder('a'), task('b', 'a'), task('c', 'b'), task('free')]);
    expect(waitsForItself(graph, 'a', [needs('x', 'free'), needs('y', 'c')])).toBe(
      'task "y" needs one that waits for "a" and all that it adds',
    );
    expect(waitsForItself(graph, 'a', [needs('x', 'free', 'a')])).toBeUndefined();
  });

  it('is known whatever waits for whom', () => {
    const tasks = fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 3 }), { minLength: 2, maxLength: 10 });
    const each = fc.record({ tasks, parent: fc.nat(9), needed: fc.array(fc.nat(9), { maxLength: 3 }) });
    fc.assert(
      fc.property(each, ({ tasks: edges, parent, needed }) => {
        const nameOf = (at: number): string => `t${at % edges.length}`;
        const before = edges.map((all, at) => all.filter((other) => other < at));
        const document = before.map((all, at) => ({ ...adder(nameOf(at)), dependsOn: all.map(nameOf) }));
        const waits = (name: string): boolean =>
          (before[Number(name.slice(1))] ?? []).some(
            (other) => nameOf(other) === nameOf(parent) || waits(nameOf(other)),
          );
        const names = needed.map(nameOf);
        const found = waitsForItself(runOf(document).graph, nameOf(parent), [needs('x', ...names)]);
        expect(found !== undefined).toBe(names.some(waits));
      }),
      { numRuns: 300, seed: 4711 },
    );
  });

  it.each(['needs the last of those that wait, and nobody waits for it', 'is waited for by all, and needs none'])(
    'R3: costs the same among a thousand that wait as among ten, where it %s',
    (which) => {
      const cost = (count: number): number => {
        const isNeeded = which.startsWith('needs');
        const chain = Array.from({ length: count }, (_, at) =>
          task(`t${at}`, at > 0 ? `t${at - 1}` : isNeeded ? 'b' : 'a'),
        );
        const { graph, reads } = runOf([adder('a'), task('b'), ...chain]);
        const needed = isNeeded ? `t${count - 1}` : 'b';
        expect(waitsForItself(graph, 'a', [needs('x', needed)])).toBeUndefined();
        return reads();
      };
      expect(cost(1_000)).toBe(cost(10));
    },
  );
});
