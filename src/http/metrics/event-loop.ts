/** How long what is due waits for the event loop. Added up in buckets, which two who read them do not take from each other. */
import type { Clock, EventLoop, TimerHandle } from '../../clock.ts';
import type { Instruments } from './instruments.ts';

/** Milliseconds between two looks: twice as many cost an idle server a third of a percent of a processor. */
const EVERY_MS = 100;

/** Looks from `begin` to `end`: of a server that nobody asks, nobody has to know. */
export function watchEventLoop(
  instruments: Instruments,
  { clock, loop }: { readonly clock: Pick<Clock, 'setTimer'>; readonly loop: Pick<EventLoop, 'elapsed'> },
): { begin(): void; end(): void } {
  const delays = instruments.histogram('fermata_event_loop_delay_seconds');
  let armed: TimerHandle | undefined;
  let isOver = false;
  const arm = (): void => {
    const begun = loop.elapsed();
    armed = clock.setTimer(() => {
      delays.observe(Math.max(0, loop.elapsed() - begun - EVERY_MS) / 1_000);
      arm();
    }, EVERY_MS);
  };
  return {
    begin() {
      if (armed === undefined && !isOver) arm();
    },
    end() {
      isOver = true;
      armed?.clear();
    },
  };
}
