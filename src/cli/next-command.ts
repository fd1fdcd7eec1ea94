/**
 * Commands that are printed for the person to type next. They go on where this one is, from any directory: the same
 * program, the same database and configuration, the same models.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readSettings } from '../config.ts';
import type { ConnectionOptions } from './connection.ts';
import type { Shell } from './shell.ts';
import { shellQuote } from './text.ts';

/** Writes a command, as a shell takes it. */
export type NextCommand = (command: string, ...words: readonly string[]) => string;

/** Others only look: it makes no difference to them who answers. */
const ASKS_MODELS: ReadonlySet<string> = new Set(['run', 'watch', 'approve', 'send', 'fork', 'retry', 'serve']);

/**
 * How commands are written that go on where the present one is.
 *
 * @example
 * nextCommand(shell, { db: 'my.db', demo: true })('watch', runId) // 'npx fermata watch 01J… --db /home/ada/my.db --demo'
 */
export function nextCommand(
  shell: Pick<Shell, 'program' | 'environment' | 'directory'>,
  options: ConnectionOptions,
): NextCommand {
  return (command, ...words) => {
    const demo = options.demo === true && options.server === undefined && ASKS_MODELS.has(command);
    const parts = [command, ...words, ...placeOf(shell, options), ...(demo ? ['--demo'] : [])];
    return [shell.program, ...parts.map(shellQuote)].join(' ');
  };
}

/** What says where Fermata is: the file that this command has, wherever the next one is typed. */
function placeOf(
  { environment, directory }: Pick<Shell, 'environment' | 'directory'>,
  { server, db, config }: ConnectionOptions,
): readonly string[] {
  if (server !== undefined) return ['--server', server];
  const settings = readSettings(environment);
  const configFile = resolve(directory, config ?? settings.configFile ?? 'fermata.config.ts');
  return [
    '--db',
    resolve(directory, db ?? settings.database),
    ...(existsSync(configFile) ? ['--config', configFile] : []),
  ];
}
