/** The moments at which a process may end while it works on a database. */
import type { Connection } from '../../../src/store/sqlite/connection.ts';

/** Calls `moment` before each statement and pragma of a connection, with its number and its text. */
export function beforeEachStatement({ driver }: Connection, moment: (nth: number, text: string) => void): void {
  let statements = 0;
  const prepare = driver.prepare.bind(driver);
  const pragma = driver.pragma.bind(driver);
  driver.prepare = ((text: string) => (moment(++statements, text), prepare(text))) as typeof driver.prepare;
  driver.pragma = (text, options) => (moment(++statements, text), pragma(text, options));
}
