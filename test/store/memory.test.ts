import { MemoryDatabase } from '../../src/testing/store/database.ts';
import { memoryStore } from '../../src/testing/store/memory-store.ts';
import { lastingStoreContract } from './store.contract.ts';

lastingStoreContract('in memory, for simulations', async () => {
  const database = new MemoryDatabase();
  let store = memoryStore(database);
  await store.open();
  return {
    store,
    async reopen() {
      await store.close();
      store = memoryStore(database);
      await store.open();
      return store;
    },
    async abandon() {
      database.abandon();
      store = memoryStore(database);
      return store;
    },
    cleanup: () => store.close(),
  };
});
