import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { storeContract } from './store.contract.ts';

storeContract('SQLite in memory', async () => {
  const store = sqliteStore(':memory:');
  await store.open();
  return {
    store,
    reopen: { impossible: 'a database in memory ends with its connection' },
    cleanup: () => store.close(),
  };
});

storeContract('SQLite in a file', async () => {
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
