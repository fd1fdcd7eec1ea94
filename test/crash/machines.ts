/** Machines of a user's own, registered with the server that the tests of crashes kill. */
import { assign, setup } from 'xstate';

/** Counts `ADD`; ends on `END` with the count. */
export const tally = setup({
  types: {} as { context: { count: number }; events: { type: 'ADD' } | { type: 'END' }; output: number },
}).createMachine({
  context: { count: 0 },
  initial: 'counting',
  states: {
    counting: { on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) }, END: 'end' } },
    end: { type: 'final' },
  },
  output: ({ context }) => context.count,
});

/** Sends an `ADD` to another run for each `TELL`; ends on `END`. */
export const teller = setup({
  types: {} as { events: { type: 'TELL'; to: string } | { type: 'END' } },
  actions: { 'fermata.send': (_, _params: { to: { run: string }; event: { type: string } }) => {} },
}).createMachine({
  initial: 'telling',
  states: {
    telling: {
      on: {
        TELL: {
          actions: { type: 'fermata.send', params: ({ event }) => ({ to: { run: event.to }, event: { type: 'ADD' } }) },
        },
        END: 'end',
      },
    },
    end: { type: 'final' },
  },
});

/** Rings `times` times, `ms` milliseconds apart; ends with how often it rang. */
export const alarm = setup({
  types: {} as {
    context: { ms: number; times: number; rung: number };
    input: { ms: number; times: number };
    output: number;
  },
  delays: { pause: ({ context }) => context.ms },
  guards: { isLast: ({ context }) => context.rung + 1 >= context.times },
  actions: { ring: assign({ rung: ({ context }) => context.rung + 1 }) },
}).createMachine({
  context: ({ input }) => ({ ...input, rung: 0 }),
  initial: 'waiting',
  states: {
    waiting: {
      after: {
        pause: [
          { guard: 'isLast', actions: 'ring', target: 'done' },
          { actions: 'ring', target: 'waiting', reenter: true },
        ],
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => context.rung,
});
