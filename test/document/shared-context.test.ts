/** Shared values on the real runtime: published, written by functions, read by texts, and what they stop. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

const echo = (name: string, input: object, more: object = {}): object => ({
  name,
  kind: 'code',
  function: 'echo',
  input,
  ...more,
});
const factsOf = async (run: string, type: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await bench.facts(run)).filter((fact) => fact.type === type).map(({ data }) => data);
const shared = async (run: string): Promise<Readonly<Record<string, unknown>>> =>
  Object.fromEntries(
    (await bench.fermata.runtime.sharedValues(run, { limit: 100 })).map(({ key, value }) => [key, value]),
  );

describe('outputs', () => {
  it('are written in the commit of the completion, and seen by what comes after', async () => {
    const run = await bench.start({
      tasks: [
        { name: 'a', outputs: { shared: { sum: 'result.x + result.y', seen: true, 'odd key/ü': '[result.x]' } } },
        echo('b', { sum: 'shared.sum', odd: 'shared["odd key/ü"][0]' }, { dependsOn: ['a'] }),
      ],
    });
    await bench.complete('a', { x: 1, y: 2 });
    await bench.settle();
    expect((await bench.fermata.runtime.read(run)).output).toEqual({ sum: 3, odd: 1 });
    expect(await shared(run)).toEqual({ sum: 3, seen: true, 'odd key/ü': [1] });
    const types = (await bench.facts(run)).map(({ type }) => type);
    expect(types.indexOf('shared_changed')).toBeLessThan(types.indexOf('task_completed'));
    expect(await factsOf(run, 'shared_changed')).toContainEqual(
      expect.objectContaining({ key: 'sum', revision: 1, value: 3, by: 'a' }),
    );
  });
});
