/** How long what is due waits for the event loop. Added up in buckets, which two who read them do not take from each other. */
import type { Clock, EventLoop, TimerHandle } from '../../clock.ts';
import type { Instruments } from './instruments.ts';

/** Milliseconds between two looks. */
const EVERY_MS = 50;

/** Looks, until what is returned is called. */
export function watchEventLoop(
  instruments: Instruments,
  { clock, loop }: { readonly clock: Pick<Clock, 'setTimer'>; readonly loop: Pick<EventLoop, 'elapsed'> },
): () => void {
  const delays = instruments.histogram('fermata_event_loop_delay_seconds');
  let armed: TimerHandle;
  const arm = (): void => {
    const begun = loop.elapsed();
    armed = clock.setTimer(() => {
      delays.observe(Math.max(0, loop.elapsed() - begun - EVERY_MS) / 1_000);
      arm();
    }, EVERY_MS);
  };
  arm();
  return () => armed.clear();
}
