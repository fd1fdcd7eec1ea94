/** The lines of a log, for tests that read them. */
import { Writable } from 'node:stream';

/** Collects the lines of a log. */
export function lines() {
  const texts: string[] = [];
  const destination = new Writable({ write: (chunk, _encoding, done) => (texts.push(String(chunk)), done()) });
  return { destination, texts, entries: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>) };
}
