/** A client that asks again: over servers that die, refuse, stop, or have a full disk. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, FermataClientError, type FermataClient } from '../../../src/client/index.ts';

const DEADLINE_MS = 90_000;
const PAUSE_MS = 20;

/**
 * The product's client; its streams come back soon, because servers do here.
 *
 * @param refused is told the code of each 503
 */
export function clientOf(baseUrl: string, refused: (code: string) => void = () => {}): FermataClient {
  return createClient({
    baseUrl,
    wait: (ms, signal) => quietly(Math.min(ms, 50), signal),
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (response.status === 503) refused(((await response.clone().json()) as { readonly code: string }).code);
      return response;
    },
  });
}

async function quietly(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await pause(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/**
 * Asks until there is an answer that another try cannot change. Everything asked this way may be asked twice.
 *
 * @param what finishes the sentence "waited for …"
 * @throws FermataClientError of status 4xx or 500
 */
export async function patiently<T>(what: string, ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (!isWorthAnotherTry(thrown)) throw thrown;
      if (performance.now() > deadline) assert.fail(`waited ${DEADLINE_MS / 1_000} s for ${what}: ${String(thrown)}`);
      await pause(PAUSE_MS);
    }
  }
}

/**
 * The server was not there, said that it could not now, or stood still until Node gave the request up unread (408). Or
 * three kills met the run in the same function, and it waits for the load's operator to release it.
 */
function isWorthAnotherTry(thrown: unknown): boolean {
  return (
    thrown instanceof FermataClientError &&
    (['unreachable', 'quarantined'].includes(thrown.code) || thrown.status === 503 || thrown.status === 408)
  );
}

/** Asks until it is so. */
export async function untilSo(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await patiently(what, ask))) {
    assert.ok(performance.now() < deadline, `waited ${DEADLINE_MS / 1_000} s for ${what}`);
    await pause(PAUSE_MS);
  }
}
