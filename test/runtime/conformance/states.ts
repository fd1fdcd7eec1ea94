/** States: nested, parallel, history, always, final, reenter, enqueueActions, output. */
import { and, assign, emit, enqueueActions, not, or, raise, setup, stateIn } from 'xstate';
import { send, type Scenario } from './scenario.ts';

type Heard = { readonly type: string; readonly by?: number };

/** A machine that notes in its context which actions ran, in order. */
const noting = setup({
  types: {} as { context: { log: readonly string[]; count: number }; events: Heard },
  actions: {
    note: assign({ log: ({ context }, { text }: { text: string }) => [...context.log, text] }),
    say: emit(({ context }, { text }: { text: string }) => ({ type: 'said', text, count: context.count })),
    add: assign({ count: ({ context, event }) => context.count + ((event as Heard).by ?? 1) }),
  },
  guards: {
    atLeast: ({ context }, { least }: { least: number }) => context.count >= least,
  },
});
const nothing = { log: [], count: 0 } as const;
const note = (text: string) => ({ type: 'note', params: { text } }) as const;
const say = (text: string) => ({ type: 'say', params: { text } }) as const;

const nested = noting.createMachine({
  context: nothing,
  initial: 'a',
  entry: note('enter root'),
  states: {
    a: {
      entry: note('enter a'),
      exit: note('exit a'),
      initial: 'a1',
      on: { OUT: 'b' },
      states: {
        a1: {
          entry: [note('enter a1'), say('a1')],
          exit: note('exit a1'),
          on: { NEXT: { target: 'a2', actions: note('to a2') } },
        },
        a2: { entry: note('enter a2'), initial: 'deep', states: { deep: { on: { NEXT: '#done' } } } },
      },
    },
    b: { id: 'done', type: 'final', entry: [note('enter b'), say('end')], output: { said: 'b' } },
  },
  output: ({ context, event }) => ({ log: context.log, event: event.type }),
});

const parallel = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    left: {
      initial: 'off',
      states: { off: { on: { BOTH: 'on', LEFT: 'on' } }, on: { type: 'final', entry: note('left') } },
      onDone: { actions: note('left done') },
    },
    right: {
      initial: 'off',
      states: { off: { on: { BOTH: 'on', RIGHT: 'on' } }, on: { type: 'final', entry: note('right') } },
      onDone: { actions: note('right done') },
    },
    counter: {
      initial: 'low',
      on: { BOTH: { actions: 'add' }, ADD: { actions: 'add' } },
      states: {
        low: {
          always: { guard: and([stateIn({ left: 'on' }), { type: 'atLeast', params: { least: 2 } }]), target: 'high' },
        },
        high: { type: 'final' },
      },
    },
  },
  output: ({ context }) => context.count,
});

const histories = noting.createMachine({
  context: nothing,
  initial: 'work',
  states: {
    work: {
      initial: 'one',
      on: { REST: 'rest' },
      states: {
        one: { on: { NEXT: 'two' } },
        two: { initial: 'x', states: { x: { on: { NEXT: 'y' } }, y: { entry: note('y') } } },
        shallow: { type: 'history', target: 'one' },
        deep: { type: 'history', history: 'deep' },
      },
    },
    rest: { on: { SHALLOW: 'work.shallow', DEEP: 'work.deep' } },
  },
});

const always = noting.createMachine({
  context: nothing,
  initial: 'counting',
  states: {
    counting: {
      on: { ADD: { actions: 'add' }, HIDDEN: { actions: raise({ type: 'ADD', by: 5 }) } },
      always: [
        { guard: { type: 'atLeast', params: { least: 10 } }, target: 'high' },
        {
          guard: and([{ type: 'atLeast', params: { least: 3 } }, not(stateIn('high'))]),
          target: 'passing',
          actions: note('three'),
        },
      ],
    },
    passing: {
      entry: note('passing'),
      always: { target: 'resting', guard: or([not(stateIn('high')), stateIn('passing')]) },
    },
    resting: { on: { BACK: { target: 'counting', actions: assign({ count: 9 }) } } },
    high: { type: 'final' },
  },
});

const reenter = noting.createMachine({
  context: nothing,
  initial: 'on',
  states: {
    on: {
      entry: note('enter'),
      exit: note('exit'),
      initial: 'x',
      on: {
        AGAIN: { target: 'on', reenter: true },
        INSIDE: { target: '.y' },
        SELF: { actions: note('self') },
        TARGET: 'on',
      },
      states: { x: {}, y: {} },
    },
  },
});

const enqueueing = noting.createMachine({
  context: nothing,
  initial: 'on',
  states: {
    on: {
      on: {
        GO: {
          actions: enqueueActions(({ enqueue, context, check }) => {
            enqueue.assign({ count: context.count + 2 });
            enqueue.assign(({ context: inner }) => ({ log: [...inner.log, `count ${inner.count}`] }));
            if (check({ type: 'atLeast', params: { least: 2 } })) enqueue(say('enough'));
            else enqueue(say('too few'));
            enqueue.raise({ type: 'RAISED' });
            enqueue.emit({ type: 'last' });
          }),
        },
        RAISED: { actions: [note('raised'), say('raised')] },
        '*': { actions: note('anything') },
      },
    },
  },
});

const doneStates = noting.createMachine({
  context: nothing,
  initial: 'first',
  states: {
    first: {
      initial: 'a',
      states: { a: { on: { NEXT: 'b' } }, b: { type: 'final', output: { from: 'b' } } },
      onDone: { target: 'second', actions: assign({ log: ({ event }) => [JSON.stringify(event.output)] }) },
    },
    second: {
      type: 'parallel',
      states: {
        p: { initial: 'x', states: { x: { type: 'final' } } },
        q: { initial: 'x', states: { x: { on: { NEXT: 'y' } }, y: { type: 'final' } } },
      },
      onDone: 'end',
    },
    end: { type: 'final' },
  },
});

/** Scenarios of one machine alone. */
export const stateScenarios: readonly Scenario[] = [
  { name: 'nested states with entry, exit and output', machine: () => nested, steps: send('NEXT', 'NOTHING', 'OUT') },
  { name: 'nested states left from the deepest', machine: () => nested, steps: send('NEXT', 'NEXT') },
  {
    name: 'parallel states, stateIn, done in parts',
    machine: () => parallel,
    steps: send('LEFT', 'ADD', 'ADD', 'BOTH'),
  },
  { name: 'parallel states moved by one event', machine: () => parallel, steps: send('BOTH', 'ADD') },
  { name: 'history, shallow', machine: () => histories, steps: send('NEXT', 'NEXT', 'REST', 'SHALLOW', 'NEXT') },
  { name: 'history, deep', machine: () => histories, steps: send('NEXT', 'NEXT', 'REST', 'DEEP') },
  { name: 'history without a past', machine: () => histories, steps: send('REST', 'SHALLOW', 'REST', 'DEEP') },
  { name: 'always, and, or, not', machine: () => always, steps: send('ADD', 'ADD', 'ADD', 'BACK', 'ADD') },
  { name: 'always after a raised event', machine: () => always, steps: send('HIDDEN', 'BACK', 'HIDDEN') },
  { name: 'reenter', machine: () => reenter, steps: send('INSIDE', 'AGAIN', 'SELF', 'INSIDE', 'TARGET') },
  { name: 'enqueueActions and a wildcard', machine: () => enqueueing, steps: send('GO', 'GO', 'OTHER') },
  { name: 'final states inside, onDone and its output', machine: () => doneStates, steps: send('NEXT', 'NEXT') },
  {
    name: 'a machine that ends at once',
    machine: () =>
      noting.createMachine({
        context: nothing,
        initial: 'end',
        states: { end: { type: 'final', entry: say('bye') } },
        output: 42,
      }),
    steps: [],
  },
];
