import { is } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { afterAll, expect, test } from 'vitest';
import { connect } from '../../../src/store/sqlite/connection.ts';
import * as schema from '../../../src/store/sqlite/schema.ts';
import { upgrade } from '../../../src/store/sqlite/upgrade.ts';

const connection = connect(':memory:');
upgrade(connection, ':memory:');
const { driver } = connection;
afterAll(() => driver.close());

const tables = Object.values(schema)
  .filter((value) => is(value, SQLiteTable))
  .map(getTableConfig);

test('the shipped migrations make the tables of the schema', () => {
  const made = driver
    .prepare(
      `select name from sqlite_schema where type = 'table' and name not glob '__drizzle*' and name not glob 'sqlite_*'`,
    )
    .pluck()
    .all();
  expect(new Set(made)).toEqual(new Set(tables.map(({ name }) => name)));
  for (const { name, columns, indexes } of tables) {
    const written = driver
      .prepare<[string], { name: string; required: number }>(
        'select name, "notnull" as required from pragma_table_info(?)',
      )
      .all(name);
    expect(written, name).toEqual(columns.map((column) => ({ name: column.name, required: column.notNull ? 1 : 0 })));
    const indexed = driver.prepare(`select name from pragma_index_list(?) where origin = 'c'`).pluck().all(name);
    expect(new Set(indexed), name).toEqual(new Set(indexes.map((index) => index.config.name)));
  }
});

test('tables of small rows are one B-tree, which drizzle cannot say and the SQL files must', () => {
  const single = driver.prepare(`select name from pragma_table_list where wr = 1 and schema = 'main' order by name`);
  const names = [
    'account_tag',
    'answer_size',
    'blob_use',
    'budget_wait',
    'effect',
    'event_type',
    'forked_from',
    'growth',
    'growth_list',
    'high_water',
    'kept_event',
    'machine',
    'run_tag',
    'served',
    'shared',
    'shared_write',
    'suspect',
    'taken',
    'task',
    'timer',
    'wait',
    'watch',
    'workflow_tag',
  ];
  expect(single.pluck().all()).toEqual(names);
});

test('every row that a run owns goes with it', () => {
  for (const { name, columns } of tables) {
    if (name === 'run' || !columns.some((column) => column.name === 'run')) continue;
    const keys = driver
      .prepare<[string], { table: string; on_delete: string }>(
        'select "table", on_delete from pragma_foreign_key_list(?)',
      )
      .all(name);
    expect(keys, name).toContainEqual({ table: 'run', on_delete: 'CASCADE' });
  }
});

test('migrating again changes nothing', () => {
  const before = driver.prepare('select * from sqlite_schema').all();
  upgrade(connection, ':memory:');
  expect(driver.prepare('select * from sqlite_schema').all()).toEqual(before);
});
