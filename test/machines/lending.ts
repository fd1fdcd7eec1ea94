/**
 * Budgets of runs that borrow from shared ones, without a runtime: the shipped machines with what prepares their events
 * and keeps their rows; messages wait in the order in which they were sent, for as long as a test likes.
 */
import assert from 'node:assert/strict';
import { createActor, initialTransition, type AnyStateMachine, type EventFromLogic, type SnapshotFrom } from 'xstate';
import { budgetMachine, type Need } from '../../machines/budget.ts';
import { sharedBudgetMachine } from '../../machines/shared-budget.ts';
import { farewellsOf, idOn, type Upstream } from '../../src/cost/borrowing.ts';
import { dollarsOf } from '../../src/cost/money.ts';
import { budgetProjection, prepareBudget, utcDate } from '../../src/document/budget.ts';
import type { SharedBudgets } from '../../src/document/shared-budget-spec.ts';
import { sharedBudgetProjection, sharedBudgetRegistration } from '../../src/document/shared-budgets.ts';
import type { Projection } from '../../src/runtime/projection.ts';
import type { RunRows } from '../../src/runtime/rows.ts';
import type { BudgetWaitRow } from '../../src/store/budgets.ts';

type Event = { readonly type: string; readonly [field: string]: unknown };

/** A call under way: what it was granted, and on which day. */
interface UnderWay {
  readonly nanos: number;
  readonly on: string;
}

const DAY_MS = 86_400_000;

/**
 * What `transition` of XState is, for machines without children. That one makes an actor for each event, which decides how it
 * would begin before it decides anything: a third of what these tests cost.
 */
function transitionOf<M extends AnyStateMachine>(machine: M) {
  const self = createActor(machine as AnyStateMachine);
  const nothing = (): void => {};
  const scope = {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    logger: nothing,
    defer: nothing,
    stopChild: nothing,
    emit: nothing,
  };
  return (snapshot: SnapshotFrom<M>, event: EventFromLogic<M>): [SnapshotFrom<M>, readonly unknown[]] => {
    const actions: unknown[] = [];
    const actionExecutor = (action: unknown): void => void actions.push(action);
    return [
      machine.transition(snapshot as never, event as never, { ...scope, actionExecutor } as never) as SnapshotFrom<M>,
      actions,
    ];
  };
}

const budgetTakes = transitionOf(budgetMachine);
const sharedBudgetTakes = transitionOf(sharedBudgetMachine);

/** Rows as projections keep them. */
class Rows {
  readonly kept = new Map<string, BudgetWaitRow>();
  readonly #projection: Projection;

  constructor(projection: Projection) {
    this.#projection = projection;
  }

  get open(): readonly BudgetWaitRow[] {
    const place = ({ least, task, call }: BudgetWaitRow) => [least, `${task} ${call}`] as const;
    return [...this.kept.values()]
      .filter(({ open }) => open)
      .toSorted((one, other) => {
        const [[least, name], [others, otherName]] = [place(one), place(other)];
        return least - others || (name < otherName ? -1 : 1);
      });
  }

  get holders(): readonly BudgetWaitRow[] {
    return [...this.kept.values()]
      .filter(({ held }) => held > 0)
      .toSorted((one, other) => (one.task < other.task ? -1 : 1));
  }

  /** As a preparation sees them. */
  of(run: string): RunRows {
    return {
      key: { run },
      counts: {},
      get: (_: string, key: string) => this.kept.get(key),
      openBudgetWaits: () => ({ items: this.open, next: undefined }),
      budgetHolders: () => this.holders,
    } as unknown as RunRows;
  }

  project(fact: Event): void {
    if (!this.#projection.facts.includes(fact.type)) return;
    const { rows = [] } = this.#projection.project({ type: fact.type, data: fact } as never, this.of('') as never);
    for (const { key, row } of rows as readonly { key: string; row: BudgetWaitRow }[]) this.kept.set(key, row);
  }
}

/** A run with its budget and its calls. */
class Borrower {
  readonly rows = new Rows(budgetProjection());
  readonly waiting = new Map<string, Need>();
  readonly underWay = new Map<string, UnderWay>();
  /** Granted, and their tasks were just being cancelled: their leaving is on its way. */
  readonly deaf = new Map<string, UnderWay>();
  snapshot: SnapshotFrom<typeof budgetMachine>;
  /** Its budget told it to end. */
  isOver = false;
  hasEnded = false;

  constructor(run: string, upstreams: readonly Upstream[], limit?: number) {
    const bounds = limit === undefined ? {} : { limit };
    [this.snapshot] = initialTransition(budgetMachine, { ...bounds, upstreams, prepared: { run } });
  }
}

/** What a test is made of. */
export interface LendingOptions {
  readonly budgets: SharedBudgets;
  /** What each run is paid from, by its id. */
  readonly runs: Readonly<Record<string, { readonly upstreams: readonly Upstream[]; readonly limit?: number }>>;
}

/** All of them together. */
export class Lending {
  readonly borrowers: ReadonlyMap<string, Borrower>;
  readonly lenders = new Map<string, { snapshot: SnapshotFrom<typeof sharedBudgetMachine>; readonly rows: Rows }>();
  /** What calls have really cost, by the shared budget that pays for them. */
  readonly spent = new Map<string, number>();
  readonly #upstreams: ReadonlyMap<string, readonly Upstream[]>;
  readonly #prepareLender;
  readonly #mail = new Map<string, Event[]>();
  #now = Date.UTC(2026, 10, 28);

  constructor({ budgets, runs }: LendingOptions) {
    this.#prepareLender = sharedBudgetRegistration(budgets).prepare?.[''];
    const all = Object.entries(runs);
    this.#upstreams = new Map(all.map(([run, { upstreams }]) => [run, upstreams]));
    this.borrowers = new Map(all.map(([run, { upstreams, limit }]) => [run, new Borrower(run, upstreams, limit)]));
  }

  get today(): string {
    return utcDate(this.#now);
  }

  /** Whose messages wait, from whom to whom. */
  get mail(): readonly string[] {
    return [...this.#mail].flatMap(([way, events]) => (events.length === 0 ? [] : [way]));
  }

  midnight(): void {
    this.#now += DAY_MS;
  }

  /** Hands over the oldest message of a way. */
  deliver(way: string): void {
    const event = this.#mail.get(way)?.shift();
    const [, to = ''] = way.split('>');
    if (event === undefined) return;
    if (this.borrowers.has(to)) this.#takes(to, event);
    else this.#lends(to, event);
  }

  deliverAll(): void {
    for (let rounds = 0; this.mail.length > 0; rounds++) {
      assert.ok(rounds < 100_000, 'messages go to and fro for ever');
      for (const way of this.mail) this.deliver(way);
    }
  }

  /** A call asks. `deaf`: its task is cancelled before it hears of a grant. */
  reserve(run: string, call: Omit<Need, 'call'>, deaf = false): void {
    const borrower = this.#of(run);
    const need = { ...call, call: 'call' };
    borrower.waiting.set(call.task, need);
    this.#takes(run, { type: 'fermata.budget.reserve', ...need }, deaf ? call.task : undefined);
  }

  /** A call ends that is under way. */
  settle(run: string, task: string, spent: number, deaf?: string): void {
    const { underWay } = this.#of(run);
    const { nanos, on } = underWay.get(task) ?? assert.fail(`${task} is not under way`);
    underWay.delete(task);
    this.#spend(run, on, spent);
    this.#takes(run, { type: 'fermata.budget.settle', task, call: 'call', reserved: nanos, spent, on }, deaf);
  }

  /** A call that waits is given up. */
  leave(run: string, task: string): void {
    const { waiting } = this.#of(run);
    const { need } = waiting.get(task) ?? assert.fail(`${task} does not wait`);
    waiting.delete(task);
    this.#takes(run, { type: 'fermata.budget.leave', task, call: 'call', need });
  }

  /** Nothing has been under way for a while. */
  idle(run: string): void {
    const { waiting, underWay, deaf } = this.#of(run);
    if (waiting.size + underWay.size + deaf.size === 0) this.#takes(run, { type: 'fermata.budget.idle' });
  }

  /** A run ends: what is under way may have been billed. */
  end(run: string): void {
    const borrower = this.#of(run);
    if (borrower.hasEnded) return;
    borrower.hasEnded = true;
    for (const { nanos, on } of [...borrower.underWay.values(), ...borrower.deaf.values()]) this.#spend(run, on, nanos);
    borrower.underWay.clear();
    borrower.waiting.clear();
    borrower.deaf.clear();
    const { above } = borrower.snapshot.context;
    for (const said of above === undefined ? [] : farewellsOf(above)) this.#post(run, said.run, { ...said.event });
  }

  /** What must be true after each event. Throws AssertionError. */
  check(): void {
    const exposed = new Map(this.spent);
    for (const [run, { snapshot, underWay, deaf, waiting, hasEnded }] of this.borrowers) {
      if (hasEnded) continue;
      const { reserved, above, waiting: count } = snapshot.context;
      const calls = [...underWay.values(), ...deaf.values()];
      assert.equal(reserved, sum(calls.map(({ nanos }) => nanos)), `${run}: what those under way have`);
      assert.equal(count, waiting.size, `${run}: those that wait`);
      const byId = new Map<string, number>();
      for (const { nanos, on } of calls) for (const id of this.#ids(run, on)) byId.set(id, (byId.get(id) ?? 0) + nanos);
      for (const { id, reserved: kept, held, spent } of above?.blocks ?? []) {
        assert.equal(kept, byId.get(id) ?? 0, `${run}: what ${id} pays for those under way`);
        assert.ok(kept + spent <= held, `${run} has more of ${id} under way and spent than was lent`);
      }
      for (const { nanos, on } of underWay.values())
        for (const id of this.#ids(run, on)) exposed.set(id, (exposed.get(id) ?? 0) + nanos);
    }
    for (const [id, { snapshot, rows }] of this.lenders) {
      const { limit, settled, lent, waiting } = snapshot.context;
      assert.ok(settled + lent <= (limit ?? Infinity), `${id}: ${settled} settled and ${lent} lent of ${limit}`);
      assert.ok((exposed.get(id) ?? 0) <= settled + lent, `${id}: more is spent and under way than it knows`);
      assert.equal(sum(rows.holders.map(({ held }) => held)), lent, `${id}: what its rows say is lent`);
      assert.equal(rows.open.length, waiting, `${id}: who waits as its rows say`);
    }
  }

  #ids(run: string, on: string): readonly string[] {
    return (this.#upstreams.get(run) ?? []).map((upstream) => idOn(upstream, on));
  }

  #spend(run: string, on: string, nanos: number): void {
    for (const id of this.#ids(run, on)) this.spent.set(id, (this.spent.get(id) ?? 0) + nanos);
  }

  #of(run: string): Borrower {
    return this.borrowers.get(run) ?? assert.fail(`there is no run ${run}`);
  }

  #post(from: string, to: string, event: Event): void {
    const way = `${from}>${to}`;
    this.#mail.set(way, [...(this.#mail.get(way) ?? []), event]);
  }

  /** The budget of a run takes an event. */
  #takes(run: string, event: Event, deafTask?: string): void {
    const borrower = this.#of(run);
    if (borrower.hasEnded) return;
    if (event.type === 'fermata.budget.leave') borrower.deaf.delete(String(event['task']));
    const { snapshot, rows } = borrower;
    const prepared = prepareBudget({ event, snapshot, rows: rows.of(run), now: this.#now } as never);
    const [next, actions] = budgetTakes(snapshot, { ...event, prepared } as never);
    borrower.snapshot = next;
    for (const { to, event: told } of sentBy(actions, rows)) {
      if (typeof to !== 'string') this.#post(run, to.run, told);
      else if (to === '/') borrower.isOver = true;
      else {
        const task = to.slice(1);
        const need = borrower.waiting.get(task);
        if (need === undefined) continue;
        borrower.waiting.delete(task);
        const { nanos, on } = told as never as UnderWay;
        assertGranted(need, nanos);
        const isDeaf = task === deafTask;
        (isDeaf ? borrower.deaf : borrower.underWay).set(task, { nanos, on });
        if (isDeaf) this.#post(run, run, { type: 'fermata.budget.leave', task, call: 'call', need: need.need });
      }
    }
  }

  /** A shared budget takes an event; the first one begins it. */
  #lends(id: string, event: Event): void {
    const lender = this.lenders.get(id) ?? {
      snapshot: initialTransition(sharedBudgetMachine, { id })[0],
      rows: new Rows(sharedBudgetProjection()),
    };
    this.lenders.set(id, lender);
    const { snapshot, rows } = lender;
    const prepared = this.#prepareLender?.({ event, snapshot, rows: rows.of(id), now: this.#now } as never);
    const [next, actions] = sharedBudgetTakes(snapshot, { ...event, prepared } as never);
    lender.snapshot = next;
    for (const { to, event: told } of sentBy(actions, rows)) if (typeof to !== 'string') this.#post(id, to.run, told);
  }
}

/** What actions send; what they state becomes rows. */
function* sentBy(
  actions: readonly unknown[],
  rows: Rows,
): Generator<{ readonly to: string | { readonly run: string }; readonly event: Event }> {
  for (const action of actions) {
    const { type, params } = action as { readonly type: string; readonly params: never };
    if (type === 'fermata.fact') rows.project(params);
    if (type === 'fermata.send') yield params;
  }
}

/** A whole answer, one of a lesser model, or as short a one as its author allows. */
function assertGranted({ need, least, lesser }: Need, nanos: number): void {
  const isWhole = nanos === need || lesser?.needs.includes(nanos) === true;
  assert.ok(
    isWhole || (nanos < need && nanos >= least),
    `${nanos} were granted where ${need} are needed, ${least} at least`,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Dollars of so many nano-dollars, as a configuration says them. */
export function budgetOf(nanos: number): { readonly maxCostDollars: number } {
  return { maxCostDollars: dollarsOf(nanos) };
}
