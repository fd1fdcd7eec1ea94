/** Ids of states and machines, targets, and descriptors of events. */
import { note, noting, nothing, inAndOut, send } from './noting.ts';
import type { Scenario } from './scenario.ts';

const targets = noting.createMachine({
  context: nothing,
  id: 'root',
  initial: 'a',
  states: {
    a: { on: { SIBLING: 'b', ID: '#here', ID_AND_CHILD: '#here.deep', ROOT: '#root.b.x' } },
    b: {
      ...inAndOut('b'),
      id: 'here',
      initial: 'x',
      states: { x: { on: { UP: '#root.a' } }, deep: { on: { DOTTED: '#other' } } },
    },
    'with.dot': { id: 'other', on: { BACK: 'a' } },
    'with space': {},
  },
});

const descriptors = noting.createMachine({
  context: nothing,
  initial: 'a',
  on: {
    '*': { actions: note('anything') },
    'user.*': { actions: note('user') },
    'user.left': { actions: note('left') },
  },
  states: {
    a: { on: { 'user.came.*': { actions: note('came') }, 'user.came.late': { actions: note('late') }, OFF: 'off' } },
    off: { on: { '*': { actions: 'heard' }, OFF: { target: 'a' } } },
  },
});

const strange = noting.createMachine({
  context: nothing,
  id: '',
  initial: '__proto',
  states: {
    __proto: { on: { constructor: 'toString', 'ü ß': 'x/y' } },
    toString: { on: { hasOwnProperty: 'x/y' } },
    'x/y': { entry: note('x/y') },
  },
});

/** Scenarios of ids and event descriptors. */
export const idScenarios: readonly Scenario[] = [
  { name: 'a sibling by its key', machine: () => targets, steps: send('SIBLING', 'UP') },
  { name: 'a state by its id', machine: () => targets, steps: send('ID', 'UP') },
  { name: 'a child of a state by its id', machine: () => targets, steps: send('ID_AND_CHILD', 'DOTTED', 'BACK') },
  { name: 'a path from the root', machine: () => targets, steps: send('ROOT') },
  {
    name: 'the most precise descriptor wins',
    machine: () => descriptors,
    steps: send('user.left', 'user.came', 'user.came.early', 'user.came.late', 'user.x.y', 'other'),
  },
  {
    name: 'a wildcard of a child before the parent',
    machine: () => descriptors,
    steps: send('OFF', 'user.left', 'OFF', 'user.left'),
  },
  { name: 'names that JavaScript knows, too', machine: () => strange, steps: send('constructor', 'hasOwnProperty') },
  { name: 'names with any characters', machine: () => strange, steps: send('ü ß') },
];
