import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { lastingStoreContract, storeContract } from './store.contract.ts';

storeContract('SQLite in memory', async () => {
  const store = sqliteStore(':memory:');
  await store.open();
  return {
    store,
    cleanup: () => store.close(),
  };
});

lastingStoreContract('SQLite in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fermata-store-'));
  const file = join(folder, 'fermata.db');
  let store = sqliteStore(file);
  await store.open();
  return {
    store,
    async reopen() {
      await store.close();
      store = sqliteStore(file);
      await store.open();
      return store;
    },
    async cleanup() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
