import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Definition } from '../../src/document/definition.ts';
import { Graph, graphOf } from '../../src/document/graph.ts';
import { walkGraph } from '../../src/document/order.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { errorOf } from './faults-of.ts';

const define = (needs: Record<string, string[]>, config: Record<string, unknown> = {}): Definition =>
  parseDocument({
    name: 'w',
    config,
    tasks: Object.entries(needs).map(([name, dependsOn]) => ({ name, prompt: 'x', dependsOn })),
  });
const names = (tasks: readonly { readonly name: string }[]): string[] => tasks.map(({ name }) => name);

describe('a graph', () => {
  const graph = graphOf(define({ e: ['c', 'd'], a: [], b: ['a'], c: ['a'], d: ['b'], z: [] }));

  test('knows who waits for whom', () => {
    expect(graph.dependents('a')).toEqual([
      { name: 'b', hard: true },
      { name: 'c', hard: true },
    ]);
    expect(names(graph.roots)).toEqual(['a', 'z']);
    expect(names(graph.last)).toEqual(['e', 'z']);
    expect(graph.inDegree('e')).toBe(2);
    expect(graph.hardDescendants('a')).toEqual(['b', 'c', 'd', 'e']);
    expect(graph.hardDescendants('z')).toEqual([]);
    expect(graph.stages().map(names)).toEqual([['a', 'z'], ['b', 'c'], ['d'], ['e']]);
    expect(graph.spec('d').dependsOn).toEqual(['b']);
  });

  test('is made once for a definition', () => {
    const definition = define({ a: [] });
    expect(graphOf(definition)).toBe(graphOf(definition));
  });

  test('has no task that the document does not have', () => {
    expect(graph.has('nope')).toBe(false);
    expect(errorOf(() => graph.spec('nope')).code).toBe('notFound');
  });

  test('of a sequence is a chain of soft dependencies; its last tasks are still those that nobody needs', () => {
    const sequence = new Graph(define({ a: [], b: [], c: ['a'] }, { strategy: 'sequential' }));
    expect(sequence.dependents('a')).toEqual([
      { name: 'b', hard: false },
      { name: 'c', hard: true },
    ]);
    expect(sequence.stages().map(names)).toEqual([['a'], ['b'], ['c']]);
    expect(sequence.hardDescendants('a')).toEqual(['c']);
    expect(names(sequence.last)).toEqual(['b', 'c']);
  });
});

describe('a walk', () => {
  const graphs = fc.array(fc.array(fc.nat(19), { maxLength: 4 }), { minLength: 20, maxLength: 20 });

  test('orders every node after what it depends on, unless it tells a cycle', () => {
    fc.assert(
      fc.property(graphs, (dependencies) => {
        const { order, cycles } = walkGraph(dependencies);
        expect(order.toSorted((a, b) => a - b)).toEqual([...dependencies.keys()]);
        const place = new Map(order.map((node, index) => [node, index]));
        const isOrdered = dependencies.every((needs, node) =>
          needs.every((need) => (place.get(need) ?? 0) < (place.get(node) ?? 0)),
        );
        expect(isOrdered).toBe(cycles.length === 0);
      }),
    );
  });

  test('tells only true cycles', () => {
    fc.assert(
      fc.property(graphs, (dependencies) => {
        for (const cycle of walkGraph(dependencies).cycles) {
          for (const [index, node] of cycle.entries()) {
            expect(dependencies[node]).toContain(cycle[(index + 1) % cycle.length]);
          }
        }
      }),
    );
  });
});

describe('100,000 tasks', () => {
  const count = 100_000;

  test('in one chain are parsed, ordered and followed', { timeout: 60_000 }, () => {
    const tasks = Array.from({ length: count }, (_, at) => ({
      name: `t${at}`,
      prompt: 'go on',
      dependsOn: at === 0 ? [] : [`t${at - 1}`],
    }));
    const graph = graphOf(parseDocument({ name: 'w', config: { strategy: 'sequential' }, tasks }));
    expect(graph.hardDescendants('t0')).toHaveLength(count - 1);
    expect(graph.stages()).toHaveLength(count);
    expect(names(graph.last)).toEqual([`t${count - 1}`]);
  });

  test('or fewer, in one cycle, are told without an overflow', { timeout: 60_000 }, () => {
    // More than there can be calls on the stack.
    const many = 40_000;
    const tasks = Array.from({ length: many }, (_, at) => ({
      name: `t${at}`,
      prompt: 'x',
      dependsOn: [`t${(at + 1) % many}`],
    }));
    const { faults } = errorOf(() => parseDocument({ name: 'w', tasks }));
    expect(faults).toHaveLength(1);
    expect(faults?.[0]?.message).toMatch(/: t0 → t1 → .* … 39901 more … .* → t39999 → t0 /);
  });

  test('or fewer, with a fault each, are refused in an answer of bounded size', { timeout: 60_000 }, () => {
    const tasks = Array.from({ length: 30_000 }, (_, at) => ({ name: `t${at}`, prompt: 'x', dependsOn: [`u${at}`] }));
    const { faults } = errorOf(() => parseDocument({ name: 'w', tasks }));
    expect(faults).toHaveLength(1_001);
    expect(faults?.at(-1)?.message).toBe('and 29000 faults more');
  });

  test('one more is refused', { timeout: 60_000 }, () => {
    const tasks = Array.from({ length: count + 1 }, (_, at) => ({ name: `t${at}`, prompt: 'x' }));
    expect(errorOf(() => parseDocument({ name: 'w', tasks })).faults).toEqual([
      { path: 'tasks', message: 'expected at most 100000 entries, came 100001' },
    ]);
  });
});
