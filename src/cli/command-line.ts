/** What every command is made with, and the options that several of them take. */
import { Option, type Command } from 'commander';
import type { DocumentFile } from './document-file.ts';
import type { Shell } from './shell.ts';

/** Adds a command to the program. `exitWith` says what the process ends with; without it, 0. */
export type AddCommand = (program: Command, surroundings: CommandSurroundings) => void;

/** What a command stands on. */
export interface CommandSurroundings {
  readonly shell: Shell;
  exitWith(status: number): void;
  /** Tells an error with the place in a document that it is about, and ends with its exit status. */
  failWith(thrown: unknown, file: DocumentFile | undefined): void;
}

/** `--server`. */
export function serverOption(): Option {
  return new Option('--server <url>', 'talk to a running server, such as http://127.0.0.1:3000');
}

/** `--db`, in place of `FERMATA_DB`. */
export function databaseOption(): Option {
  return new Option('--db <file>', 'database file (default: FERMATA_DB, or ./fermata.db)').conflicts('server');
}

/** `--config`, in place of `FERMATA_CONFIG`. */
export function configOption(): Option {
  return new Option(
    '--config <file>',
    'configuration (default: FERMATA_CONFIG, or ./fermata.config.ts if it is there)',
  );
}

/** `--demo`. */
export function demoOption(): Option {
  return new Option(
    '--demo',
    'scripted models: nothing is asked of any provider, and no key is needed (FERMATA_DEMO_PACE: tokens a second)',
  ).default(false);
}

/** `--json`. */
export function jsonOption(): Option {
  return new Option('--json', 'one JSON object on standard output, and nothing else').default(false);
}

/** Gathers an option that may be given many times. */
export function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
