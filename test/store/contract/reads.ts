import { describe, expect, test } from 'vitest';
import type { BudgetPlace } from '../../../src/store/budgets.ts';
import type { EffectRow } from '../../../src/store/effects.ts';
import type { WaitPlace } from '../../../src/store/outside-events.ts';
import type { RowChange } from '../../../src/store/rows.ts';
import type { RunKey } from '../../../src/store/runs.ts';
import {
  actor,
  approvalChange,
  approvalRow,
  begin,
  changes,
  effect,
  entry,
  group,
  growthChange,
  growthRow,
  message,
  runKey,
  state,
  taskChange,
  taskRow,
  timer,
} from './rows.ts';
import { storeOfTest } from './under-test.ts';
import type { LastingStoreUnderTest, MakeStore } from './under-test.ts';

const a = runKey('a');
const b = runKey('b');

export function readsContract(make: MakeStore): void {
  describe('reads of turns and recovery', () => {
    const current = storeOfTest(make);

    test('ready tasks come in document order, live ones by name', async () => {
      const { store } = current();
      const rows = [
        taskRow('c', 2, { ready: true }),
        taskRow('b', 10, { ready: true, live: true }),
        taskRow('a', 1, { live: true }),
        taskRow('d', 3, { ready: true }),
      ];
      await store.commit(
        group([
          begin(a, { rows: rows.map(taskChange) }),
          begin(b, { rows: [taskChange(taskRow('z', 0, { ready: true }))] }),
        ]),
      );
      expect(await store.readyTasks(a, 2)).toEqual([
        { name: 'c', position: 2 },
        { name: 'd', position: 3 },
      ]);
      expect((await store.readyTasks(a, 10)).map(({ name }) => name)).toEqual(['c', 'd', 'b']);
      expect(await store.liveTasks(a)).toEqual(['a', 'b']);
      await store.commit(group([changes(a, 1, { rows: [taskChange(taskRow('c', 2, { live: true }))] })]));
      expect((await store.readyTasks(a, 10)).map(({ name }) => name)).toEqual(['d', 'b']);
      expect(await store.liveTasks(a)).toEqual(['a', 'b', 'c']);
      const named = await store.tasksNamed(a, ['d', 'nobody', 'a']);
      expect(named.toSorted((one, other) => one.position - other.position)).toEqual([
        await store.row(a, 'task', 'a'),
        await store.row(a, 'task', 'd'),
      ]);
      expect(await store.tasksNamed(a, [])).toEqual([]);
    });

    test('tasks that wait come by type and in document order, kept events in the order in which they came', async () => {
      const { store } = current();
      const wait = (task: string, position: number, open = true, type = 'paid'): RowChange => ({
        table: 'wait',
        key: task,
        row: { task, type, position, open },
      });
      const kept = (seq: number, takenBy: string | null = null, type = 'paid'): RowChange => ({
        table: 'keptEvent',
        key: String(seq),
        row: { seq, type, takenBy },
      });
      const counts = { type: 'paid', toCome: 2, waiting: 3, kept: 4 };
      const rows = [
        wait('c', 10),
        wait('b', 2),
        wait('a', 2),
        wait('d', 3, false),
        wait('e', 1, true, 'other'),
        kept(12),
        kept(7),
        kept(9, 'a'),
        kept(8, null, 'other'),
        { table: 'eventType', key: 'paid', row: counts } as const,
      ];
      await store.commit(group([begin(a, { rows }), begin(b, { rows: [wait('z', 0), kept(1)] })]));
      const waits = async (limit: number, after?: WaitPlace): Promise<readonly string[]> =>
        (await store.openWaits(a, 'paid', { limit, after })).map(({ task }) => task);
      expect(await waits(2)).toEqual(['a', 'b']);
      expect(await waits(2, { position: 2, task: 'a' })).toEqual(['b', 'c']);
      const events = async (limit: number, after?: number): Promise<readonly number[]> =>
        (await store.keptEvents(a, 'paid', { limit, after })).map(({ seq }) => seq);
      expect(await events(1)).toEqual([7]);
      expect(await events(9, 7)).toEqual([12]);
      expect(await store.row(a, 'eventType', 'paid')).toEqual(counts);
      expect(await store.eventTypes(a, 9)).toEqual(['paid']);
      expect(await store.eventTypes(b, 9)).toEqual([]);
      await store.commit(group([changes(a, 1, { rows: [wait('a', 2, false), kept(7, 'b')] })]));
      expect([await waits(9), await events(9)]).toEqual([['b', 'c'], [12]]);
      expect(await store.row(a, 'keptEvent', '7')).toEqual({ seq: 7, type: 'paid', takenBy: 'b' });
      expect(await store.row(a, 'wait', 'a')).toEqual({ task: 'a', type: 'paid', position: 2, open: false });
    });

    test('calls that wait for money, those first that need the least', async () => {
      const { store } = current();
      const wait = (task: string, least: number, open = true, call = 'call'): RowChange => ({
        table: 'budgetWait',
        key: `${task}/${call}`,
        row: { task, call, need: 100, least, lesserJson: null, open, held: 0 },
      });
      const rows = [wait('c', 10), wait('b', 2), wait('a', 2), wait('a', 2, true, 'model.0'), wait('d', 3, false)];
      await store.commit(group([begin(a, { rows }), begin(b, { rows: [wait('z', 0)] })]));
      const waits = async (limit: number, after?: BudgetPlace): Promise<readonly string[]> =>
        (await store.openBudgetWaits(a, { limit, ...(after === undefined ? {} : { after }) })).map(
          ({ task, call }) => `${task}/${call}`,
        );
      expect(await waits(3)).toEqual(['a/call', 'a/model.0', 'b/call']);
      expect(await waits(9, { least: 2, task: 'a', call: 'model.0' })).toEqual(['b/call', 'c/call']);
      await store.commit(group([changes(a, 1, { rows: [wait('a', 2, false), wait('d', 1)] })]));
      expect(await waits(9)).toEqual(['d/call', 'a/model.0', 'b/call', 'c/call']);
      expect(await store.row(a, 'budgetWait', 'a/call')).toEqual({
        task: 'a',
        call: 'call',
        need: 100,
        least: 2,
        lesserJson: null,
        open: false,
        held: 0,
      });
      expect(await store.row(a, 'budgetWait', 'a/other')).toBeUndefined();
    });

    test('who holds something of a shared budget, and of which budgets a run does, or wants to', async () => {
      const { store } = current();
      const holds = (task: string, held: number, open = false): RowChange => ({
        table: 'budgetWait',
        key: `${task}/`,
        row: { task, call: '', need: 0, least: 0, lesserJson: null, open, held },
      });
      await store.commit(group([begin(a, { rows: [holds('r2', 5), holds('r1', 7), holds('r3', 0)] })]));
      await store.commit(group([begin(b, { rows: [holds('r2', 1)] })]));
      const holders = async (after?: string): Promise<readonly string[]> =>
        (await store.budgetHolders(a, { limit: 9, after })).map(({ task }) => task);
      expect([await holders(), await holders('r1')]).toEqual([['r1', 'r2'], ['r2']]);
      expect(await store.budgetsAskedBy({ ...a, run: 'r2' })).toEqual(a.tenant === b.tenant ? [a.run, b.run] : [a.run]);
      await store.commit(group([changes(a, 1, { rows: [holds('r2', 0), holds('r4', 0, true)] })]));
      expect([await holders(), await store.budgetsAskedBy({ ...a, run: 'r3' })]).toEqual([['r1'], []]);
      expect(await store.budgetsAskedBy({ ...a, run: 'r4' })).toEqual([a.run]);
      const asks = { fromRun: 'r4', eventJson: '{"type":"fermata.budget.ask"}' };
      const messagesSent = [
        message(1, { ...asks, toRun: 'other' }),
        message(2, { ...asks, toRun: a.run }),
        message(3, { fromRun: 'r4', toRun: 'parent' }),
      ];
      await store.commit(group([], { messagesSent }));
      expect(await store.budgetsAskedBy({ ...a, run: 'r4' }), 'one that has not heard of it yet').toEqual([
        a.run,
        'other',
      ]);
    });

    test('entries that a run may forget are gone, and the newest are there', async () => {
      const { store } = current();
      await store.commit(group([begin(a, { entries: [entry(1, 1), entry(2, 2)] })]));
      await store.commit(group([changes(a, 1, { entries: [entry(3, 3), entry(4, 4)], entriesFrom: 3 })]));
      const left = (await store.journal(a, { after: 0, limit: 99 })).map(({ seq }) => seq);
      expect(left).toEqual([3, 4]);
    });

    test("a fact's entry is found by its number", async () => {
      const { store } = current();
      // Two facts in a row, then one behind 1, 2, 3 … events.
      let factSeq = 0;
      const entries = Array.from({ length: 60 }, (_, index) => {
        const isFact = [1, 2, 4, 7, 11, 16, 22, 29, 37, 46, 56].includes(index);
        return entry(index + 1, index + 1, isFact ? { kind: 'fact', factSeq: ++factSeq } : {});
      });
      await store.commit(group([begin(a, { entries })]));
      for (const { seq, factSeq: number } of entries.filter(({ kind }) => kind === 'fact'))
        expect(await store.entryOfFact(a, number ?? 0)).toBe(seq);
      expect(await store.entryOfFact(a, 12)).toBeUndefined();
      expect(await store.entryOfFact(b, 1)).toBeUndefined();
    });

    test("a fact's entry is found where many commits without a fact come after it", async () => {
      const { store } = current();
      let factSeq = 0;
      for (let seq = 1; seq <= 60; seq++) {
        const fact = [2, 3, 6, 40].includes(seq) ? { kind: 'fact' as const, factSeq: ++factSeq } : {};
        const part = { entries: [entry(seq, seq, fact)], state: state({ seq, facts: factSeq }) };
        await store.commit(group([seq === 1 ? begin(a, part) : changes(a, seq - 1, part)]));
      }
      for (const [index, seq] of [2, 3, 6, 40, undefined].entries())
        expect(await store.entryOfFact(a, index + 1)).toBe(seq);
    });

    test('timers are due soonest first, over all runs and tenants', async () => {
      const { store } = current();
      const c = runKey('a', 'other');
      expect(await store.nextDue(0)).toBeUndefined();
      await store.commit(
        group([
          begin(a, { timersArmed: [timer(a, 'late', 30), timer(a, 'now', 20)] }),
          begin(c, { timersArmed: [timer(c, 'now', 20), timer(c, 'early', 10)] }),
        ]),
      );
      expect(await store.nextDue(0)).toBe(10);
      expect(await store.nextDue(10)).toBe(20);
      expect(await store.nextDue(30)).toBeUndefined();
      const due = [timer(c, 'early', 10), timer(a, 'now', 20), timer(c, 'now', 20)];
      expect(await store.dueTimers(20, 10)).toEqual(due);
      expect(await store.dueTimers(20, 2)).toEqual(due.slice(0, 2));
      for (const [index, row] of due.entries())
        expect(await store.dueTimers(20, 10, row)).toEqual(due.slice(index + 1));
      expect(await store.dueTimers(9, 10)).toEqual([]);
    });

    test('open effects come in pages, each one once', async () => {
      const { store } = current();
      const c = runKey('a', 'other');
      const tokens = ['1.0', '1.1', '10.0', '2.0'];
      await store.commit(
        group([a, b, c].map((owner) => begin(owner, { effectsAsked: tokens.map((token) => effect(owner, token)) }))),
      );
      const seen: EffectRow[] = [];
      for (
        let page = await store.openEffects(undefined, 5);
        page.length > 0;
        page = await store.openEffects(page.at(-1), 5)
      ) {
        seen.push(...page);
      }
      expect(seen).toEqual([a, b, c].flatMap((owner) => tokens.map((token) => effect(owner, token))));
    });

    test('runs that a cap has cut are found until their agenda is done', async () => {
      const { store } = current();
      await store.commit(group([begin(a, { state: state({ agendaJson: '[]' }) }), begin(b)]));
      expect(await store.cutRuns()).toEqual([a]);
      await store.commit(group([changes(a, 1)]));
      expect(await store.cutRuns()).toEqual([]);
    });

    test('S4: one tenant sees nothing of another, also under the same id', async () => {
      const { store } = current();
      const mine = runKey('a', 'mine');
      const yours = runKey('a', 'yours');
      const rows = [taskChange(taskRow('plan', 0, { ready: true, live: true })), approvalChange(approvalRow('plan'))];
      const full = {
        entries: [entry(1, 1, { kind: 'fact' as const, factSeq: 1 })],
        actors: [actor('root')],
        rows,
        taken: [{ id: 'm', seq: 1 }],
      };
      await store.commit(
        group([begin(mine, { ...full, timersArmed: [timer(mine, 't', 1)], effectsAsked: [effect(mine, 'e')] })]),
      );
      await store.createWorkflow({
        tenant: 'mine',
        id: 'w',
        name: 'w',
        version: 1,
        tags: [],
        createdAt: 1,
        updatedAt: 1,
        documentJson: '{}',
      });
      for (const stage of ['before', 'after']) {
        if (stage === 'after') await store.commit(group([begin(yours)]));
        expect(await store.actor(yours, 'root'), stage).toBeUndefined();
        expect(await store.row(yours, 'task', 'plan'), stage).toBeUndefined();
        expect(await store.row(yours, 'approval', 'plan'), stage).toBeUndefined();
        expect(await store.readyTasks(yours, 9), stage).toEqual([]);
        expect(await store.liveTasks(yours), stage).toEqual([]);
        expect(await store.tasksNamed(yours, ['plan']), stage).toEqual([]);
        expect(await store.entry(yours, 1), stage).toBeUndefined();
        expect(await store.messageTaken(yours, 'm'), stage).toBeUndefined();
        expect(await store.effectsOf(yours), stage).toEqual([]);
        expect(await store.journal(yours, { after: 0, limit: 9 }), stage).toEqual([]);
        expect(await store.feed('yours', 0, 9), stage).toEqual([]);
        expect(await store.actors(yours), stage).toEqual([]);
        expect(await store.timersOf(yours), stage).toEqual([]);
        expect(await store.tasks(yours, { limit: 9 }), stage).toEqual([]);
        expect(await store.approvals('yours', { limit: 9 }), stage).toEqual([]);
        expect(await store.workflow('yours', 'w'), stage).toBeUndefined();
        expect(await store.workflowByName('yours', 'w'), stage).toBeUndefined();
        expect(await store.workflows('yours', { limit: 9 }), stage).toEqual([]);
      }
      expect(await store.runs('yours', { limit: 9 })).toHaveLength(1);
      expect(await store.run(runKey('a', 'nobody'))).toBeUndefined();
      expect(await store.deleteRun(runKey('a', 'nobody'))).toBe(false);
    });

    test('S4: nor of what has joined it, of what it waits for, shares, began or was forked from', async () => {
      const { store } = current();
      const [mine, yours] = [runKey('a', 'mine'), runKey('a', 'yours')];
      const rows: RowChange[] = [
        growthChange(growthRow('plan')),
        {
          table: 'growthList',
          key: 'plan/child/0',
          row: { task: 'plan', list: 'child', at: 0, name: 'dive', hard: false },
        },
        { table: 'wait', key: 'paid', row: { task: 'paid', type: 'paid', position: 0, open: true } },
        { table: 'eventType', key: 'paid', row: { type: 'paid', toCome: 0, waiting: 1, kept: 1 } },
        { table: 'keptEvent', key: '1', row: { seq: 1, type: 'paid', takenBy: null } },
        { table: 'shared', key: 'k', row: { key: 'k', revision: 1, seq: 1 } },
        { table: 'sharedWrite', key: 'w', row: { key: 'k', revision: 1, seq: 1, write: 'w' } },
        { table: 'watch', key: 'plan/k', row: { task: 'plan', key: 'k', position: 0, open: true } },
        {
          table: 'budgetWait',
          key: 'plan/call',
          row: { task: 'plan', call: 'call', need: 2, least: 1, lesserJson: null, open: true, held: 0 },
        },
      ];
      const entries = [entry(1, 1, { kind: 'fact', factSeq: 1 })];
      const parent = { run: 'a', task: 'phase', attempt: 1, depth: 1, awaited: true };
      const idempotency = { key: 'key', bodyHash: 'hash' };
      await store.commit(
        group([
          begin(mine, { rows, entries }, { idempotency }),
          begin(runKey('child', 'mine'), {}, { parent }),
          begin(runKey('fork', 'mine'), {}, { forkJson: '{}', forkedFrom: ['a'] }),
        ]),
      );
      const seen = async (owner: RunKey): Promise<readonly unknown[]> => [
        ...(await Promise.all(rows.map(async ({ table, key }) => store.row(owner, table, key)))),
        ...(await store.eventTypes(owner, 9)),
        ...(await store.openWaits(owner, 'paid', { limit: 9 })),
        ...(await store.keptEvents(owner, 'paid', { limit: 9 })),
        ...(await store.openWatches(owner, 'k', { limit: 9 })),
        ...(await store.openBudgetWaits(owner, { limit: 9 })),
        ...(await store.sharedValues(owner, { limit: 9 })),
        ...(await store.awaitedRuns(owner)),
        await store.entryOfFact(owner, 1),
        await store.startedUnder(owner.tenant, 'key'),
        ...(await store.runs(owner.tenant, { parent: 'a', limit: 9 })),
        ...(await store.runs(owner.tenant, { forkedFrom: 'a', limit: 9 })),
        ...(await store.runs(owner.tenant, { among: ['a', 'child'], limit: 9 })),
      ];
      expect(
        (await seen(mine)).filter((one) => one !== undefined),
        'all of it is there',
      ).toHaveLength(rows.length + 13);
      expect((await seen(yours)).filter((one) => one !== undefined)).toEqual([]);
      await store.commit(group([begin(yours)]));
      expect((await seen(yours)).filter((one) => one !== undefined)).toMatchObject([{ run: 'a', tenant: 'yours' }]);
      // A fork of another tenant's run of the same id keeps nobody from deleting this one.
      expect(await store.deleteRun(yours, { unended: true })).toBe(true);
      await expect(store.deleteRun(mine, { unended: true })).rejects.toMatchObject({ code: 'runHasForks' });
    });

    test('a machine keeps the hash it was registered with', async () => {
      const { store } = current();
      expect(await store.machineHash('light@1')).toBeUndefined();
      expect(await store.machineHash('light@1', 'h1')).toBeUndefined();
      expect(await store.machineHash('light@1')).toBe('h1');
      expect(await store.machineHash('light@1', 'h1')).toBe('h1');
      expect(await store.machineHash('light@1', 'h2')).toBe('h1');
      expect(await store.machineHash('light@2', 'h2')).toBeUndefined();
      expect((await store.machines()).toSorted()).toEqual(['light@1', 'light@2']);
    });

    test('open runs are counted by their machines, in steps', async () => {
      const { store } = current();
      const statuses = [
        'running',
        'completed',
        'waiting',
        'pending',
        'paused',
        'failed',
        'waiting',
        'cancelled',
      ] as const;
      const runs = statuses.map((status, at) => {
        const key = at === 0 ? { tenant: 'other', run: 'r0' } : runKey(`r${at}`);
        return begin(key, { state: state({ status }) }, { machine: at % 4 === 2 ? 'old@1' : 'light@1' });
      });
      await store.commit(group(runs));
      for (const limit of [1, 2, 5, 100]) {
        const counts = new Map<string, number>();
        let step: Awaited<ReturnType<typeof store.openRuns>> | undefined;
        for (let steps = 0; step === undefined || step.after !== undefined; steps++) {
          expect(steps).toBeLessThan(12);
          step = await store.openRuns({ limit, after: step?.after });
          expect([...step.byMachine.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(limit);
          for (const [machine, count] of step.byMachine) counts.set(machine, (counts.get(machine) ?? 0) + count);
        }
        expect(Object.fromEntries(counts), `${limit} at a time`).toEqual({ 'light@1': 3, 'old@1': 2 });
      }
    });

    test('healthy after open, not after close', async () => {
      const { store } = current();
      expect(await store.healthy()).toBe(true);
      await store.close();
      expect(await store.healthy()).toBe(false);
      await expect(store.commit(group([begin(a)]))).rejects.toMatchObject({ outcome: 'unchanged' });
      await expect(store.messages(1)).rejects.toMatchObject({ code: 'storeUnavailable' });
    });
  });
}

/** What a store has to keep whose rows outlive it. */
export function reopeningContract(make: MakeStore<LastingStoreUnderTest>): void {
  describe('reopening', () => {
    const current = storeOfTest(make);

    test('what was committed is there after a reopening, and numbers go on', async () => {
      const { store, reopen } = current();
      await store.commit(
        group([begin(a, { entries: [entry(1, 41)], actors: [actor('root')] })], { messagesSent: [message(7)] }),
      );
      await store.commit(group([changes(a, 1, { state: state({ status: 'completed' }) })], { messagesTaken: [7] }));
      await store.deleteRun(a, { messagesSent: [message(8)] });
      await store.commit(
        group([begin(b, { entries: [entry(1, 5)], actors: [actor('root')] })], { messagesTaken: [8] }),
      );
      const again = await reopen();
      expect(await again.actor(b, 'root')).toEqual(actor('root'));
      expect(await again.run(b)).toMatchObject({ revision: 1 });
      await again.close();
      expect(await again.open()).toMatchObject({ position: 41, messageId: 8 });
    });
  });
}
