/** Runs that other runs began: how they tell each other how far they are, and that they end. Each word is a message, a row of the commit that says it (R8). */
import type { MessageRow } from '../store/messages.ts';
import type { RunStatus } from '../store/runs.ts';
import { decode, encode } from './codec.ts';
import type { RunMemory } from './run-memory.ts';
import type { Event } from './xstate.ts';

/** What the root of a parent hears of a run that it waits for, once, when that has ended. */
export interface ChildEnded {
  readonly type: 'fermata.childEnded';
  /** The task that began the run, and at which attempt. */
  readonly task: string;
  readonly attempt: number;
  readonly runId: string;
  readonly status: RunStatus;
  readonly output?: unknown;
  readonly reason?: unknown;
  readonly counts: Readonly<Record<string, number>>;
}

const TELLS_PROGRESS = 'fermata.childProgressed';

/** What the root of a parent hears of a run that it waits for, now and then: how far that is. */
export interface ChildProgressed {
  readonly type: typeof TELLS_PROGRESS;
  readonly task: string;
  readonly attempt: number;
  readonly runId: string;
  /** 1..99 */
  readonly progress: number;
}

/** Whoever waits for a run hears how far it is at most once in this time, unless the run comes to rest itself. */
const TELL_EVERY_MS = 1_000;

/** Sends an event to the root of another run. */
export function sendToRun(memory: RunMemory, toRun: string, event: Event): void {
  const blobs: string[] = [];
  const eventJson = encode(event, 'message', {
    add(hash, text) {
      blobs.push(hash);
      memory.add(hash, text);
    },
  });
  const { tenant, run: fromRun } = memory.key;
  memory.draft.messagesSent.push({ tenant, fromRun, toRun, eventJson, blobs });
}

/** True for a message that a later one from the same run makes worthless. */
export function tellsProgress({ eventJson, blobs }: Pick<MessageRow, 'eventJson' | 'blobs'>): boolean {
  return blobs.length === 0 && (decode(eventJson, () => '') as Event).type === TELLS_PROGRESS;
}

/** Whoever waits for this run is told how it ended: also where it was stopped, and its machine was not asked. */
export function tellParent(
  memory: RunMemory,
  { status, output, reason }: { readonly status: RunStatus; readonly output: unknown; readonly reason: unknown },
): void {
  const { parent } = memory.origin;
  if (parent?.awaited !== true) return;
  const event: ChildEnded = {
    type: 'fermata.childEnded',
    task: parent.task,
    attempt: parent.attempt,
    runId: memory.key.run,
    status,
    ...(output === undefined ? {} : { output }),
    ...(reason === undefined ? {} : { reason }),
    counts: memory.head.counts,
  };
  sendToRun(memory, parent.run, { ...event });
}

/** Whoever waits for this run is told how far it is: at most once for each percent, so that a long run costs a few messages. */
export function tellProgress(memory: RunMemory): void {
  const { origin, head, toldProgress, now } = memory;
  const { parent } = origin;
  if (parent?.awaited !== true || head.endedAt !== null || head.progress <= toldProgress.progress) return;
  const rests = head.status === 'waiting' || head.status === 'paused';
  if (!rests && now - toldProgress.at < TELL_EVERY_MS) return;
  memory.toldProgress = { progress: head.progress, at: now };
  const { run, task, attempt } = parent;
  const event = { task, attempt, runId: memory.key.run, progress: head.progress };
  sendToRun(memory, run, { type: TELLS_PROGRESS, ...event } satisfies ChildProgressed);
}

/** Runs that this one waits for. Read before its end begins: a read may have to wait, and nothing may have changed then. */
export function awaited(memory: RunMemory): readonly string[] {
  const { store, beginning } = memory.services;
  const known = memory.rows.read('awaitedRuns', () => store.awaitedRuns(memory.key));
  return [...known, ...beginning(memory.key)];
}

/** Nobody will ask for what they give any more. */
export function cancelAwaited(memory: RunMemory, status: RunStatus): void {
  for (const run of awaited(memory))
    sendToRun(memory, run, {
      type: 'fermata.cancel',
      reason: `Run ${memory.key.run}, which waited for it, was ${status === 'failed' ? 'broken off' : 'stopped'}.`,
    });
}
