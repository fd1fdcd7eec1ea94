/** What the API needs of a logger; one of pino's will do. A file of its own: types of the API need those of no logger. */

/** Writes lines: fields, and what happened. */
type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** Where the API writes its log. */
export interface Logger {
  readonly info: Write;
  readonly error: Write;
}
