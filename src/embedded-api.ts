/** The API without a socket: the typed client, whose requests are answered in this process. */
import { createClient, FermataClientError, type FermataClient } from './client/index.ts';
import { wait } from './client/wait.ts';
import type { Fermata } from './compose.ts';
import { FermataError } from './errors.ts';
import type { Logger } from './http/logger.ts';

/** Under this address an API without a socket is called; nothing listens there. */
export const EMBEDDED_URL = 'http://localhost';

/** What the API in a process is made of. */
export interface EmbeddedApiOptions {
  readonly fermata: () => Fermata;
  /** What went wrong inside; requests are no lines: whoever makes them knows of them. */
  readonly log: Logger['error'];
  /** Aborted when the process begins to stop. */
  readonly stopping: AbortSignal;
}

/** The client of a Fermata in the same process. What answers is loaded with the first request: it is most of what there is to load. */
export function embeddedApi({ fermata, log, stopping }: EmbeddedApiOptions): FermataClient {
  let answer: Promise<(request: Request) => Response | Promise<Response>> | undefined;
  const open = async () => {
    const { createApp } = await import('./http/app.ts');
    return createApp({ fermata: fermata(), log: { info: () => {}, error: log }, stopping }).fetch;
  };
  return createClient({
    baseUrl: EMBEDDED_URL,
    fetch: async (input, init) => (await (answer ??= open()))(new Request(input, init)),
    // A stream would connect again for ever, and keep its process from ending: nobody comes back under this address.
    async wait(ms, signal) {
      await wait(ms, signal === undefined ? stopping : AbortSignal.any([stopping, signal]));
      if (!stopping.aborted) return;
      const detail = 'Fermata was closed in this process. What was followed goes on at its next start.';
      throw new FermataClientError({ code: 'shuttingDown', status: 503, detail }, 503);
    },
  });
}

/**
 * True of every error that Fermata reports in a program that embeds it, whichever half was asked: a `FermataError` of
 * `fermata.runtime` and `fermata.start`, a `FermataClientError` of `fermata.api`. Both have a `code`, a `status` and a message.
 *
 * They are two classes, and neither is the other: what some server has answered must not be taken for an error of this
 * process, whose codes decide how a task and its run go on.
 *
 * @example
 * if (isFermataError(error) && error.code === 'alreadyDecided') return
 */
export function isFermataError(thrown: unknown): thrown is FermataError | FermataClientError {
  return thrown instanceof FermataError || thrown instanceof FermataClientError;
}
