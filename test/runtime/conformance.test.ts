/**
 * A durable machine does what the same machine does in plain XState: same states, context, children, output, error, and
 * the same events emitted in the same order, also when the process ends after every step (R8).
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { asynchronous } from './stores.ts';
import { actorScenarios } from './conformance/actors.ts';
import { messageScenarios } from './conformance/messages.ts';
import { stateScenarios } from './conformance/states.ts';
import { timeScenarios } from './conformance/time.ts';
import { runDurably, runPlain } from './conformance/scenario.ts';

const ways = [
  { way: 'in one process', options: { restarts: false } },
  { way: 'with a restart after every step', options: { restarts: true } },
  { way: 'on a store that answers nothing at once', options: { restarts: true, wrap: asynchronous } },
] as const;

// Plain XState warns of events to stopped actors, which some scenarios send on purpose.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));

describe.each(ways)('R8: as plain XState, $way', ({ options }) => {
  it.each([...stateScenarios, ...actorScenarios, ...messageScenarios, ...timeScenarios])('$name', async (scenario) => {
    const [plain, durable] = [await runPlain(scenario), await runDurably(scenario, options)];
    expect(durable).toEqual(plain);
  });
});
