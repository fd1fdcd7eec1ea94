/** What a command stands in: how it was called, its streams, its environment, its directory, and the signals it gets. */
import { basename, delimiter, dirname } from 'node:path';
import { styleText } from 'node:util';
import { Interrupt } from './interrupt.ts';
import { shellQuote } from './text.ts';

/** A style of `node:util` `styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** What a command sees of the outside. Tests give their own. */
export interface Shell {
  /** How this program is called in a shell: `npx fermata`. */
  readonly program: string;
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
    program: calledAs(process.env, process.argv[1] ?? 'fermata'),
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

/**
 * How this program was called, and can be called again.
 *
 * @param script path of the script that Node was started with: an installed command is a link named `fermata`
 * @example
 * calledAs({ PATH: '/usr/bin' }, '/home/ada/fermata/bin/fermata.js') // 'node /home/ada/fermata/bin/fermata.js'
 */
export function calledAs(environment: Shell['environment'], script: string): string {
  // Set by npm for what it runs; the folder of the link is in the PATH only as long as that.
  if (environment['npm_execpath'] !== undefined) return 'npx fermata';
  if (basename(script) !== 'fermata') return `node ${shellQuote(script)}`;
  const folders = (environment['PATH'] ?? '').split(delimiter);
  return folders.includes(dirname(script)) ? 'fermata' : shellQuote(script);
}
