/** The budget, as far as it decides: its sums whatever comes in whatever order, and what its end means for the run. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialTransition, transition, type SnapshotFrom } from 'xstate';
import { budgetMachine, type Need } from '../../machines/budget.ts';
import { workflowMachine } from '../../machines/workflow.ts';
import { prepareBudget } from '../../src/document/budget.ts';
import type { RunRows } from '../../src/runtime/rows.ts';

/** What has become of a call: it has asked and hears no more of it, it waits, or it is under way with so much. */
type Call = Need & { state: 'waits' | 'granted'; nanos: number };

/** A budget with rows around it, as projections keep them, and the calls that ask it. */
class Purse {
  snapshot: SnapshotFrom<typeof budgetMachine>;
  readonly calls = new Map<string, Call>();
  /** Rows of those that wait. */
  readonly rows = new Map<string, Need>();
  facts: string[] = [];
  over: unknown;
  /** Grants that are not delivered yet. */
  #mail: { task: string; nanos: number }[] = [];

  constructor(limit: number, warnAt?: number) {
    [this.snapshot] = initialTransition(budgetMachine, { limit, ...(warnAt === undefined ? {} : { warnAt }) });
  }

  get context() {
    return this.snapshot.context;
  }

  /** Takes an event; tasks hear of grants, except those that are just being cancelled. */
  send(event: { readonly type: string; readonly [field: string]: unknown }, deaf: readonly string[] = []): void {
    const rows = {
      get: (_: string, key: string) => (this.rows.has(key) ? { open: true } : undefined),
      openBudgetWaits: () => ({
        items: [...this.rows.values()]
          .toSorted((one, other) => one.least - other.least)
          .map((row) => ({ ...row, lesserJson: null })),
        next: undefined,
      }),
    } as unknown as RunRows;
    const prepared = prepareBudget({ event, snapshot: this.snapshot, rows, now: 0 } as never);
    const [next, actions] = transition(budgetMachine, this.snapshot, { ...event, prepared } as never);
    this.snapshot = next;
    for (const action of actions) {
      const { type, params } = action as unknown as { readonly type: string; readonly params: never };
      if (type === 'fermata.fact') this.#project(params);
      else if (type === 'fermata.send') {
        const { to, event: told } = params as { to: string; event: { nanos: number } };
        if (to === '/') this.over = told;
        else this.#mail.push({ task: to.slice(1), nanos: told.nanos });
      }
    }
    for (const { task, nanos } of this.#mail.splice(0)) {
      const call = this.calls.get(task);
      if (call !== undefined && !deaf.includes(task)) Object.assign(call, { state: 'granted', nanos });
    }
  }

  reserve(task: string, need: number, least: number, isDeaf = false): void {
    const asked = { task, call: 'call', need, least };
    this.calls.set(task, { ...asked, state: 'waits', nanos: 0 });
    this.send({ type: 'fermata.budget.reserve', ...asked }, isDeaf ? [task] : []);
    if (isDeaf) this.leave(task);
  }

  settle(task: string, spent: number, last = false, deaf: readonly string[] = []): void {
    const { nanos } = this.calls.get(task) ?? expect.fail(`${task} is unknown`);
    this.calls.delete(task);
    const end = { task, call: 'call', reserved: nanos, spent, ...(last ? { last } : {}) };
    this.send({ type: 'fermata.budget.settle', ...end }, deaf);
    for (const name of deaf) this.leave(name);
  }

  leave(task: string): void {
    const { need } = this.calls.get(task) ?? expect.fail(`${task} is unknown`);
    this.calls.delete(task);
    this.send({ type: 'fermata.budget.leave', task, call: 'call', need });
  }

  among(state: Call['state']): readonly string[] {
    return [...this.calls].flatMap(([name, call]) => (call.state === state ? [name] : []));
  }

  #project({ type, task, call }: Pick<Need, 'task' | 'call'> & { readonly type: string }): void {
    this.facts.push(type);
    const asked = this.calls.get(task);
    if (type === 'budget_awaited' && asked !== undefined) this.rows.set(`${task}/${call}`, asked);
    if (type === 'budget_granted' || type === 'budget_left') this.rows.delete(`${task}/${call}`);
  }
}

const step = fc.record({
  what: fc.constantFrom(
    'reserve',
    'reserve',
    'reserveDeaf',
    'settle',
    'settle',
    'settleDeaf',
    'last',
    'leave',
    'close',
  ),
  which: fc.nat(20),
  need: fc.nat(60),
  least: fc.integer({ min: 0, max: 100 }),
  used: fc.integer({ min: 0, max: 100 }),
});

describe('a budget', () => {
  it('never gives more than there is, counts right in any order, and is over only where nothing fits', () => {
    let overs = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const purse = new Purse(100);
        let isClosed = false;
        for (const [index, { what, which, need, least, used }] of steps.entries()) {
          const [granted, waiting] = [purse.among('granted'), purse.among('waits')];
          const pick = (names: readonly string[]): string | undefined => names[which % names.length];
          const task = `t${index}`;
          const [under, idle] = [pick(granted), pick(waiting)];
          const spent = under === undefined ? 0 : Math.floor((purse.calls.get(under)?.nanos ?? 0) * (used / 100));
          if (what === 'reserve') purse.reserve(task, need, Math.floor((need * least) / 100));
          else if (what === 'reserveDeaf') purse.reserve(task, need, Math.floor((need * least) / 100), true);
          else if (what === 'close' && which === 0) {
            isClosed = true;
            purse.send({ type: 'fermata.budget.close' });
          } else if (what === 'leave' && idle !== undefined) purse.leave(idle);
          else if (under !== undefined && what.startsWith('settle'))
            purse.settle(under, spent, false, what === 'settleDeaf' && idle !== undefined ? [idle] : []);
          else if (under !== undefined && what === 'last') {
            purse.settle(under, spent, true);
            expect(purse.among('waits'), 'nobody has got anything').toEqual(waiting);
            purse.send({ type: 'fermata.budget.release' });
          }
          const { settled, reserved, waiting: count, limit = 0 } = purse.context;
          expect(settled + reserved).toBeLessThanOrEqual(limit);
          const sum = purse.among('granted').reduce((total, name) => total + (purse.calls.get(name)?.nanos ?? 0), 0);
          expect(reserved, 'what those under way have').toBe(sum);
          expect(count, 'those that wait').toBe(purse.among('waits').length);
          if (purse.over !== undefined && !isClosed) {
            isClosed = true;
            overs++;
            const left = limit - settled - reserved;
            expect(Math.min(...purse.among('waits').map((name) => purse.calls.get(name)?.least ?? 0))).toBeGreaterThan(
              left,
            );
          }
          if (!isClosed && reserved === 0) expect(count, 'nobody waits for nothing').toBe(0);
        }
      }),
      { numRuns: 200, seed: 5 },
    );
    expect(overs, 'runs whose budget was used up').toBeGreaterThan(50);
  });

  it('warns once', () => {
    const purse = new Purse(100, 50);
    for (const name of ['a', 'b', 'c']) purse.reserve(name, 30, 30);
    for (const name of ['a', 'b', 'c']) purse.settle(name, 30);
    expect(purse.facts).toEqual(['cost_warning']);
  });

  it.each(['open', 'closed'])('warns once of what it hears that all have spent (%s)', (state) => {
    const purse = new Purse(100, 50);
    if (state === 'closed') purse.send({ type: 'fermata.budget.close' });
    const warned = { type: 'fermata.upstream.warned', from: 'budget:run:r', costDollars: 2, warnAtDollars: 1 };
    for (let times = 0; times < 2; times++) purse.send(warned);
    expect([purse.snapshot.value, purse.facts]).toEqual([state, ['cost_warning']]);
  });

  it('ends the run where a provider takes more than it may, and says what it took', () => {
    const purse = new Purse(100);
    purse.reserve('a', 30, 30);
    purse.settle('a', 130);
    expect(purse.facts).toEqual(['overcharged']);
    expect(purse.over).toMatchObject({ type: 'fermata.budget.over', error: { code: 'overcharge' } });
    expect(purse.context).toMatchObject({ settled: 130, reserved: 0 });
  });

  it('gives to two thousand that wait what each of them leaves, at the cost of a few', () => {
    const purse = new Purse(100);
    for (let n = 0; n < 2_000; n++) purse.reserve(`t${n}`, 100, 100);
    expect(JSON.stringify(purse.context).length, 'it holds sums only').toBeLessThan(200);
    for (let n = 0; n < 20; n++) purse.settle(purse.among('granted')[0] ?? '', 0);
    expect(purse.context).toMatchObject({ waiting: 1_979, reserved: 100 });
  });
});

it('where it breaks, its run fails, and what is alive is cancelled', () => {
  const input = { workflow: 'w', version: 1, total: 1, breadth: 1, onTaskFailure: 'continue' } as const;
  const [begun] = initialTransition(workflowMachine, {
    ...input,
    budget: { limit: 1 },
    prepared: { candidates: [{ name: 'a', live: false }] },
  });
  const [after, actions] = transition(workflowMachine, begun, {
    type: 'xstate.error.actor./budget',
    actorId: '/budget',
    error: { message: 'gone' },
    prepared: { live: ['a'] },
  } as never);
  expect(after.context.ending).toMatchObject({ status: 'failed', reason: { code: 'actorFailed' } });
  expect(after.context.ending?.reason.message).toContain('gone');
  const sent = actions.flatMap((action) =>
    (action as { type: string }).type === 'fermata.send' ? [(action as unknown as { params: object }).params] : [],
  );
  expect(sent).toContainEqual({ to: 'a', event: expect.objectContaining({ type: 'fermata.cancel' }) as unknown });
});
