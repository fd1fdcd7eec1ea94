import { expect, it } from 'vitest';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { TestSignals } from './test-shell.ts';

it('the first signal aborts, the second one ends the process', async () => {
  const signals = new TestSignals();
  let told = 0;
  const status = await new Interrupt(signals).during(
    async (interrupted) => {
      expect(interrupted.exitStatus).toBeUndefined();
      signals.send('SIGINT');
      expect(interrupted.signal.aborted).toBe(true);
      expect(signals.exits).toEqual([]);
      signals.send('SIGINT');
      return interrupted.exitStatus;
    },
    () => told++,
  );
  expect(status).toBe(130);
  expect(told).toBe(1);
  expect(signals.exits).toEqual([130]);
  expect(signals.listeners).toBe(0);
});

it('SIGTERM likewise, with its own status', async () => {
  const signals = new TestSignals();
  const status = await new Interrupt(signals).during(async (interrupted) => {
    signals.send('SIGTERM');
    return interrupted.exitStatus;
  });
  expect(status).toBe(143);
});
