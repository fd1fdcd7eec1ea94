/**
 * Reads of a turn and of a start. drizzle writes their SQL from the schema, once in a process; the driver prepares and runs them.
 *
 * Run through drizzle as well, it finds out anew with each row how each of its columns is read.
 */
import { Column, is, SQL } from 'drizzle-orm';
import { FermataError } from '../../errors.ts';
import { binder, onFirstUse, type Prepare, type Query, together, type Values } from './prepared.ts';

/** A read. Its placeholders are given by name. */
export interface Read<Row> {
  /** The first row. */
  get(values: Values): Row | undefined;
  all(values: Values): Row[];
}

/** A select of drizzle's that names its columns one by one, or all of one table. */
interface Select extends Query {
  readonly _: { readonly selectedFields: object; readonly result: readonly unknown[] };
}

type RowOf<S extends Select> = S['_']['result'][number];

/**
 * A read, written and prepared when it is first asked for: a process uses few of all statements.
 *
 * @example
 * const prepareText = readStatement(() => builder.select({ text: blob.text }).from(blob).where(eq(blob.hash, sql.placeholder('hash'))));
 * const text = prepareText(connection);
 * text.get({ hash }) // prepared here
 */
export function readStatement<S extends Select>(query: () => S): Prepare<Read<RowOf<S>>> {
  const written = onFirstUse(() => {
    const select = query();
    const { sql: text, params } = select.toSQL();
    return {
      text: plannedOnce(text, params),
      bind: binder(params),
      rowOf: rowReader<RowOf<S>>(select._.selectedFields),
    };
  });
  return ({ driver }) => {
    const prepared = onFirstUse((): Read<RowOf<S>> => {
      const { text, bind, rowOf } = written();
      const statement = driver.prepare<unknown[], readonly unknown[]>(text).raw();
      return {
        get: (values) => {
          const row = statement.get(bind(values));
          return row && rowOf(row);
        },
        all: (values) => statement.all(bind(values)).map(rowOf),
      };
    });
    return {
      get: (values) => prepared().get(values),
      all: (values) => prepared().all(values),
    };
  };
}

/** The same for several, by name. */
export function readStatements<Queries extends Readonly<Record<string, () => Select>>>(
  queries: Queries,
): Prepare<{ readonly [Name in keyof Queries]: Read<RowOf<ReturnType<Queries[Name]>>> }> {
  const reads = Object.entries(queries).map(([name, query]) => [name, readStatement(query)] as const);
  return together(Object.fromEntries(reads)) as Prepare<{
    readonly [Name in keyof Queries]: Read<RowOf<ReturnType<Queries[Name]>>>;
  }>;
}

/**
 * The same statement, planned once. While SQLite plans, it compares a bare `?` with what an ORDER BY, a join or a partial index
 * names, and from then on plans anew whenever a value is bound: 7 µs more for the calls of a run, 25 for the run itself. Of `+?`
 * it asks nothing, and takes the value as it is.
 */
function plannedOnce(text: string, params: readonly unknown[]): string {
  const parts = text.split('?');
  // In a text it would become another text.
  if (parts.length - 1 !== params.length)
    throw new FermataError('internal', `A read has a "?" that is no placeholder: ${text}. Bind that text.`);
  return parts.join('+?');
}

type Decode = (value: unknown) => unknown;

/** How the values of a row, in the order in which they were selected, become an object. */
function rowReader<Row>(fields: object): (row: readonly unknown[]) => Row {
  const columns = Object.entries(fields).map(([name, field]) => ({ name, decode: decoderOf(name, field) }));
  return (row) => {
    const read: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at++) {
      const { name, decode } = columns[at] as (typeof columns)[number];
      const value = row[at];
      read[name] = decode === undefined || value === null ? value : decode(value);
    }
    return read as Row;
  };
}

/** Undefined where SQLite's value is the one that is meant. */
function decoderOf(name: string, field: unknown): Decode | undefined {
  if (is(field, SQL)) return undefined;
  if (!is(field, Column))
    throw new FermataError('internal', `A read selects "${name}", which is no column. Name its columns one by one.`);
  return field.mapFromDriverValue === Column.prototype.mapFromDriverValue
    ? undefined
    : (value) => field.mapFromDriverValue(value);
}
