/** `fermata fork RUN`: starts a run that takes over what another one has found; without a server, it then goes on here. */
import { FermataError } from '../../errors.ts';
import { budgetOf, maxCostOption } from '../budget.ts';
import {
  configOption,
  databaseOption,
  demoOption,
  gather,
  jsonOption,
  serverOption,
  type AddCommand,
} from '../command-line.ts';
import { withRun, type ConnectionOptions } from '../connection.ts';
import { follow } from '../follow.ts';
import { printable } from '../text.ts';

interface ForkOptions extends ConnectionOptions {
  readonly from?: string;
  readonly at?: string;
  readonly edit: readonly string[];
  readonly json: boolean;
  readonly maxCost?: number;
}

export const addFork: AddCommand = (program, { shell, exitWith }) => {
  program
    .command('fork')
    .summary('start a run from the middle of another one')
    .description(
      'Starts a run that takes over what another one has found, up to a point, and goes on from there. Nothing is paid for ' +
        'again. Without --server it goes on in this process.',
    )
    .argument('<run>', 'id of the run')
    .option('--from <task>', 'this task, and what depends on it, runs anew')
    .option('--at <seq>', 'what was committed after this fact runs anew')
    .option(
      '-e, --edit <task.prompt=text>',
      'another prompt, or the output itself: plan.output=\'["one", "two"]\' (may be repeated)',
      gather,
      [],
    )
    .addOption(maxCostOption())
    .addOption(jsonOption())
    .addOption(serverOption())
    .addOption(databaseOption())
    .addOption(configOption())
    .addOption(demoOption().conflicts('server'))
    .action(async (runId: string, options: ForkOptions) => {
      const { from, at, edit, json } = options;
      const request = { ...pointOf(from, at), edits: readEdits(edit), ...budgetOf(options) };
      const words = [
        ...(from === undefined ? [] : ['--from', from]),
        ...(at === undefined ? [] : ['--at', at]),
        ...edit.flatMap((one) => ['--edit', one]),
        ...(options.maxCost === undefined ? [] : ['--max-cost', String(options.maxCost)]),
      ];
      await withRun(shell, options, ['fork', runId, ...words], async (connection) => {
        const started = await connection.client.fork(runId, request);
        shell.err(printable(`Run ${started.runId} is a fork of run ${runId}.`));
        if (connection.embedded) exitWith(await follow(shell, { connection, runId: started.runId, json }));
        else shell.out(json ? JSON.stringify(started) : started.runId);
      });
    });
};

function pointOf(from: string | undefined, at: string | undefined): { fromTask: string } | { atSeq: number } {
  if (from !== undefined && at === undefined) return { fromTask: from };
  if (at !== undefined && from === undefined && /^\d+$/.test(at)) return { atSeq: Number(at) };
  throw new FermataError(
    'invalidRequest',
    at !== undefined && from === undefined
      ? `--at expects the number of a fact, came ${JSON.stringify(at)}.`
      : 'Say where the fork leaves the run: --from TASK, or --at SEQ (the number of a fact); one of them.',
  );
}

/**
 * What `--edit` options stand for. An output that is JSON is what it says, anything else is a text.
 *
 * @example
 * readEdits(['plan.output=["one"]', 'report.prompt=Be brief']) // { plan: { output: ['one'] }, report: { prompt: 'Be brief' } }
 * @throws FermataError `invalidRequest`
 */
export function readEdits(
  options: readonly string[],
): Readonly<Record<string, { readonly prompt?: string; readonly output?: unknown }>> {
  const edits = new Map<string, { readonly prompt?: string; readonly output?: unknown }>();
  for (const option of options) {
    const [, task, field, text] = /^(.+?)\.(prompt|output)=([^]*)$/.exec(option) ?? [];
    if (task === undefined || field === undefined || text === undefined)
      throw new FermataError(
        'invalidRequest',
        `--edit expects TASK.prompt=TEXT or TASK.output=VALUE, came ${JSON.stringify(option)}.`,
      );
    edits.set(task, { ...edits.get(task), [field]: field === 'prompt' ? text : valueOf(text) });
  }
  return Object.fromEntries(edits);
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
