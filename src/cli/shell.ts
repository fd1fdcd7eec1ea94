/** What a command stands in: its streams, its environment, its directory, and the signals it gets. */
import { styleText } from 'node:util';
import { Interrupt } from './interrupt.ts';

/** A style of `node:util` `styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** What a command sees of the outside. Tests give their own. */
export interface Shell {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths are meant from here. */
  readonly directory: string;
  /** True where progress is seen by a person: standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
  readonly interrupt: Interrupt;
  /** Writes a line (or several) of the result to standard output. */
  out(text: string): void;
  /** Writes a line (or several) of progress to standard error. */
  err(text: string): void;
  /** Colours a text of progress on a terminal, and nowhere else. */
  style(style: Style, text: string): string;
}

const DEFAULT_COLUMNS = 120;

/** The shell of this process. */
export function processShell(): Shell {
  const { stdout, stderr } = process;
  const interrupt = new Interrupt();
  // `fermata runs | head` closes the pipe early: that is the reader's right and no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : undefined));
  return {
    environment: process.env,
    directory: process.cwd(),
    isTerminal: stderr.isTTY && stderr.columns > 0,
    // some terminals say 0
    columns: stderr.columns || DEFAULT_COLUMNS,
    interrupt,
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    style: (style, text) => styleText(style, text, { stream: stderr }),
  };
}
