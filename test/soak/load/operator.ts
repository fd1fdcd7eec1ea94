/**
 * Somebody who looks after a server that is killed from outside: a run that three kills have met in the same call is
 * quarantined, as it would be had it killed the process itself, and he lets it try again.
 */
import { setTimeout as pause } from 'node:timers/promises';

const LOOKS_EVERY_MS = 500;

interface Run {
  readonly runId: string;
  readonly endedAt: string | null;
}

/** Looks after the server at `url` until `signal` is aborted. */
export async function operate(url: string, signal: AbortSignal): Promise<void> {
  const ask = async (path: string, method = 'GET'): Promise<unknown> =>
    (await fetch(`${url}/api/v1${path}`, { method, signal })).json();
  while (!signal.aborted) {
    try {
      const { items } = (await ask('/runs?limit=1000')) as { readonly items: readonly Run[] };
      for (const { runId } of items.filter(({ endedAt }) => endedAt === null)) {
        const { blocked } = (await ask(`/runs/${runId}/why`)) as {
          readonly blocked?: { readonly code: string } | null;
        };
        if (blocked?.code === 'quarantined') await ask(`/runs/${runId}/resume`, 'POST');
      }
    } catch {
      // The server is down, or in the middle of dying. It will be looked at again.
    }
    await pause(LOOKS_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
