/** What the process is at, so that the next one knows what it died of. */
import type { RunKey } from './runs.ts';

/** Names what the process is at: where it dies now, it died of this. */
export interface DecidingMark extends RunKey {
  /** Tells it apart from whatever else the run takes; the same when it comes again. The start of a run has `run` ''. */
  readonly key: string;
  /** The same for people, in words that finish the sentence "the process died …". */
  readonly what: string;
}

/** How the process before this one stopped. */
export type LastStop =
  | { readonly orderly: true }
  /** It died, or was killed; `deciding` is the mark that stood then. */
  | { readonly orderly: false; readonly deciding: DecidingMark | undefined };
