/** The API names its own routes in what it says; at a terminal the commands are named that do the same. */
import type { NextCommand } from './next-command.ts';

const RUN = String.raw`/api/v1/runs/([^/\s]+)`;
const ROUTES: readonly (readonly [route: RegExp, command: (next: NextCommand, ids: readonly string[]) => string])[] = [
  [new RegExp(`GET ${RUN}/results`, 'g'), (next, [run = 'RUN']) => next('show', run)],
  [new RegExp(`GET ${RUN}/(?:why|snapshot)`, 'g'), (next, [run = 'RUN']) => next('why', run)],
  [new RegExp(`POST ${RUN}/cancel`, 'g'), (next, [run = 'RUN']) => next('cancel', run)],
  [
    new RegExp(String.raw`POST ${RUN}/tasks/([^/\s]+)/approve(?: \{[^}]*\})?`, 'g'),
    (next, [run = 'RUN', task = 'TASK']) => next('approve', run, task),
  ],
  [
    new RegExp(String.raw`POST ${RUN}/tasks/([^/\s]+)/retry`, 'g'),
    (next, [run = 'RUN', task = 'TASK']) => next('retry', run, task),
  ],
  [
    new RegExp(String.raw`POST ${RUN}/events \{"type": ("(?:[^"\\]|\\.)*"), …\}`, 'g'),
    (next, [run = 'RUN', type = '"TYPE"']) => next('send', run, String(JSON.parse(type))),
  ],
  [/GET \/api\/v1\/runs(?![\w/])/g, (next) => next('runs')],
];

/**
 * A text of the API with its routes as commands; a route that no command stands for stays.
 *
 * @example
 * inCommands('List the runs with GET /api/v1/runs.', next) // 'List the runs with "npx fermata runs --db /home/ada/fermata.db".'
 */
export function inCommands(text: string, next: NextCommand): string {
  return ROUTES.reduce(
    (said, [route, command]) =>
      said.replace(route, (_: string, ...groups: readonly unknown[]) => {
        // Behind the groups come the offset and the whole text.
        const ids = groups.slice(0, -2).map((id) => decodeURIComponent(String(id)));
        return `"${command(next, ids)}"`;
      }),
    text,
  );
}
