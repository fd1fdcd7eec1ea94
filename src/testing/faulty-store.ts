/**
 * A store between a process and its rows that fails as disks and databases do.
 *
 * F1. What a commit that is in doubt has written is seen by the next start or never; until then reads do not show it,
 *     and nothing more is written.
 * F2. A dead process gets no answer.
 */
import type { CommitGroup } from '../store/commit.ts';
import { StoreError, type Store } from '../store/store.ts';
import { FermataError } from '../errors.ts';
import type { Probabilities } from './faults.ts';
import type { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';

/** What it needs of its surroundings. */
export interface FaultyStoreOptions {
  /** Over the committed rows. */
  readonly store: Store;
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly probabilities: () => Probabilities;
  /** The group is committed. */
  kept(group: CommitGroup): void;
  /** It is in doubt whether the group is committed: the next start finds it where `found`. Throws where it cannot be. */
  doubtful(group: CommitGroup, found: boolean): void;
  happened(fault: string): void;
  /** The process dies here. */
  crash(): void;
}

const SLOWEST_COMMIT_MS = 2_000;
const SLOWEST_READ_MS = 20;
/** A turn of a hundred reads, of which each may fail, would begin again for ever: after so many in a row they succeed. */
const MOST_FAILED_READS = 40;
/** What a turn may ask, and so may be asked again. */
const READS = [
  'run',
  'actor',
  'row',
  'readyTasks',
  'liveTasks',
  'tasksNamed',
  'eventTypes',
  'openWaits',
  'keptEvents',
  'openWatches',
  'openBudgetWaits',
  'budgetHolders',
  'budgetsAskedBy',
  'entry',
  'entryOfFact',
  'blob',
  'awaitedRuns',
  'messageTaken',
  'startedUnder',
  'effectsOf',
] as const satisfies readonly (keyof Store)[];

/** The store, with faults. */
export function faultyStore(options: FaultyStoreOptions): Store {
  const { store, process, random, probabilities, kept, doubtful, happened, crash } = options;
  const never = new Promise<never>(() => {});
  let tellDoubt: (error: StoreError) => void = () => {};
  let inDoubt = false;
  let failedReads = 0;

  const wait = (most: number): Promise<void> =>
    new Promise((resolve) => process.loop.later(resolve, random.between(1, most)));

  const commit = async (group: CommitGroup): Promise<void> => {
    const { slowCommits, failingCommits, doubtfulCommits, crashes } = probabilities();
    if (random.chance(slowCommits)) await wait(SLOWEST_COMMIT_MS);
    if (inDoubt)
      throw new StoreError(
        'unchanged',
        'Nothing was written: an earlier commit is in doubt. Only a restart settles it.',
      );
    if (random.chance(failingCommits)) {
      happened('a commit failed');
      throw new StoreError('unchanged', 'The simulated disk is full.');
    }
    if (random.chance(doubtfulCommits)) {
      const found = random.chance(0.5);
      doubtful(group, found);
      inDoubt = true;
      happened(`a commit is in doubt, and will ${found ? 'be found' : 'be gone'}`);
      const error = new StoreError('unknown', 'the simulated disk failed during COMMIT');
      tellDoubt(error);
      throw error;
    }
    if (random.chance(crashes)) {
      const after = random.chance(0.5);
      happened(`a crash ${after ? 'after' : 'before'} a commit`);
      if (after) await store.commit(group).then(() => kept(group));
      crash();
      return never;
    }
    await store.commit(group);
    failedReads = 0;
    kept(group);
  };

  const read =
    (name: (typeof READS)[number]) =>
    (...args: unknown[]): unknown => {
      if (!process.alive) return never;
      const { slowReads, failingReads } = probabilities();
      if (random.chance(failingReads) && failedReads < MOST_FAILED_READS) {
        failedReads++;
        happened(`a read failed: ${name}`);
        throw new FermataError('storeUnavailable', `The simulated database could not be read (${name}). Try again.`);
      }
      const answer: unknown = Reflect.apply(store[name], store, args);
      return random.chance(slowReads) ? wait(SLOWEST_READ_MS).then(() => answer) : answer;
    };

  return {
    ...store,
    ...(Object.fromEntries(READS.map((name) => [name, read(name)])) as Pick<Store, (typeof READS)[number]>),
    commit,
    deciding(mark) {
      if (!inDoubt) store.deciding(mark);
    },
    open(doubt) {
      tellDoubt = doubt ?? tellDoubt;
      return store.open(doubt);
    },
    healthy: async () => !inDoubt && (await store.healthy()),
  };
}
