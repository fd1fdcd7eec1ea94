/** What a group of runs writes, as one transaction of the store. */
import type { CommitGroup, RunChanges } from '../store/commit.ts';
import type { MessageRow } from '../store/messages.ts';
import type { SuspectRow } from '../store/suspects.ts';
import type { Unnumbered } from './draft.ts';
import type { ClosedRun, Run } from './run.ts';

/** Where numbering over all runs stands. */
export interface Numbers {
  /** Of the last journal entry. */
  readonly position: number;
  /** Of the last message between runs. */
  readonly messageId: number;
}

/** A group that is ready to be written. */
export interface ClosedGroup {
  readonly commit: CommitGroup;
  /** Whose turns it holds: those of the group without the ones that cannot be written. */
  readonly runs: readonly Run[];
  /** Of the last journal entry, once it is written. */
  readonly position: number;
}

/** Closes each run's part. One that cannot be written is left out and handed to `unwritable`; the others go on. */
export function closeGroup(
  group: readonly Run[],
  position: number,
  numbered: (messages: readonly Unnumbered[]) => readonly MessageRow[],
  unwritable: (run: Run, thrown: unknown) => void,
): ClosedGroup {
  const closed: Run[] = [];
  const runs: RunChanges[] = [];
  const blobs = new Map<string, string>();
  const messagesSent: MessageRow[] = [];
  const messagesTaken: number[] = [];
  const suspectsGone: Pick<SuspectRow, 'tenant' | 'run' | 'key'>[] = [];
  for (const run of group) {
    const { draft } = run;
    if (!draft.empty) {
      let part: ClosedRun;
      try {
        part = run.close();
      } catch (thrown) {
        unwritable(run, thrown);
        continue;
      }
      runs.push(changesOf(run, part, position + 1));
      position += draft.entries.length;
      for (const [hash, text] of part.blobs) blobs.set(hash, text);
      messagesSent.push(...numbered(draft.messagesSent));
      messagesTaken.push(...draft.messagesTaken);
    }
    suspectsGone.push(...run.settledSuspects);
    closed.push(run);
  }
  const values = [...blobs].map(([hash, text]) => ({ hash, text }));
  return {
    commit: { runs, blobs: values, messagesSent, messagesTaken, suspectsGone },
    runs: closed,
    position,
  };
}

function changesOf({ key, draft, revision }: Run, part: ClosedRun, first: number): RunChanges {
  return {
    ...key,
    origin: draft.origin,
    machine: draft.machine,
    state: part.state,
    revision,
    entries: draft.entries.map((entry, index) => ({ ...entry, position: first + index })),
    entriesFrom: part.entriesFrom,
    actors: part.actors,
    timersArmed: [...draft.timersArmed.values()],
    timersGone: [...draft.timersGone],
    effectsAsked: [...draft.effectsAsked.values()].map(({ row }) => row),
    effectsMarked: [...draft.effectsMarked],
    effectsGone: [...draft.effectsGone],
    rows: part.rows,
    taken: draft.taken,
    blobs: part.blobsUsed,
    blobsGone: part.blobsGone,
  };
}
