/** Parallel states: regions, what they share, and when they are done. */
import { assign, raise, stateIn } from 'xstate';
import { note, say, noting, nothing, inAndOut, atLeast, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const editor = noting.createMachine({
  context: nothing,
  type: 'parallel',
  ...inAndOut('root'),
  on: { RESET: { target: ['.bold.off', '.list.none'] }, NOTE: { actions: note('root') } },
  states: {
    bold: {
      ...inAndOut('bold'),
      initial: 'off',
      states: {
        off: { ...inAndOut('off'), on: { BOLD: 'on', ALL: 'on' } },
        on: { ...inAndOut('on'), on: { BOLD: 'off' } },
      },
    },
    list: {
      ...inAndOut('list'),
      initial: 'none',
      on: { NONE: '.none', LIST_AGAIN: { target: '#list', reenter: true } },
      id: 'list',
      states: {
        none: { ...inAndOut('none'), on: { BULLETS: 'bullets', ALL: 'numbers' } },
        bullets: inAndOut('bullets'),
        numbers: inAndOut('numbers'),
      },
    },
    leaf: { on: { NOTE: { actions: note('leaf') } } },
  },
});

const nested = noting.createMachine({
  context: nothing,
  initial: 'idle',
  states: {
    idle: { on: { GO: 'busy', PART: 'busy.outer.inner.right.on' } },
    busy: {
      ...inAndOut('busy'),
      type: 'parallel',
      on: { OUT: 'idle' },
      states: {
        outer: {
          initial: 'inner',
          states: {
            inner: {
              ...inAndOut('inner'),
              type: 'parallel',
              states: {
                left: { initial: 'off', states: { off: { on: { LEFT: 'on', BOTH: 'on' } }, on: inAndOut('left on') } },
                right: {
                  initial: 'off',
                  states: { off: { on: { RIGHT: 'on', BOTH: 'on' } }, on: inAndOut('right on') },
                },
              },
              on: { AGAIN: { target: 'inner', reenter: true } },
            },
          },
        },
        other: { initial: 'x', states: { x: { on: { BOTH: 'y' } }, y: inAndOut('y') } },
      },
    },
  },
});

const raising = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    sender: {
      initial: 'a',
      states: {
        a: {
          entry: raise({ type: 'INIT' }),
          on: { GO: { target: 'b', actions: [raise({ type: 'FIRST' }), raise({ type: 'SECOND' })] } },
        },
        b: { entry: raise({ type: 'THIRD' }) },
      },
    },
    hearer: {
      initial: 'x',
      on: { '*': { actions: 'heard' } },
      states: { x: { on: { FIRST: 'y' } }, y: { on: { SECOND: 'z', THIRD: 'z' } }, z: {} },
    },
  },
});

const watching = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    lamp: { initial: 'off', states: { off: { on: { SWITCH: 'on' } }, on: { on: { SWITCH: 'off' } } } },
    guard: {
      initial: 'waits',
      states: {
        waits: { always: { guard: stateIn({ lamp: 'on' }), target: 'sees' } },
        sees: { entry: say('light'), always: { guard: stateIn({ lamp: 'off' }), target: 'waits' } },
      },
    },
  },
});

const finishing = noting.createMachine({
  context: nothing,
  initial: 'both',
  states: {
    both: {
      type: 'parallel',
      onDone: { target: 'done', actions: note('both done') },
      states: {
        a: {
          initial: 'x',
          onDone: { actions: note('a done') },
          states: { x: { on: { A: 'end', ALL: 'end' } }, end: { type: 'final' } },
        },
        b: {
          initial: 'x',
          onDone: { actions: note('b done') },
          states: { x: { on: { B: 'end', ALL: 'end' } }, end: { type: 'final', on: { B: 'x' } } },
        },
        past: { type: 'history' },
      },
    },
    done: { on: { BACK: 'both' } },
  },
});

const crossing = noting.createMachine({
  context: nothing,
  id: 'crossing',
  type: 'parallel',
  states: {
    a: {
      ...inAndOut('a'),
      initial: 'x',
      states: { x: { ...inAndOut('ax'), on: { CROSS: '#crossing.b.y', OWN: 'y' } }, y: inAndOut('ay') },
    },
    b: { ...inAndOut('b'), initial: 'x', states: { x: { ...inAndOut('bx') }, y: { ...inAndOut('by') } } },
  },
});

const counting = noting.createMachine({
  context: nothing,
  type: 'parallel',
  states: {
    adds: { on: { GO: { actions: assign({ count: ({ context }) => context.count + 1 }) } } },
    doubles: { on: { GO: { actions: assign({ count: ({ context }) => context.count * 2 }) } } },
    watches: {
      initial: 'low',
      states: { low: { always: { guard: atLeast(4), target: 'high' } }, high: { entry: note('high') } },
    },
  },
});

/** Scenarios of parallel states. */
export const parallelScenarios: readonly Scenario[] = [
  { name: 'each region by itself', machine: () => editor, steps: send('BOLD', 'BULLETS', 'BOLD', 'NONE') },
  { name: 'one event moves several regions', machine: () => editor, steps: send('ALL') },
  { name: 'two targets at once', machine: () => editor, steps: send('ALL', 'RESET') },
  { name: 'a region is entered again', machine: () => editor, steps: send('BULLETS', 'LIST_AGAIN') },
  { name: 'a region without states hears too', machine: () => editor, steps: send('NOTE') },
  { name: 'regions in regions', machine: () => nested, steps: send('GO', 'LEFT', 'BOTH', 'OUT') },
  { name: 'a leaf of one region as target enters the others', machine: () => nested, steps: send('PART', 'BOTH') },
  { name: 'a nested parallel state enters itself again', machine: () => nested, steps: send('GO', 'LEFT', 'AGAIN') },
  { name: 'raised by one region, taken by another', machine: () => raising, steps: send('GO') },
  { name: 'always looks at another region', machine: () => watching, steps: send('SWITCH', 'SWITCH', 'SWITCH') },
  { name: 'done when all regions are', machine: () => finishing, steps: send('A', 'B', 'BACK') },
  { name: 'done by one event in all regions', machine: () => finishing, steps: send('ALL', 'BACK', 'B', 'A') },
  { name: 'a region sends another one on', machine: () => crossing, steps: send('OWN') },
  { name: 'a transition across regions enters both again', machine: () => crossing, steps: send('CROSS') },
  { name: 'actions of regions run in document order', machine: () => counting, steps: send('GO', 'GO', 'GO') },
];
