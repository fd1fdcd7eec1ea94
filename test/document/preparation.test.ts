/** The last turn of a run may need the results of 100,000 tasks: it reads them in slices, and waits in between. */
import { expect, test } from 'vitest';
import { parseDocument } from '../../src/document/parse.ts';
import { prepareTask } from '../../src/document/preparation/task.ts';
import { prepareWorkflow } from '../../src/document/preparation/workflow.ts';
import type { Prepare, Preparing } from '../../src/runtime/registration.ts';
import type { RunRows } from '../../src/runtime/rows.ts';

const COUNT = 1_300;
const many = Array.from({ length: COUNT }, (_, index) => ({ name: `t${index}`, kind: 'code', function: 'f' }));

/** Runs `prepare` as the runtime does: again and again, each time that it has waited. */
async function prepared(prepare: Prepare, preparing: Omit<Preparing, 'rows'>) {
  const known = new Map<string, unknown>();
  const reads: number[] = [0];
  const waits: Promise<unknown>[] = [];
  const rows = {
    origin: { seed: 's' },
    task: ({ name }: { name: string }) => ({
      name,
      status: 'completed',
      resultSeq: Number(name.slice(1)),
      live: false,
    }),
    entry: (seq: number) => {
      reads[reads.length - 1] = (reads.at(-1) ?? 0) + 1;
      return { result: seq };
    },
    expectTasks: () => {},
    input: () => ({}),
    ready: () => [],
    live: () => [],
    read(name: string, load: () => unknown) {
      if (known.has(name)) return known.get(name);
      const value = load();
      if (!(value instanceof Promise)) return value;
      waits.push(value.then((loaded) => known.set(name, loaded)));
      throw waits;
    },
  } as unknown as RunRows;
  for (;;) {
    const before = waits.length;
    try {
      return { result: prepare({ ...preparing, rows }), reads };
    } catch (thrown) {
      if (waits.length === before) throw thrown;
      await waits.at(-1);
      reads.push(0);
    }
  }
}

test('the output of a run', async () => {
  const definition = parseDocument({ name: 'w', tasks: many });
  const context = {
    total: COUNT,
    breadth: 3,
    onTaskFailure: 'stop',
    settled: COUNT - 1,
    active: 1,
    nextRoot: COUNT,
    ending: null,
  };
  const { result, reads } = await prepared(
    prepareWorkflow(() => definition),
    {
      event: { type: 'xstate.done.actor.t0', output: { name: 't0', consequence: 'none' } },
      snapshot: { context },
    } as unknown as Omit<Preparing, 'rows'>,
  );
  const value = Object.fromEntries(many.map(({ name }, index) => [name, index]));
  expect(result).toEqual({ output: { value, complete: true } });
  expect(reads).toEqual([500, 500, 300, 0]);
});

test('the results that one task depends on', async () => {
  const all = {
    name: 'all',
    kind: 'code',
    function: 'f',
    dependsOn: many.map(({ name }) => name),
    input: { x: 'tasks.t1299.output' },
  };
  const definition = parseDocument({ name: 'w', tasks: [...many, all] });
  const { result, reads } = await prepared(
    prepareTask(() => definition, {}),
    { event: { type: 'xstate.init', input: { name: 'all' } }, snapshot: undefined } as unknown as Omit<
      Preparing,
      'rows'
    >,
  );
  expect(result).toMatchObject({ call: { input: { x: 1_299 } } });
  expect(reads).toEqual([500, 500, 300, 0]);
});

test('R3: what one of very many chosen tasks needs of its condition is its row, and not the list of all', async () => {
  const decides = { name: 't9999', kind: 'condition', if: 'true', then: many.map(({ name }) => name) };
  const reader = { ...many[0], name: 'reader', input: { n: 'size(tasks.t9999.output.chosen)' } };
  const definition = parseDocument({
    name: 'w',
    tasks: [{ ...decides, then: [...decides.then, 'reader'] }, ...many, reader],
  });
  const begins = (name: string) =>
    prepared(
      prepareTask(() => definition, {}),
      { event: { type: 'xstate.init', input: { name } }, snapshot: undefined } as unknown as Omit<Preparing, 'rows'>,
    );
  expect((await begins('t7')).reads).toEqual([0]);
  expect((await begins('reader')).reads).toEqual([1]);
});

test('R3: whether tasks that join would wait for themselves is asked once of each task that they wait for', async () => {
  const chain = many.map((task, at) => ({ ...task, dependsOn: at === 0 ? [] : [`t${at - 1}`] }));
  const adder = { ...many[0], name: 'adder', onComplete: { addTasks: 'fromOutput', dynamicTaskLimit: 300 } };
  const definition = parseDocument({ name: 'w', tasks: [...chain, adder] });
  const tasks = Array.from({ length: 300 }, (_, at) => ({
    name: `new${at}`,
    kind: 'code',
    function: 'f',
    dependsOn: [`t${COUNT - 1}`],
  }));
  let asked = 0;
  const rows = {
    origin: { seed: 's' },
    task: ({ name }: { name: string }) => {
      asked++;
      return { name, status: 'pending', detailJson: null };
    },
    get: () => undefined,
    live: () => [],
  } as unknown as RunRows;
  const result = prepareWorkflow(() => definition)({
    event: { type: 'fermata.task.adds', task: 'adder', tasks },
    snapshot: { context: { total: COUNT + 1 } },
    rows,
  } as unknown as Preparing) as { additions: { tasks: unknown[] } };
  expect(result.additions.tasks).toHaveLength(300);
  expect(asked).toBeLessThan(2 * COUNT);
});
