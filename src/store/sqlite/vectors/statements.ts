/** What the index of vectors asks the database, prepared once. */
import type { Statement } from 'better-sqlite3';
import type { Connection } from '../connection.ts';

type Reads<Row> = Statement<unknown[], Row>;

/** The statements. */
export interface VectorStatements {
  /** Key of a question, by tenant and hash. */
  readonly answerOf: Reads<number>;
  readonly drop: Statement;
  readonly insert: Statement;
  readonly insertValues: Statement;
  readonly valuesOf: Reads<Buffer>;
  readonly ofAnswer: Reads<{ readonly space: string; readonly values: Buffer }>;
  readonly hashOf: Reads<string>;
  /** Sketches of a space that were added after a key. */
  readonly newer: Reads<{ readonly key: number; readonly sketch: Buffer }>;
}

export function prepareVectors({ driver }: Connection): VectorStatements {
  return {
    answerOf: driver.prepare<unknown[], number>('select key from answer where tenant = ? and hash = ?').pluck(),
    drop: driver.prepare('delete from vector where answer = ?'),
    insert: driver.prepare('insert into vector (answer, tenant, space, sketch) values (?, ?, ?, ?)'),
    insertValues: driver.prepare('insert into vector_values (key, "values") values (?, ?)'),
    valuesOf: driver.prepare<unknown[], Buffer>('select "values" from vector_values where key = ?').pluck(),
    ofAnswer: driver.prepare(
      'select v.space, w."values" from vector v join vector_values w on w.key = v.key where v.answer = ?',
    ),
    hashOf: driver
      .prepare<unknown[], string>('select hash from answer where key = (select answer from vector where key = ?)')
      .pluck(),
    newer: driver.prepare(
      'select key, sketch from vector where tenant = ? and space = ? and key > ? order by key limit ?',
    ),
  };
}
