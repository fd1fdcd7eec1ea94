/** Follows a run to its end: progress as it comes, then the result. What `run`, `watch` and `approve` have in common. */
import type { EtaEvent, FactEvent, FermataClient } from '../client/index.ts';
import type { Connection } from './connection.ts';
import { chooseDisplay, type Display } from './display.ts';
import { EXIT } from './exit.ts';
import type { Interrupted } from './interrupt.ts';
import { MoneyWaits } from './money-waits.ts';
import { progressLine, type ShownFact } from './progress.ts';
import { showReport } from './report.ts';
import type { Shell } from './shell.ts';
import { printable } from './text.ts';

/** How a run is followed. */
export interface FollowOptions {
  readonly connection: Connection;
  readonly runId: string;
  /** The result as one JSON object. */
  readonly json: boolean;
  /** Default: a list on a terminal, else plain lines. */
  readonly display?: Display;
  /** The task that has just been decided on: on a slow machine the run may not have come to it yet. */
  readonly decided?: string;
}

/**
 * Shows progress until the run ends or a signal comes, then the result, or how the run goes on.
 *
 * @returns the exit status: completed 0, failed or cancelled 1, interrupted 130 or 143
 */
export async function follow(shell: Shell, options: FollowOptions): Promise<number> {
  const { connection, runId, json } = options;
  return shell.interrupt.during(
    async (interrupted) => {
      await showProgress(shell, options, interrupted);
      if (interrupted.exitStatus !== undefined && !(await hasEnded(connection.client, runId))) {
        for (const line of howItGoesOn(options)) shell.err(line);
        return interrupted.exitStatus;
      }
      const { status } = await showReport(shell, connection.client, { runId, json });
      return status === 'completed' ? EXIT.completed : EXIT.failed;
    },
    () => shell.err('Stopping… (Ctrl-C again: at once)'),
  );
}

async function showProgress(shell: Shell, options: FollowOptions, { signal }: Interrupted): Promise<void> {
  const { connection, runId } = options;
  const approve = (task: string): string => connection.next('approve', runId, task);
  const send = (type: string): string => connection.next('send', runId, type);
  const context = { width: shell.columns - (shell.isTerminal ? ROOM_FOR_ETA : 0), approve, send };
  let { display } = options;
  const waits = new MoneyWaits((line) => display?.show(line));
  let told = false;
  let eta: EtaEvent['data'] | undefined;
  try {
    const { client } = connection;
    // In a file that somebody reads tomorrow it would say nothing.
    const stream = shell.isTerminal ? client.streamWithEta(runId, { signal }) : client.stream(runId, { signal });
    for await (const came of stream) {
      if (came.event === 'task_delta') continue;
      if (came.event === 'eta') {
        eta = came.data as EtaEvent['data'];
        continue;
      }
      const event = came as FactEvent;
      display ??= chooseDisplay(shell, event);
      const line = progressLine(event, context);
      const isEnd = line?.last === true && line.task === undefined;
      const left = isEnd || eta === undefined ? undefined : leftAt(eta, event.data);
      waits.show(event, line === undefined || left === undefined ? line : { ...line, left });
      if (told || !connection.embedded || (options.decided !== undefined && event.data['task'] === options.decided))
        continue;
      const text = (await waitsForPerson(connection.client, event))
        ? WAITING
        : (await waitsForEvent(connection.client, event))
          ? WAITING_FOR_EVENT
          : undefined;
      if (text === undefined) continue;
      told = true;
      // The database is this process's: the command above can have it only afterwards.
      display.show({ mood: 'told', percent: line?.percent, task: undefined, last: false, text });
    }
  } finally {
    waits.end();
    await display?.end();
  }
}

/** What of an ETA is left when a fact is stated; undefined where nothing is, or nobody knows. */
function leftAt(eta: EtaEvent['data'], { timestamp, progress }: FactEvent['data']): number | undefined {
  if (eta.etaSeconds === null || progress === 100) return undefined;
  const since = Math.max(0, Date.parse(timestamp) - Date.parse(eta.timestamp)) / 1_000;
  return Math.max(0, eta.etaSeconds - since);
}

/** For `, 3 min 20 s left`. */
const ROOM_FOR_ETA = 18;

const WAITING =
  'The run waits here for that decision. To decide, stop this with Ctrl-C and use the command: it goes on from there';

const WAITING_FOR_EVENT =
  'The run waits here for that event. To send it, stop this with Ctrl-C and use the command: it goes on from there';

/** A wait for an event that is still open: what came early is taken at once. */
async function waitsForEvent(client: FermataClient, { event, data }: ShownFact): Promise<boolean> {
  const waitsFor = data['waitsFor'];
  if (event !== 'task_started' || typeof waitsFor !== 'object' || waitsFor === null || !('event' in waitsFor))
    return false;
  return (await client.why(String(data['runId']))).tasks.some(({ task }) => task === data['task']);
}

/** An approval that is still open: what is watched again was decided long ago. */
async function waitsForPerson(client: FermataClient, { event, data }: ShownFact): Promise<boolean> {
  if (event !== 'approval_requested') return false;
  return (await client.status(String(data['runId']))).tasks.awaitingApproval > 0;
}

async function hasEnded(client: FermataClient, runId: string): Promise<boolean> {
  const { status } = await client.status(runId);
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

function howItGoesOn({ connection, runId }: FollowOptions): string[] {
  const watch = `  ${connection.next('watch', runId)}`;
  if (!connection.embedded) return [printable(`Run ${runId} goes on at the server. Watch it again with`), watch];
  return [
    printable(`Run ${runId} is kept, and goes on from here at the next start:`),
    watch,
    `  ${connection.next('serve')}`,
  ];
}
