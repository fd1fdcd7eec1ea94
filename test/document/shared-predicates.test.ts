/** Predicates that read shared values: those that they say, as they stand in the turn of their task. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Predicate } from '../../src/document/condition.ts';
import { Workbench } from '../harness/documents.ts';

let bench: Workbench;
afterEach(() => bench.close());

const seen: unknown[] = [];
const PREDICATES: Readonly<Record<string, Predicate>> = {
  isFull: {
    shared: ['full', 'odd key', 'toString'],
    holds: ({ shared }) => {
      seen.push(JSON.parse(JSON.stringify({ ...shared, has: 'odd key' in shared, own: shared['toString'] ?? null })));
      return shared['full'] === true;
    },
  },
  peeks: ({ shared }) => shared?.['full'] === true,
  peeksQuietly: {
    shared: ['other'],
    holds: ({ shared }) => {
      try {
        return 'full' in shared;
      } catch {
        return true;
      }
    },
  },
  changes: {
    shared: ['full'],
    holds: ({ shared }) => {
      Object.assign(shared, { full: false });
      return true;
    },
  },
};
const writer = { name: 'w', outputs: { shared: { full: 'true', 'odd key': '1', unsaid: '2' } } };
const errors = async (run: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    (await bench.facts(run))
      .filter(({ type }) => type === 'task_failed')
      .map(({ data }) => [String(data['task']), data['error']]),
  );

describe('a predicate', () => {
  it('sees the shared values that it says, in a when and in an if, whatever other texts read', async () => {
    bench = await Workbench.open({}, PREDICATES);
    seen.length = 0;
    const run = await bench.start({
      tasks: [
        { name: 'early', when: { predicate: 'isFull' } },
        writer,
        { name: 'late', when: { predicate: 'isFull' }, dependsOn: ['w'], description: '{{ shared.unsaid }}' },
        {
          name: 'choice',
          kind: 'condition',
          if: { predicate: 'isFull' },
          then: ['yes'],
          else: ['no'],
          dependsOn: ['w'],
        },
        { name: 'yes' },
        { name: 'no' },
        {
          name: 'changed',
          when: { predicate: 'changes' },
          dependsOn: ['w'],
          kind: 'code',
          function: 'echo',
          input: { full: 'shared.full' },
        },
      ],
    });
    await bench.complete('w');
    expect(bench.running.toSorted()).toEqual(['late', 'yes']);
    await bench.complete('late');
    await bench.complete('yes');
    expect(await bench.statuses(run)).toMatchObject({ early: 'skipped', late: 'completed', no: 'skipped' });
    const first = { has: false, own: null };
    const later = { full: true, 'odd key': 1, has: true, own: null };
    expect(seen).toEqual([first, later, later]);
    const skipped = (await bench.facts(run)).find(({ type }) => type === 'task_skipped')?.data;
    const values = { 'shared.full': null, 'shared["odd key"]': null, 'shared.toString': null };
    expect(skipped?.['condition'], 'what it saw is on record').toEqual({ predicate: 'isFull', values });
    expect((await bench.read(run)).output).toMatchObject({ changed: { full: true } });
  });

  it('that reads one which it does not say fails its task, also where it catches that', async () => {
    bench = await Workbench.open({}, PREDICATES);
    const tasks = [
      writer,
      { name: 'a', when: { predicate: 'peeks' }, dependsOn: ['w'], description: '{{ shared.full }}' },
      { name: 'b', when: { predicate: 'peeksQuietly' }, dependsOn: ['w'] },
    ];
    const run = await bench.start({ config: { onTaskFailure: 'continue' }, tasks });
    await bench.complete('w');
    const says = (name: string, keys: string): object => ({
      code: 'expressionFailed',
      message: `The predicate "${name}" reads the shared value "full", and does not say so: register { shared: [${keys}], holds: … }.`,
    });
    expect(await errors(run)).toMatchObject({ a: says('peeks', '"full"'), b: says('peeksQuietly', '"other", "full"') });
  });
});
