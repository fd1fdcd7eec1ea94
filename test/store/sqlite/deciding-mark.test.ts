import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openMark } from '../../../src/store/sqlite/deciding-mark.ts';
import { sqliteStore } from '../../../src/store/sqlite/index.ts';
import { folderOfTest } from './folder.ts';

const path = folderOfTest();
const mark = { tenant: 'default', run: 'a', key: 'timer/7.0', what: 'a timer' };

test('the file is there while a process works on the database, and holds one line', async () => {
  const store = sqliteStore(path('fermata.db'));
  await store.open();
  expect(existsSync(path('fermata.db.deciding'))).toBe(false);
  store.deciding(mark);
  expect(readFileSync(path('fermata.db.deciding'), 'utf8')).toBe(`${JSON.stringify(mark)}\n`);
  await store.close();
  expect(existsSync(path('fermata.db.deciding'))).toBe(false);
  store.deciding(mark);
  expect(existsSync(path('fermata.db.deciding')), 'nothing is written after the end').toBe(false);
});

test.each(['', 'not JSON\n', '{"tenant":"default","run":"a"}\n', '{"tenant":"default","run":"a","ke', 'null\n'])(
  'a damaged line names nobody: %j',
  (text) => {
    writeFileSync(path('fermata.db.deciding'), text);
    expect(openMark(path('fermata.db')).lastStop).toEqual({ orderly: false, deciding: undefined });
  },
);

test('where it cannot be written, the work goes on without it', () => {
  mkdirSync(path('fermata.db.deciding'));
  const file = openMark(path('fermata.db'));
  file.write(mark);
  file.write(undefined);
  file.remove();
  expect(file.lastStop).toEqual({ orderly: true });
});
