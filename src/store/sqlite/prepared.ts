/**
 * Statements that are run often. drizzle writes their SQL from the schema, once in a process and not again for each file that
 * it opens; the driver prepares them on a connection, and runs them.
 *
 * Run through drizzle as well, a task's 12 writes took 34 µs where they take 24 µs so: it looks for placeholders among
 * all values of every row.
 */
import { getTableColumns, is, Param, Placeholder, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { IndexColumn, SQLiteInsertValue, SQLiteTable, SQLiteUpdateSetSource } from 'drizzle-orm/sqlite-core';
import type { RunResult } from 'better-sqlite3';
import type { Connection } from './connection.ts';

/** drizzle without a connection: it writes the SQL of statements, and runs nothing. */
export const builder = drizzle.mock();

/** Prepares something on a connection. */
export type Prepare<T> = (connection: Connection) => T;

/** The columns of a table but for the one that SQLite fills in, every one of them required. */
type RowOf<T extends SQLiteTable, Auto extends string> = Required<Omit<T['$inferInsert'], Auto>>;

/** Writes one row and returns the number that SQLite gave it. */
export type WriteRow<T extends SQLiteTable, Auto extends string = never> = (row: RowOf<T, Auto>) => number;

/** What the placeholders of a statement stand for in one call. */
export type Values = Readonly<Record<string, unknown>>;

/** Anything that drizzle can write as SQL. */
export interface Query {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] };
}

/**
 * The insert of one row: a row of the store's types goes in as it is, each column under its own name.
 *
 * @param auto the column that SQLite fills in
 * @example
 * const prepareTag = insertStatement(runTag);
 * const writeTag = prepareTag(connection);
 * writeTag({ run: 1, tag: 'research' });
 */
export function insertStatement<T extends SQLiteTable, Auto extends string = never>(
  table: T,
  auto?: Auto,
): Prepare<WriteRow<T, Auto>> {
  return rowStatement(() => builder.insert(table).values(placeholders(table, auto)));
}

/**
 * The insert of one row that overwrites the row with the same `target` columns.
 *
 * @param fixed columns that are the same in every version of a row: an index on a column that is written is written
 * too, even where nothing changes
 */
export function upsertStatement<T extends SQLiteTable, Auto extends string = never>(
  table: T,
  target: readonly IndexColumn[],
  { auto, fixed = [] }: { readonly auto?: Auto; readonly fixed?: readonly IndexColumn[] } = {},
): Prepare<WriteRow<T, Auto>> {
  return rowStatement(() => {
    const kept = [...target, ...fixed];
    const changed = columnsOf(table, auto).filter(([, column]) => !kept.includes(column));
    const set = changed.map(([name, column]) => [name, sql`excluded.${sql.identifier(column.name)}`]);
    return builder
      .insert(table)
      .values(placeholders(table, auto))
      .onConflictDoUpdate({
        target: [...target],
        set: Object.fromEntries(set) as SQLiteUpdateSetSource<T>,
      });
  });
}

/** The `set` of an update: a placeholder for each column but those of `except`. */
export function setColumns<T extends SQLiteTable>(table: T, except: readonly string[]): SQLiteUpdateSetSource<T> {
  const names = Object.keys(getTableColumns(table)).filter((name) => !except.includes(name));
  return Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])) as SQLiteUpdateSetSource<T>;
}

/**
 * Any other write. Its placeholders are given by name. What it prepares returns how many rows were changed.
 *
 * @example
 * const prepareDrop = writeStatement(() => builder.delete(timer).where(eq(timer.token, sql.placeholder('token'))));
 * const drop = prepareDrop(connection);
 * drop({ token: '7.0' }); // 1
 */
export function writeStatement(query: () => Query): Prepare<(values: Values) => number> {
  const prepare = onDemand(query);
  return (connection) => {
    const run = prepare(connection);
    return (values) => run(values).changes;
  };
}

/** Prepares several things together, each under its name. */
export function together<Parts extends Readonly<Record<string, Prepare<unknown>>>>(
  parts: Parts,
): Prepare<{ readonly [Name in keyof Parts]: ReturnType<Parts[Name]> }> {
  return (connection) =>
    Object.fromEntries(Object.entries(parts).map(([name, prepare]) => [name, prepare(connection)])) as {
      readonly [Name in keyof Parts]: ReturnType<Parts[Name]>;
    };
}

function rowStatement<T extends SQLiteTable, Auto extends string>(query: () => Query): Prepare<WriteRow<T, Auto>> {
  const prepare = onDemand(query);
  return (connection) => {
    const run = prepare(connection);
    return (row) => Number(run(row).lastInsertRowid);
  };
}

/** What `make` makes, made when it is first asked for. */
export function onFirstUse<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Written and prepared when it is first run: a process uses few of all statements, and they were half of opening a file. */
function onDemand(query: () => Query): Prepare<(values: Values) => RunResult> {
  const written = onFirstUse(() => {
    const { sql: text, params } = query().toSQL();
    return { text, bind: binder(params) };
  });
  return ({ driver }) => {
    const prepared = onFirstUse(() => {
      const { text, bind } = written();
      const statement = driver.prepare<unknown[]>(text);
      return (values: Values) => statement.run(bind(values));
    });
    return (values) => prepared()(values);
  };
}

/** How the values of a call, given by name, become the parameters of a query, in order and as SQLite stores them. */
export function binder(params: readonly unknown[]) {
  const places = params.map((param) => {
    if (is(param, Placeholder)) return { name: param.name };
    if (is(param, Param) && is(param.value, Placeholder)) return { name: param.value.name, encoder: param.encoder };
    return { constant: param };
  });
  return (values: Values): unknown[] =>
    places.map(({ name, encoder, constant }) => {
      if (name === undefined) return constant;
      return encoder === undefined ? values[name] : encoder.mapToDriverValue(values[name]);
    });
}

function placeholders<T extends SQLiteTable>(table: T, auto: string | undefined): SQLiteInsertValue<T> {
  return Object.fromEntries(
    columnsOf(table, auto).map(([name]) => [name, sql.placeholder(name)]),
  ) as SQLiteInsertValue<T>;
}

function columnsOf(table: SQLiteTable, auto: string | undefined) {
  return Object.entries(getTableColumns(table)).filter(([name]) => name !== auto);
}
