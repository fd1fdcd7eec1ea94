import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { folderInMemory, layDatabase } from '../harness/database.ts';
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
  const folder = folderInMemory();
  let file = join(folder, 'fermata.db');
  await layDatabase(file);
  let store = sqliteStore(file);
  const abandoned: Store[] = [];
  await store.open();
  return {
    store,
    async reopen() {
      await store.close();
      store = sqliteStore(file);
      await store.open();
      return store;
    },
    async abandon() {
      const left = file;
      file = `${left}-left`;
      for (const suffix of ['', '-wal', '.deciding'])
        if (existsSync(left + suffix)) await copyFile(left + suffix, file + suffix);
      abandoned.push(store);
      store = sqliteStore(file);
      return store;
    },
    async cleanup() {
      for (const each of [store, ...abandoned]) await each.close();
      await rm(folder, { recursive: true });
    },
  };
});
