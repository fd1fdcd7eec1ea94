/**
 * The machine of rounds on the real runtime: every simple path of a goal of one round, the shortest of a goal of two, and
 * what it hears too early. Each title is a path. Together they take every transition of the machine.
 */
import { getShortestPaths, getSimplePaths } from '@xstate/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planExecuteReflectMachine } from '../../machines/plan-execute-reflect.ts';
import { childAddress } from '../../src/runtime/xstate.ts';
import { Workbench } from '../harness/documents.ts';
import { TransitionsTaken, transitionsOf } from '../harness/transitions.ts';
import { begin, CALLED, pathsOf, stateNow, walkRounds } from './rounds-paths.ts';

let bench: Workbench;
const taken = new TransitionsTaken();
beforeAll(async () => {
  bench = await Workbench.openHolding();
});
afterAll(() => bench.close());

describe.each([
  { depth: 1, paths: pathsOf(1, getSimplePaths) },
  { depth: 2, paths: pathsOf(2, getShortestPaths) },
])('a goal of at most $depth rounds', ({ depth, paths }) => {
  it.each(paths.map((path) => [path.title, path] as const))('%s', async (_, path) => {
    await taken.note(bench.fermata.runtime, await walkRounds(bench, depth, path));
  });
});

it('what is heard too early, or twice, moves nothing', async () => {
  const run = await begin(bench, 1);
  const said = [CALLED, 'A', { done: true, answer: null, next: null }, 'end'];
  for (const value of said) {
    const before = await stateNow(bench, run);
    await bench.fermata.runtime.control(run, childAddress('/', 'g'), { type: 'fermata.task.joined' });
    await bench.settle();
    expect(await stateNow(bench, run)).toBe(before);
    await bench.complete(bench.running[0] ?? '', value);
  }
  expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'end' });
  await taken.note(bench.fermata.runtime, run);
});

it('a plan none of whose tasks can run is judged at once', async () => {
  const run = await begin(bench, 2);
  await bench.complete('g.plan 1', CALLED);
  await bench.fail('g.1.a');
  await bench.complete('g.reflect 1', { done: false, answer: null, next: 'more' });
  await bench.complete('g.plan 2', { tasks: [{ name: 'b', prompt: 'Walk', dependsOn: ['a'] }] });
  await bench.complete('g.reflect 2', { done: true, answer: 'none', next: null });
  expect(await bench.read(run)).toMatchObject({ status: 'completed', output: 'none' });
  await taken.note(bench.fermata.runtime, run);
});

it('a name that another task has ends it', async () => {
  const each = { name: 'e', kind: 'map', items: '[1]', task: { kind: 'planExecuteReflect', goal: 'Walk' } };
  const run = await bench.start({ tasks: [{ name: 'e[0].plan 1' }, each] });
  expect(await bench.read(run)).toMatchObject({
    status: 'failed',
    reason: { message: expect.stringContaining('the name "e[0].plan 1" is taken') as string },
  });
  await taken.note(bench.fermata.runtime, run);
});

it('every transition of the machine of rounds was taken', () => {
  const all = transitionsOf(planExecuteReflectMachine);
  expect(all.filter((name) => !taken.of(planExecuteReflectMachine).has(name))).toEqual([]);
});
