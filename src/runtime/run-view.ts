/** A run as its readers see it: what is committed, decoded. */
import { FermataError } from '../errors.ts';
import type { ActorRow } from '../store/actors.ts';
import type { RunParent, RunRow, RunStatus } from '../store/runs.ts';

/** Decodes a stored text. */
type Decode = (text: string) => Promise<unknown>;

/** A run as it is committed. */
export interface RunView {
  readonly runId: string;
  readonly machine: string;
  readonly workflow: { readonly id: string; readonly name: string; readonly version: number } | undefined;
  /** The run that began it; undefined where none did. */
  readonly parent: RunParent | undefined;
  readonly tags: readonly string[];
  readonly status: RunStatus;
  /** State value of a machine of the user's own; not in lists. */
  readonly state?: unknown;
  /** Of a fork: what it keeps about where it comes from; not in lists. */
  readonly fork?: unknown;
  readonly progress: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly input: unknown;
  readonly output: unknown;
  /** `{code, message}` of a failure or a cancellation. */
  readonly reason: { readonly code: string; readonly message: string } | undefined;
  /** Why it, or a call of it, cannot go on in this process. */
  readonly blocked?: Error | undefined;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Last journal number. */
  readonly seq: number;
  /** How many facts it has stated: the number of the last one. */
  readonly facts: number;
}

/** What whoever asks for a run that is not there is told. */
export function runNotFound(runId: string): FermataError {
  return new FermataError('notFound', `No run "${runId}" exists. List the runs with GET /api/v1/runs.`);
}

/**
 * A run's row, decoded. What cannot be read of it is left out, and `reason` says so.
 *
 * @param isWhole with what lists leave out
 */
export async function runView(row: RunRow, decode: Decode, isWhole = false): Promise<RunView> {
  const { workflowId: id, workflowName: name, workflowVersion: version } = row;
  let damage: RunView['reason'];
  const value = async (text: string | null, what: string): Promise<unknown> => {
    try {
      return text === null ? undefined : await decode(text);
    } catch (thrown) {
      // One damaged row must not hide the others of a list.
      const message = `The ${what} of run ${row.run} cannot be read (${String(thrown)}). Restore the database from a backup, or delete the run.`;
      damage = { code: 'databaseCorrupt', message };
      return undefined;
    }
  };
  const input = await value(row.inputJson, 'input');
  const output = await value(row.outputJson, 'output');
  const fork = isWhole ? await value(row.forkJson ?? null, 'record of where it was forked') : undefined;
  const reason = (await value(row.reasonJson, 'reason')) as RunView['reason'];
  return {
    runId: row.run,
    machine: row.machine,
    workflow: id === undefined || name === undefined || version === undefined ? undefined : { id, name, version },
    parent: row.parent,
    tags: row.tags,
    ...(fork === undefined ? {} : { fork }),
    status: row.status,
    progress: row.progress,
    counts: row.counts,
    input,
    output,
    reason: damage ?? reason,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    seq: row.seq,
    facts: row.facts,
  };
}

/** State value of a run's root; undefined where its row cannot be read, which `why` then says. */
export async function stateValue(root: ActorRow | undefined, decode: Decode): Promise<unknown> {
  try {
    return root === undefined ? undefined : ((await decode(root.stateJson)) as { value?: unknown }).value;
  } catch {
    return undefined;
  }
}
