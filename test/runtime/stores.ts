/** Stores with a fault or a habit, around a real one. */
import type { CommitGroup } from '../../src/store/commit.ts';
import { StoreError, type Store } from '../../src/store/store.ts';

/** Every method answers with a promise, some turns of the event loop later: no turn may count on an answer at once. */
export function asynchronous(store: Store): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await new Promise((resolve) => setImmediate(resolve));
        return Reflect.apply(method, target, args) as unknown;
      };
    },
  });
}

/** Shows every group before it is committed. For `openRuntime({ wrap })`. */
export function watching(seen: (group: CommitGroup) => void): (store: Store) => Store {
  return (store) => ({
    ...store,
    commit(group) {
      seen(group);
      return store.commit(group);
    },
  });
}

/** What a store does with a commit: passes it on, holds it, or fails. */
export type Fault = 'none' | 'unchanged' | 'unknownLost' | 'unknownKept';

/** A store whose commits can be held back and made to fail. */
export interface FaultyStore {
  /** For `openRuntime({ wrap })`. */
  wrap(store: Store): Store;
  /** What happens to commits from now on. */
  fault: Fault;
  /** Holds every commit until the returned function is called. */
  hold(): () => void;
  /** Commits asked for, failed ones included. */
  readonly commits: number;
}

/** A store whose commits fail when a test says so. */
export function faulty(): FaultyStore {
  let held: Promise<void> | undefined;
  let commits = 0;
  const faults: FaultyStore = {
    fault: 'none',
    get commits() {
      return commits;
    },
    hold() {
      let release: () => void = () => {};
      held = new Promise<void>((resolve) => (release = resolve));
      return () => {
        held = undefined;
        release();
      };
    },
    wrap: (store) => ({
      ...store,
      async commit(group) {
        commits++;
        await held;
        if (faults.fault === 'unchanged') throw new StoreError('unchanged', 'The disk is full.');
        if (faults.fault === 'unknownLost') throw new StoreError('unknown', 'the disk failed during COMMIT');
        await store.commit(group);
        if (faults.fault === 'unknownKept') throw new StoreError('unknown', 'the disk failed during COMMIT');
      },
    }),
  };
  return faults;
}
