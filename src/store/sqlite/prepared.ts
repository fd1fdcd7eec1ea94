/**
 * Writes of one row, prepared once: a row of the store's types goes in as it is, each column under its own name.
 *
 * drizzle writes the SQL from the schema, the driver runs it. Run through drizzle as well, a task's 12 writes took 34 µs
 * where they take 24 µs so: it looks for placeholders among all values of every row.
 */
import { getTableColumns, sql } from 'drizzle-orm';
import type { IndexColumn, SQLiteInsertValue, SQLiteTable, SQLiteUpdateSetSource } from 'drizzle-orm/sqlite-core';
import type { Connection } from './connection.ts';

/** The columns of a table but for the one that SQLite fills in, every one of them required. */
type RowOf<T extends SQLiteTable, Auto extends string> = Required<Omit<T['$inferInsert'], Auto>>;

/** Writes one row and returns the number that SQLite gave it. */
export type WriteRow<T extends SQLiteTable, Auto extends string = never> = (row: RowOf<T, Auto>) => number;

/**
 * Prepares the insert of one row.
 *
 * @param auto the column that SQLite fills in
 * @example const writeTag = prepareInsert(connection, runTag); writeTag({ run: 1, tag: 'research' });
 */
export function prepareInsert<T extends SQLiteTable, Auto extends string = never>(
  connection: Connection,
  table: T,
  auto?: Auto,
): WriteRow<T, Auto> {
  return prepareWrite(connection, table, auto, connection.db.insert(table).values(placeholders(table, auto)));
}

/** Prepares the insert of one row that overwrites the row with the same `target` columns. */
export function prepareUpsert<T extends SQLiteTable, Auto extends string = never>(
  connection: Connection,
  table: T,
  target: readonly IndexColumn[],
  auto?: Auto,
): WriteRow<T, Auto> {
  const changed = columnsOf(table, auto).filter(([, column]) => !target.includes(column));
  const set = changed.map(([name, column]) => [name, sql`excluded.${sql.identifier(column.name)}`]);
  const insert = connection.db
    .insert(table)
    .values(placeholders(table, auto))
    .onConflictDoUpdate({
      target: [...target],
      set: Object.fromEntries(set) as SQLiteUpdateSetSource<T>,
    });
  return prepareWrite(connection, table, auto, insert);
}

/** The `set` of an update: a placeholder for each column but those of `except`. */
export function setColumns<T extends SQLiteTable>(table: T, except: readonly string[]): SQLiteUpdateSetSource<T> {
  const names = Object.keys(getTableColumns(table)).filter((name) => !except.includes(name));
  return Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])) as SQLiteUpdateSetSource<T>;
}

/** Binds by place: drizzle lists the columns of an insert in the order of the schema. */
function prepareWrite<T extends SQLiteTable, Auto extends string>(
  { driver }: Connection,
  table: T,
  auto: Auto | undefined,
  query: { toSQL(): { sql: string } },
): WriteRow<T, Auto> {
  const columns = columnsOf(table, auto);
  const statement = driver.prepare<unknown[]>(query.toSQL().sql);
  return (row) => {
    const named: Readonly<Record<string, unknown>> = row;
    const values = columns.map(([name, column]) => column.mapToDriverValue(named[name]));
    return Number(statement.run(...values).lastInsertRowid);
  };
}

function placeholders<T extends SQLiteTable>(table: T, auto: string | undefined): SQLiteInsertValue<T> {
  return Object.fromEntries(
    columnsOf(table, auto).map(([name]) => [name, sql.placeholder(name)]),
  ) as SQLiteInsertValue<T>;
}

function columnsOf(table: SQLiteTable, auto: string | undefined) {
  return Object.entries(getTableColumns(table)).filter(([name]) => name !== auto);
}
