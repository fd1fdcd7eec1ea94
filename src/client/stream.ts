/** A stream of facts that survives its connections: it comes back with `Last-Event-ID`, and yields each fact once. */
import { EventSourceParserStream, type EventSourceMessage } from 'eventsource-parser/stream';
import { FermataClientError, succeeded } from './error.ts';

/** A committed fact of a run. */
export interface FactEvent {
  readonly event: string;
  /** What `after` takes to go on behind it. */
  readonly id: string;
  readonly data: {
    readonly runId: string;
    readonly seq: number;
    readonly timestamp: string;
    readonly progress?: number;
    readonly task?: string;
    readonly description?: string;
    readonly [name: string]: unknown;
  };
}

/** A piece of streaming text. `offset` 0 means: start over. Pieces may come twice, or not at all. */
export interface DeltaEvent {
  readonly event: 'task_delta';
  readonly id?: undefined;
  readonly data: {
    readonly runId: string;
    readonly task: string;
    readonly attempt: number;
    readonly offset: number;
    readonly delta: string;
    /** What facts have and pieces have not, so that a loop over both may ask for it. */
    readonly seq?: undefined;
    readonly timestamp?: undefined;
    readonly progress?: undefined;
    readonly description?: undefined;
  };
}

/** When the run will have ended, at the moment at which it was sent: only where the request asks for it. */
export interface EtaEvent {
  readonly event: 'eta';
  readonly id?: undefined;
  readonly data: {
    readonly runId: string;
    readonly timestamp: string;
    /** From then on; null: not known. */
    readonly etaSeconds: number | null;
    readonly etaFrom?: string;
    /** Why it is not known, and what of it is. */
    readonly etaReason?: string;
    readonly etaAtLeastSeconds?: number;
  };
}

export type StreamEvent = FactEvent | DeltaEvent;

/** Where a stream begins and when it stops. */
export interface StreamRequest {
  /** Id of the last fact received; default: from the beginning. */
  readonly after?: string | number;
  readonly signal?: AbortSignal;
}

/** What a stream needs. */
export interface StreamSurroundings {
  /** Opens a connection behind `lastEventId`. Rejects where the server cannot be reached. */
  open(lastEventId: string | undefined, signal: AbortSignal | undefined): Promise<Response>;
  /** Waits; ends early, without an error, when the signal says so. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;

/**
 * Facts and deltas until the server says that nothing more comes (204), or the signal aborts. Lost connections are opened
 * again, later each time that nothing came. Errors that another try cannot mend (4xx, but for 408 and 429) are thrown.
 */
export async function* resumingStream(
  surroundings: StreamSurroundings,
  { after, signal }: StreamRequest,
): AsyncGenerator<StreamEvent, void> {
  let lastId = after === undefined ? undefined : String(after);
  let failures = 0;
  while (!isOver(signal)) {
    try {
      const response = await succeeded(await surroundings.open(lastId, signal));
      if (response.status === 204 || response.body === null) return;
      for await (const message of messagesOf(response.body, signal)) {
        const event = toStreamEvent(message);
        if (event.id !== undefined) {
          // What a cut connection repeats is not news.
          if (event.id === lastId) continue;
          lastId = event.id;
          failures = 0;
        }
        yield event;
      }
      // A stream that ends is either over, which the next try learns at once, or was cut.
      if (failures === 0) {
        failures = 1;
        continue;
      }
    } catch (thrown) {
      if (isOver(signal)) return;
      if (isForGood(thrown)) throw thrown;
    }
    failures++;
    await surroundings.wait(Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures), signal);
  }
}

function isOver(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/**
 * Whether the same request would be refused again. Not where the server gave it up unread (408), as one does that stood
 * still for a minute, or had too many (429).
 */
function isForGood(thrown: unknown): boolean {
  if (!(thrown instanceof FermataClientError)) return false;
  const { status } = thrown;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Leaving the loop, or the signal, cancels the connection. */
async function* messagesOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventSourceMessage, void> {
  const reader = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  const leave = (): void => void reader.cancel().catch(() => {});
  signal?.addEventListener('abort', leave);
  try {
    while (!isOver(signal)) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
}

function toStreamEvent({ event = 'message', id, data }: EventSourceMessage): StreamEvent {
  return { event, ...(id === undefined ? {} : { id }), data: JSON.parse(data) as unknown } as StreamEvent;
}
