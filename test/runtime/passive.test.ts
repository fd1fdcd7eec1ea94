/** A passive runtime takes commands and does no work: what they cause waits for a process that works. */
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { openRuntime } from '../harness/runtime.ts';

const machine = setup({
  types: {} as { context: { heard: number } },
  actions: {
    'fermata.send': (_, _params: { readonly to: { readonly run: string }; readonly event: { type: string } }) => {},
  },
}).createMachine({
  context: { heard: 0 },
  initial: 'resting',
  on: {
    HEAR: { actions: assign({ heard: ({ context }) => context.heard + 1 }) },
    TELL: { actions: { type: 'fermata.send', params: { to: { run: 'run-2' }, event: { type: 'HEAR' } } } },
  },
  states: { resting: { on: { WAIT: 'waiting' } }, waiting: { after: { 0: 'late' } }, late: {} },
});

it('R10: no timer that a command arms fires, and no message that it sends is delivered, until a process works', async () => {
  const under = await openRuntime({ machines: { 'm@1': machine } });
  for (let i = 0; i < 2; i++) await under.runtime.start('m');
  const seen = async (): Promise<unknown> => {
    await under.settle();
    const [first, second] = [await under.runtime.snapshot('run-1'), await under.runtime.snapshot('run-2')];
    return [first.snapshot.value, (second.snapshot.context as { heard: number }).heard];
  };
  await under.restart({ passive: true });
  await under.runtime.send('run-1', { type: 'WAIT' });
  await under.runtime.send('run-1', { type: 'TELL' });
  await under.advance(3_600_000);
  expect(await seen()).toEqual(['waiting', 0]);
  await under.restart({ passive: false });
  await under.advance(0);
  expect(await seen()).toEqual(['late', 1]);
});
