/** `fermata send RUN TYPE`: sends an event from outside; without a server, the run then goes on here. */
import { FermataError } from '../../errors.ts';
import {
  configOption,
  databaseOption,
  demoOption,
  jsonOption,
  serverOption,
  type AddCommand,
} from '../command-line.ts';
import { withRun, type ConnectionOptions } from '../connection.ts';
import { follow } from '../follow.ts';
import { printable } from '../text.ts';

interface SendOptions extends ConnectionOptions {
  readonly data?: string;
  readonly id?: string;
  readonly json: boolean;
}

export const addSend: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('send')
    .summary('send a run an event from outside')
    .description('Sends an event that a task waits for. Without --server the run then goes on in this process.')
    .argument('<run>', 'id of the run')
    .argument('<type>', 'type of the event')
    .option('--data <json>', 'what else it says, as a JSON object: \'{"amount": 12}\'')
    .option('--id <id>', 'its own id: an event of the same id is taken once')
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (runId: string, type: string, options: SendOptions) => {
      const { data, id, json } = options;
      const event = { ...readData(data), type, ...(id === undefined ? {} : { id }) };
      await withRun(shell, options, ['send', runId, type], async (connection) => {
        const taken = await connection.client.send(runId, event);
        shell.err(printable(`Run ${runId} has the event ${JSON.stringify(type)}.`));
        if (connection.embedded) exitWith(await follow(shell, { connection, runId, json }));
        else if (json) shell.out(JSON.stringify(taken));
      });
    });
};

function readData(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return { ...data };
  } catch {
    // Told below, like JSON that is no object.
  }
  throw new FermataError(
    'invalidRequest',
    `--data expects a JSON object, came ${JSON.stringify(text)}: write --data '{"amount": 12}'.`,
  );
}
