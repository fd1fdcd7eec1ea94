/** Waiting until a run is as somebody wants it to be. */
import { FermataError } from '../errors.ts';
import type { RunView } from './run-view.ts';

/** The run that is waited for. */
export interface Awaited {
  /** Ends the wait, with its reason. */
  readonly signal: AbortSignal;
  read(): Promise<RunView>;
  /** Calls `listener` after each of its commits. Returns how to stop. */
  onCommit(listener: () => void): () => void;
}

/** The run, once it satisfies `until`. Throws `runEnded` where it ends otherwise, and the reason of the signal. */
export async function waitUntil(
  until: (run: RunView) => boolean,
  { signal, read, onCommit }: Awaited,
): Promise<RunView> {
  let changed = (): void => {};
  const wake = (): void => changed();
  const stop = onCommit(wake);
  signal.addEventListener('abort', wake);
  try {
    for (;;) {
      // Before reading: what is committed meanwhile is then read once more.
      const change = new Promise<void>((resolve) => (changed = resolve));
      signal.throwIfAborted();
      const run = await read();
      if (until(run)) return run;
      if (run.endedAt !== null)
        throw new FermataError(
          'runEnded',
          `Run ${run.runId} has ended (${run.status}): what was waited for was not seen, and cannot come any more.`,
          { data: { runStatus: run.status } },
        );
      await change;
    }
  } catch (thrown) {
    // What was being read when the runtime closed says so in words of the store.
    signal.throwIfAborted();
    throw thrown;
  } finally {
    stop();
    signal.removeEventListener('abort', wake);
  }
}
