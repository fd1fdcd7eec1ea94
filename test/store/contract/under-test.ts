/** The store that a contract test speaks to: a new one for every test, gone after it. */
import { afterEach, beforeEach } from 'vitest';
import type { Store } from '../../../src/store/store.ts';

/** What an implementation gives to the contract suite. */
export interface StoreUnderTest {
  /** Open and empty. */
  readonly store: Store;
  cleanup(): Promise<void>;
}

/** A store whose rows outlive it. */
export interface LastingStoreUnderTest extends StoreUnderTest {
  /** Closes the store and opens what it has written. */
  reopen(): Promise<Store>;
  /** Opens what is left where the process dies now. */
  abandon(): Promise<Store>;
}

export type MakeStore<Under extends StoreUnderTest = StoreUnderTest> = () => Promise<Under>;

/** Inside a `describe`: a function that returns the store of the running test. */
export function storeOfTest<Under extends StoreUnderTest>(make: MakeStore<Under>): () => Under {
  let current: Under | undefined;
  beforeEach(async () => {
    current = await make();
  });
  afterEach(async () => {
    await current?.cleanup();
    current = undefined;
  });
  return () => {
    if (current === undefined)
      throw new RangeError('The store exists only while a test runs: ask for it inside `test`.');
    return current;
  };
}
