/** A wall clock that somebody sets wrong while the process runs; what is armed takes its real time. */
import { readFileSync } from 'node:fs';
import { systemClock, type Clock } from '../../src/clock.ts';

/** The machine's clock, wrong by the milliseconds that stand in the file; read again at every SIGUSR2. */
export function jumpingClock(file: string): Clock {
  const read = (): number => Number(readFileSync(file, 'utf8'));
  let wrongBy = read();
  process.on('SIGUSR2', () => (wrongBy = read()));
  return { ...systemClock, now: () => systemClock.now() + wrongBy };
}
