/** What happens in runs, as lines of the log: one for each fact that a person who looks after the server would ask for. */
import type { Logger } from 'pino';
import type { Fact } from '../runtime/facts.ts';
import type { Reads } from '../runtime/reads.ts';
import type { RunView } from '../runtime/runtime.ts';
import { apartFromRequests } from './log.ts';

type Level = 'info' | 'warn' | 'debug';

const LEVELS: ReadonlyMap<string, Level> = new Map([
  ['run_started', 'info'],
  ['run_paused', 'info'],
  ['run_resumed', 'info'],
  ['approval_requested', 'info'],
  ['approval_resolved', 'info'],
  ['task_started', 'debug'],
  ['task_completed', 'debug'],
  ['task_skipped', 'debug'],
  ['task_cancelled', 'debug'],
  ['task_failed', 'warn'],
  ['task_retrying', 'warn'],
  ['task_in_doubt', 'warn'],
  ['action_failed', 'warn'],
  ['event_refused', 'warn'],
]);
const ENDS: ReadonlyMap<string, string> = new Map([
  ['run_completed', 'completed'],
  ['run_failed', 'failed'],
  ['run_cancelled', 'cancelled'],
]);
/** What a line takes over from its fact; results and prompts stay in the journal. */
const SHOWN = [
  'workflow',
  'version',
  'machine',
  'task',
  'attempt',
  'status',
  'error',
  'reason',
  'delaySeconds',
  'policy',
  'warning',
];

/**
 * Logs what happens in runs from now on: runs that start and end at info, tasks that fail, are tried again or had
 * something cut off at warn, all others at debug. Every line has `runId`, `actor`, and about a task `task` and
 * `attempt`. Returns how to stop.
 *
 * @example
 * const stop = logRuns(fermata.runtime, createLogger({ level: 'info' }))
 */
export function logRuns(runtime: Pick<Reads, 'subscribe' | 'read'>, log: Logger): () => void {
  // A listener costs something with every fact, even one that says nothing.
  if (!log.isLevelEnabled('warn')) return () => {};
  return runtime.subscribe(undefined, (fact) => {
    const status = ENDS.get(fact.type);
    if (status !== undefined) {
      if (log.isLevelEnabled('info')) void logEnd(runtime, log, fact, status);
      return;
    }
    // What was cut off of its work is for the one who looks after it, though the task is fine.
    const level = fact.data['warning'] === undefined ? LEVELS.get(fact.type) : 'warn';
    if (level === undefined || !log.isLevelEnabled(level)) return;
    apartFromRequests(() => log[level](lineOf(fact), fact.type.replaceAll('_', ' ')));
  });
}

async function logEnd(runtime: Pick<Reads, 'read'>, log: Logger, fact: Fact, status: string): Promise<void> {
  let run: RunView | undefined;
  try {
    run = await runtime.read(fact.run);
  } catch {
    // Deleted, or the process is stopping: the line then says what its fact says.
  }
  const line = {
    ...lineOf(fact),
    ...(run?.workflow === undefined ? {} : { workflow: run.workflow.name, version: run.workflow.version }),
    ...(run === undefined || run.workflow !== undefined ? {} : { machine: run.machine }),
    status,
    ...(run === undefined ? {} : { ms: fact.at - (run.startedAt ?? run.createdAt) }),
  };
  apartFromRequests(() => log.info(line, 'run ended'));
}

function lineOf({ run, actor, data }: Fact): Readonly<Record<string, unknown>> {
  const shown = SHOWN.flatMap((name) => (data[name] === undefined ? [] : [[name, data[name]] as const]));
  return { runId: run, actor, ...Object.fromEntries(shown) };
}
