import { describe, expect, test } from 'vitest';
import type { LedgerRow, SpendingGroup } from '../../../src/store/ledger.ts';
import type { RowChange } from '../../../src/store/rows.ts';
import type { Store } from '../../../src/store/store.ts';
import { begin, changes, group, runKey, state } from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { MakeStore } from './under-test.ts';

const DAY = 86_400_000;
const PRICES = '{"input":1000}';

function bill(seq: number, over: Partial<LedgerRow> = {}): RowChange {
  const row: LedgerRow = {
    seq,
    index: 0,
    task: 'a',
    attempt: 1,
    call: 'call',
    provider: 'openai',
    model: 'small',
    answered: 'small-1',
    kind: 'settled',
    inputTokens: 10,
    cachedInputTokens: 4,
    cacheWriteTokens: null,
    outputTokens: 3,
    reasoningTokens: 1,
    pricesJson: PRICES,
    costNanos: 100,
    at: DAY,
    ...over,
  };
  return { table: 'ledger', key: `${row.seq}/${row.index}`, row };
}

const UNKNOWN = {
  kind: 'unsettled',
  inputTokens: null,
  cachedInputTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  costNanos: null,
} as const;

/** `a` (workflow w, tags x and y) has begun `b` (workflow v, tag y) by its task `t`; `b` has begun `c`. `d` asks nobody. */
async function fill(store: Store): Promise<void> {
  const parent = (run: string, task: string) => ({ run, task, attempt: 1, depth: 1, awaited: true });
  const ended = { state: state({ status: 'completed' }) };
  await store.commit(
    group([
      begin(
        runKey('a'),
        { ...ended, rows: [bill(1), bill(2, { task: 'é', at: 2 * DAY })] },
        {
          workflowId: 'w',
          workflowName: 'Word',
          tags: ['x', 'y', 'y'],
        },
      ),
    ]),
  );
  await store.commit(
    group([
      begin(runKey('b'), ended, { workflowId: 'v', workflowName: 'Verb', tags: ['y'], parent: parent('a', 't') }),
      begin(runKey('d'), ended, { workflowId: 'v', workflowName: 'Verb' }),
    ]),
  );
  await store.commit(
    group([
      begin(runKey('c'), { ...ended, rows: [bill(1, { ...UNKNOWN, pricesJson: null })] }, { parent: parent('b', 'u') }),
    ]),
  );
  await store.commit(
    group([
      changes(runKey('b'), 1, {
        ...ended,
        rows: [bill(5, { index: 1 }), bill(5, { model: 'big', costNanos: 2 ** 53 - 1 })],
      }),
    ]),
  );
}

/** By group: requests, how many of them without a cost, what the others cost. */
async function sums(store: Store, by: SpendingGroup, filter: object = {}): Promise<Record<string, unknown>> {
  const range = (await store.ledgerRange('default', filter)) ?? { first: 1, last: 0 };
  const rows = await store.spending('default', { ...filter, ...range, by });
  return Object.fromEntries(
    rows.map((row) => [row.group.join(' '), [row.modelCalls, row.unknownCalls, row.costNanos]] as const),
  );
}

export function ledgerContract(make: MakeStore): void {
  describe('the ledger', () => {
    const current = storeOfTest(make);

    test('keeps each request with its unit prices, in the order of the journal, for good', async () => {
      const { store } = current();
      await fill(store);
      const { row: first } = bill(1);
      expect(await store.ledger(runKey('a'), { limit: 1 })).toEqual([
        { ...first, key: 1, tenant: 'default', run: 'a' },
      ]);
      expect(await store.ledger(runKey('a'), { limit: 9, after: 1 })).toMatchObject([{ key: 2, task: 'é' }]);
      expect(await store.row(runKey('b'), 'ledger', '5/1')).toEqual(bill(5, { index: 1 }).row);
      expect((await store.ledger(runKey('b'), { limit: 9 })).map(({ index }) => index)).toEqual([0, 1]);
      expect(await store.ledger(runKey('c'), { limit: 9 })).toMatchObject([{ pricesJson: null, costNanos: null }]);
      await expect(store.commit(group([changes(runKey('b'), 2, { rows: [bill(5)] })]))).rejects.toMatchObject({
        outcome: 'unchanged',
      });
      expect(await store.deleteRun(runKey('a'), { unended: true })).toBe(true);
      expect(await store.ledger(runKey('a'), { limit: 9 })).toHaveLength(2);
      expect(await sums(store, 'tag', { tag: 'x' })).toEqual({ x: [2, 0, 200n], y: [2, 0, 200n] });
    });

    test('is added up by group, exactly, also beyond what a double holds', async () => {
      const { store } = current();
      await fill(store);
      const all = BigInt(2 ** 53 - 1) + 300n;
      expect(await sums(store, 'tenant')).toEqual({ default: [5, 1, all] });
      expect(await sums(store, 'provider')).toEqual({ openai: [5, 1, all] });
      expect(await sums(store, 'model')).toEqual({
        'openai small': [4, 1, 300n],
        'openai big': [1, 0, BigInt(2 ** 53 - 1)],
      });
      expect(await sums(store, 'day')).toEqual({ 1: [4, 1, all - 100n], 2: [1, 0, 100n] });
      expect(await sums(store, 'workflow', { tag: 'y' })).toEqual({
        'w Word': [2, 0, 200n],
        'v Verb': [2, 0, all - 200n],
      });
      expect(await sums(store, 'tag')).toEqual({ x: [2, 0, 200n], y: [4, 0, all] });
      expect(await sums(store, 'day', { workflow: 'Word', from: 2 * DAY })).toEqual({ 2: [1, 0, 100n] });
      expect(await sums(store, 'day', { workflow: 'w', to: 2 * DAY })).toEqual({ 1: [1, 0, 100n] });
      expect(await sums(store, 'tenant', { run: 'c' })).toEqual({ default: [1, 1, 0n] });
      expect(await store.spending('other', { by: 'tenant', first: 1, last: 9 })).toEqual([]);
      expect(await store.ledgerRange('default', { from: 9 * DAY })).toBeUndefined();
    });

    test('says whom a time has charged, with the runs above, and parts it', async () => {
      const { store } = current();
      await fill(store);
      const keyOf = async (run: string) => (await store.accounts('default', { run, limit: 1 }))[0]?.key ?? 0;
      const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map(keyOf))) as [number, number, number];
      const charged = async (slice: object, tenant = 'default') =>
        (await store.charged(tenant, { first: 1, last: 99, ...slice })).toSorted((one, other) => one - other);
      expect(await charged({})).toEqual([a, b, c]);
      expect(await charged({ from: 2 * DAY })).toEqual([a]);
      const ofC = (await store.ledger(runKey('c'), { limit: 1 }))[0]?.key ?? 0;
      expect(await charged({ first: ofC, last: ofC }), 'with those above it').toEqual([a, b, c]);
      expect(await charged({}, 'other')).toEqual([]);
      expect(await store.accounts('default', { among: [a], limit: 9 })).toMatchObject([{ run: 'a' }]);
      expect(await store.begunBy(runKey('a'), { limit: 9 })).toEqual([b]);
      expect(await store.begunBy(runKey('a'), { limit: 9, after: b })).toEqual([]);
      expect(await store.ledgerTime('default', { skip: 4 })).toBe(2 * DAY);
      expect(await store.ledgerTime('default', { from: DAY, skip: 1 }), 'one moment is not parted').toBe(DAY + 1);
      expect(await store.ledgerTime('default', { skip: 5 })).toBeUndefined();
    });

    test('is added up by run, by task, and below a run', async () => {
      const { store } = current();
      await fill(store);
      expect((await store.accounts('default', { limit: 9 })).map(({ run }) => run)).toEqual(['c', 'b', 'a']);
      expect((await store.accounts('default', { limit: 1, after: 3 })).map(({ run }) => run)).toEqual(['b']);
      expect(await store.accounts('default', { limit: 9, workflow: 'Verb', tag: 'y' })).toEqual([
        {
          key: 2,
          tenant: 'default',
          run: 'b',
          workflowId: 'v',
          workflowName: 'Verb',
          parentRun: 'a',
          parentTask: 't',
        },
      ]);
      expect(await store.accounts('other', { limit: 9 })).toEqual([]);
      expect(await store.spentBy(runKey('d'))).toBeUndefined();
      expect(await store.spentBy(runKey('a'), { from: 2 * DAY })).toEqual({
        modelCalls: 1,
        unknownCalls: 0,
        inputTokens: 10,
        cachedInputTokens: 4,
        outputTokens: 3,
        reasoningTokens: 1,
        costNanos: 100n,
        cacheHits: 0,
        savedNanos: 0n,
      });
      const saved = bill(1, { ...UNKNOWN, kind: 'saved', costNanos: 70 });
      const parent = { run: 'd', task: 'none', attempt: 1, depth: 1, awaited: true };
      await store.commit(group([begin(runKey('hits'), { rows: [saved] }, { parent })]));
      const none = { modelCalls: 0, unknownCalls: 0, costNanos: 0n, cacheHits: 1, savedNanos: 70n };
      expect(await store.spentBy(runKey('hits'))).toMatchObject(none);
      expect(await store.spentBelow(runKey('d'))).toMatchObject([{ task: 'none', ...none }]);
      expect(await store.spentBelow(runKey('d'), { first: 1, last: 1 })).toEqual([]);
      const tasks = async (page: object) =>
        (await store.spentByTasks(runKey('a'), { limit: 9, ...page })).map(({ task }) => task);
      expect(await tasks({})).toEqual(['a', 'é']);
      expect(await tasks({ after: 'a' })).toEqual(['é']);
      expect(await tasks({ among: ['a', 'none'] })).toEqual(['a']);
      expect(await tasks({ limit: 1 })).toEqual(['a']);
      const below = await store.spentBelow(runKey('a'));
      expect(below).toMatchObject([
        { task: 't', modelCalls: 3, unknownCalls: 1, costNanos: BigInt(2 ** 53 - 1) + 100n },
      ]);
      expect(await store.spentBelow(runKey('b'))).toMatchObject([{ task: 'u', modelCalls: 1, costNanos: 0n }]);
      expect(await store.spentBelow(runKey('a'), { from: 2 * DAY })).toEqual([]);
      expect(await store.spentBelow(runKey('a'), { among: ['s', 't'] })).toEqual(below);
      expect(await store.spentBelow(runKey('a'), { among: ['u'] })).toEqual([]);
    });
  });
}
