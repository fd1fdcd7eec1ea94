/**
 * What models cost, added up from the ledger.
 *
 * Rows of the ledger are added and never changed. A sum over a million of them can therefore be taken in slices, between
 * which others have their turn, and is all the same of one moment: that of its last row when it began.
 */
import type {
  LedgerEntry,
  LedgerStore,
  SpendingFilter,
  SpendingGroup,
  SpendingRow,
  SpendingTimes,
  Spent,
} from '../store/ledger.ts';
import type { RunKey } from '../store/runs.ts';

/** What costs are listed by. */
export type CostsBy = SpendingGroup | 'run' | 'task';

/** A group of requests, and what they cost. */
export interface Costs extends Spent {
  /** What they have in common: fields of the group. */
  readonly of: {
    /** Days since 1970, UTC. */
    readonly day?: number;
    readonly provider?: string;
    readonly model?: string;
    readonly workflow?: { readonly id: string; readonly name: string } | null;
    readonly tag?: string;
    readonly tenant?: string;
    readonly run?: string;
    readonly task?: string;
  };
  /** Of a run: with the runs that its tasks began, and those below them. */
  readonly withChildren?: Spent;
  /** Where the list goes on behind it. */
  readonly cursor: string;
}

/** What is asked for. */
export interface CostsQuery extends SpendingFilter {
  readonly by: CostsBy;
  readonly limit: number;
  /** The cursor of the last one of the page before. */
  readonly after?: string | undefined;
}

/** Rows of a slice: a few milliseconds. */
const SLICE = 10_000;
/** Runs that another one has begun, of a slice. */
const FEW_BELOW = 500;
/** Accounts that are looked at before others have their turn. */
const FEW_ACCOUNTS = 20;

export const NOTHING: Spent = {
  modelCalls: 0,
  unknownCalls: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanos: 0n,
  cacheHits: 0,
  savedNanos: 0n,
};

/** What the costs stand on. */
export interface CostsSurroundings {
  readonly store: LedgerStore;
  readonly tenant: string;
  /** Lets others have their turn. */
  pause(): Promise<void>;
}

/** The costs of a tenant. */
export class CostReports {
  readonly #store: LedgerStore;
  readonly #tenant: string;
  readonly #pause: () => Promise<void>;

  constructor({ store, tenant, pause }: CostsSurroundings) {
    this.#store = store;
    this.#tenant = tenant;
    this.#pause = pause;
  }

  /** A page of costs: days and runs newest first, everything else by name. */
  async list(query: CostsQuery): Promise<readonly Costs[]> {
    const { by } = query;
    return by === 'run' || by === 'task' ? this.#byAccount({ ...query, by }) : this.#byGroup({ ...query, by });
  }

  /** What a run cost by itself; undefined where it asked no model. */
  async own(run: string): Promise<Spent | undefined> {
    return this.#store.spentBy(this.#key(run));
  }

  /** What the runs below a run cost; undefined where it has begun none that cost anything. */
  async below(run: string): Promise<Spent | undefined> {
    return this.#below(this.#key(run), {});
  }

  /** What tasks of a run cost, with the runs that they began. One that is not there has cost nothing. */
  async ofTasks(run: string, tasks: readonly string[]): Promise<ReadonlyMap<string, Spent>> {
    const key = this.#key(run);
    const own = await this.#store.spentByTasks(key, { among: tasks, limit: Math.max(1, tasks.length) });
    const spent = new Map<string, Spent>(own.map((row) => [row.task, row]));
    for (const row of await this.#store.spentBelow(key, { among: tasks }))
      spent.set(row.task, plus(spent.get(row.task) ?? NOTHING, row));
    return spent;
  }

  /** The requests of a run to models, in the order of its journal; undefined where no such run was ever charged. */
  async requests(
    run: string,
    page: { readonly limit: number; readonly after?: number | undefined },
  ): Promise<readonly LedgerEntry[] | undefined> {
    const [known] = await this.#store.accounts(this.#tenant, { run, limit: 1 });
    return known === undefined ? undefined : this.#store.ledger(this.#key(run), page);
  }

  #key(run: string): RunKey {
    return { tenant: this.#tenant, run };
  }

  /** What the runs below a run cost, some of them at a time: one may have begun a hundred thousand. */
  async #below(run: RunKey, times: SpendingTimes): Promise<Spent | undefined> {
    let sum: Spent | undefined;
    for (let after: number | undefined; ; await this.#pause()) {
      const begun = await this.#store.begunBy(run, { limit: FEW_BELOW, after });
      const parts =
        begun.length === 0 ? [] : await this.#store.spentBelow(run, { ...times, first: begun[0], last: begun.at(-1) });
      for (const part of parts) sum = plus(sum ?? NOTHING, part);
      after = begun.at(-1);
      if (begun.length < FEW_BELOW) return sum;
    }
  }

  /**
   * Accounts that were charged in a time, and those of the runs above them; newest first. To ask each account for it would
   * take as long as there are accounts.
   */
  async #charged(times: SpendingTimes): Promise<number[]> {
    const found = new Set<number>();
    for await (const slice of this.#slices(times))
      for (const key of await this.#store.charged(this.#tenant, { ...times, ...slice })) found.add(key);
    return [...found].toSorted((one, other) => other - one);
  }

  /** Slices of the ledger in which all rows of a filter are; others have their turn in between. */
  async *#slices(filter: SpendingFilter): AsyncGenerator<{ readonly first: number; readonly last: number }> {
    const range = await this.#range(filter);
    for (let first = range?.first ?? 1; first <= (range?.last ?? 0); first += SLICE) {
      yield { first, last: Math.min(first + SLICE - 1, range?.last ?? 0) };
      await this.#pause();
    }
  }

  /** The first and the last row of a filter; between times a part after the other, as all that are in it are looked at. */
  async #range({ from, to, run }: SpendingFilter): ReturnType<LedgerStore['ledgerRange']> {
    if (run !== undefined || (from === undefined && to === undefined))
      return this.#store.ledgerRange(this.#tenant, { from, to, run });
    let range: Awaited<ReturnType<LedgerStore['ledgerRange']>>;
    for (let begin: number | undefined = from ?? 0; begin !== undefined; await this.#pause()) {
      const end: number | undefined = await this.#store.ledgerTime(this.#tenant, { from: begin, to, skip: SLICE });
      const part = await this.#store.ledgerRange(this.#tenant, { from: begin, to: end ?? to });
      if (part !== undefined)
        range = {
          first: Math.min(part.first, range?.first ?? Infinity),
          last: Math.max(part.last, range?.last ?? 0),
        };
      begin = end;
    }
    return range;
  }

  async #byGroup({ by, limit, after, ...filter }: CostsQuery & { by: SpendingGroup }): Promise<readonly Costs[]> {
    const sums = new Map<string, SpendingRow>();
    for await (const slice of this.#slices(filter)) {
      for (const row of await this.#store.spending(this.#tenant, { ...filter, by, ...slice })) {
        const key = JSON.stringify(row.group);
        const known = sums.get(key);
        sums.set(key, known === undefined ? row : { ...plus(known, row), group: row.group });
      }
    }
    const sorted = [...sums].toSorted(([one, a], [other, b]) =>
      by === 'day' ? Number(b.group[0]) - Number(a.group[0]) : one < other ? -1 : 1,
    );
    const from = after === undefined ? 0 : sorted.findIndex(([key, row]) => isBehind(by, after, key, row));
    if (from === -1) return [];
    return sorted.slice(from, from + limit).map(([cursor, { group, ...spent }]) => ({
      ...spent,
      of: ofGroup(by, group),
      cursor,
    }));
  }

  async #byAccount({
    by,
    limit,
    after,
    from,
    to,
    ...filter
  }: CostsQuery & { by: 'run' | 'task' }): Promise<readonly Costs[]> {
    const times: SpendingTimes = { from, to };
    const isBounded = from !== undefined || to !== undefined;
    const isListed = isBounded && filter.run === undefined;
    const found: Costs[] = [];
    const [last, lastTask] = placeOf(after);
    // Of one whose tasks are not all listed there is more to come.
    let key = last === undefined ? undefined : by === 'task' ? last + 1 : last;
    const before = key ?? Infinity;
    // Those behind the cursor, of which a few at a time are taken off.
    const charged = isListed ? (await this.#charged(times)).filter((account) => account < before) : undefined;
    while (found.length < limit) {
      const among = charged?.splice(0, FEW_ACCOUNTS);
      const accounts = await this.#store.accounts(this.#tenant, {
        ...filter,
        limit: FEW_ACCOUNTS,
        ...(key === undefined || among !== undefined ? {} : { after: key }),
        ...(among === undefined ? {} : { among }),
      });
      if ((among ?? accounts).length === 0) break;
      for (const account of accounts) {
        if (found.length >= limit) break;
        key = account.key;
        const workflow =
          account.workflowId === null ? null : { id: account.workflowId, name: account.workflowName ?? '' };
        const of = { run: account.run, workflow };
        if (by === 'run') {
          const own = await this.#store.spentBy(account, times);
          const below = await this.#below(account, times);
          if (own === undefined && below === undefined) continue;
          const withChildren = below === undefined ? {} : { withChildren: plus(own ?? NOTHING, below) };
          found.push({ ...(own ?? NOTHING), ...withChildren, of, cursor: String(account.key) });
        } else {
          const tasks = await this.#store.spentByTasks(account, {
            ...times,
            limit: limit - found.length,
            after: account.key === last ? lastTask : undefined,
          });
          for (const { task, ...spent } of tasks)
            found.push({ ...spent, of: { ...of, task }, cursor: `${account.key}/${task}` });
        }
      }
      await this.#pause();
    }
    return found;
  }
}

/** Whether a group comes behind the one of a cursor, which may be gone by now from what is asked for. */
function isBehind(by: SpendingGroup, after: string, key: string, { group }: SpendingRow): boolean {
  if (by !== 'day') return key > after;
  const [day] = JSON.parse(after) as readonly number[];
  return Number(group[0]) < (day ?? 0);
}

function placeOf(cursor: string | undefined): readonly [key?: number, task?: string] {
  if (cursor === undefined) return [];
  const slash = cursor.indexOf('/');
  return slash === -1 ? [Number(cursor)] : [Number(cursor.slice(0, slash)), cursor.slice(slash + 1)];
}

function ofGroup(by: SpendingGroup, [first = null, second = null]: SpendingRow['group']): Costs['of'] {
  const [one, other] = [String(first), String(second)];
  switch (by) {
    case 'day':
      return { day: Number(first) };
    case 'model':
      return { provider: one, model: other };
    case 'provider':
      return { provider: one };
    case 'workflow':
      return { workflow: first === null ? null : { id: one, name: other } };
    case 'tag':
      return { tag: one };
    case 'tenant':
      return { tenant: one };
  }
}

/** The sum of two. */
export function plus(one: Spent, other: Spent): Spent {
  return {
    modelCalls: one.modelCalls + other.modelCalls,
    unknownCalls: one.unknownCalls + other.unknownCalls,
    inputTokens: one.inputTokens + other.inputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
    costNanos: one.costNanos + other.costNanos,
    cacheHits: one.cacheHits + other.cacheHits,
    savedNanos: one.savedNanos + other.savedNanos,
  };
}
