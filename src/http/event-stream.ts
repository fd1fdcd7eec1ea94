/**
 * The body of a stream of server-sent events, made as fast as it is read.
 *
 * B1. The next event is made when the reader has taken the one before: one that does not read costs a piece in the
 *     socket and the rest of one event, whatever happens meanwhile.
 * B2. Who takes nothing for `STALLED_MS` is let go, and with it what was kept. It comes back with `Last-Event-ID`.
 * B3. While nothing happens a comment goes out each `HEARTBEAT_MS`: proxies close connections on which nothing moves.
 */
import type { Clock, TimerHandle } from '../clock.ts';
import { Upcoming } from './upcoming.ts';

/** How long a reader may take nothing while something lies ready for it. */
export const STALLED_MS = 30_000;
const HEARTBEAT_MS = 15_000;
/** Of a big event: what the socket is given at once. */
const PIECE_BYTES = 65_536;

/** What a body is made from. */
export interface EventSource {
  readonly clock: Clock;
  /** The text of the events, one after the other, until there are no more or `gone` is aborted. Does not throw. */
  events(gone: AbortSignal): AsyncGenerator<string, void>;
  /** Cuts the connection of a reader that takes nothing. It gets no end that it could take for the end of the events. */
  stalled(): void;
}

/** One event as text. */
export function eventText({
  event,
  data,
  id,
}: {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}) {
  // A machine of one's own may state a fact under any name.
  const name = event.replaceAll(/[\r\n]+/g, ' ');
  return `event: ${name}\ndata: ${data}\n${id === undefined ? '' : `id: ${id}\n`}\n`;
}

/** A comment as text. */
export function commentText(text: string): string {
  return `: ${text}\n\n`;
}

/**
 * The body of a response. A reader that goes away cancels it.
 *
 * @example
 * new Response(eventBody({ clock, events: async function* () { yield commentText('hello') }, stalled: () => socket.destroy() }))
 */
export function eventBody({ clock, events, stalled }: EventSource): ReadableStream<Uint8Array<ArrayBuffer>> {
  const gone = new AbortController();
  const source = events(gone.signal);
  const encoder = new TextEncoder();
  const upcoming = new Upcoming(source, clock);
  let rest = new Uint8Array(0);
  let timer: TimerHandle | undefined;

  /** The text of the next event, of a comment where none comes for a while, undefined at the end. */
  const next = async (): Promise<string | undefined> => {
    const came = await upcoming.within(HEARTBEAT_MS);
    if (came === undefined) return commentText('still here');
    return came.done === true ? undefined : came.value;
  };

  return new ReadableStream(
    {
      async pull(controller) {
        timer?.clear();
        if (rest.length === 0) {
          const text = await next();
          if (gone.signal.aborted) return;
          if (text === undefined) return controller.close();
          rest = encoder.encode(text);
        }
        const piece = rest.subarray(0, PIECE_BYTES);
        rest = rest.subarray(PIECE_BYTES);
        controller.enqueue(piece);
        timer = clock.setTimer(stalled, STALLED_MS);
      },
      async cancel() {
        timer?.clear();
        rest = new Uint8Array(0);
        gone.abort();
        await source.return();
      },
    },
    { highWaterMark: 0 },
  );
}
