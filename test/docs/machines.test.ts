/** The drawings of `docs/machines.md` are those of the machines, and its table of refusals names real codes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { MACHINES, redrawn, statechart, waits } from '../../docs/statecharts.ts';
import { ERROR_CODES } from '../../src/errors.ts';

const page = readFileSync(new URL('../../docs/machines.md', import.meta.url), 'utf8');

describe('docs/machines.md', () => {
  it('is as the machines are: `node docs/statecharts.ts` draws it anew', () => {
    expect(page).toMatch(/<!-- statechart task -->\n```mermaid\n/);
    expect(redrawn(page)).toBe(page);
  });

  it('would notice a machine that changed', () => {
    const older = page.replace('[*] --> pending', '[*] --> running');
    expect(redrawn(older)).toBe(page);
  });

  it('has drawn every machine of this house, and behind what a reader looks for: what is supported, and what is refused', () => {
    const places = Object.keys(MACHINES).flatMap((name) =>
      ['statechart', 'waits'].map((part) => page.indexOf(`<!-- ${part} ${name} -->`)),
    );
    const tables = ['| of XState | here |', '| of XState | why | error |'].map((head) => page.indexOf(head));
    expect(Math.min(...tables)).toBeGreaterThan(0);
    expect(Math.min(...places)).toBeGreaterThan(Math.max(...tables));
    expect(page.slice(0, tables[0]).split('\n').length, 'the first table stands on the first screen').toBeLessThan(20);
  });

  it('refuses with codes that exist', () => {
    const [table = ''] = page.split('| of XState | why | error |')[1]?.split('\n\n') ?? [];
    const codes = table
      .split('\n')
      .filter((row) => row.startsWith('| ') && !row.startsWith('|---'))
      .flatMap((row) => [...(row.split(' | ').at(-1) ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => code));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => code === undefined || !(code in ERROR_CODES))).toEqual([]);
  });
});

describe('statechart', () => {
  const machine = createMachine({
    id: 'door',
    initial: 'closed',
    on: { BREAK: '.broken' },
    states: {
      closed: { meta: { waitsFor: 'a hand' }, on: { OPEN: { guard: 'unlocked', target: 'open.wide' }, KNOCK: {} } },
      open: { initial: 'ajar', states: { ajar: { always: 'wide' }, wide: { after: { 50: '#door.closed' } } } },
      broken: { type: 'final' },
    },
  });

  it('draws nested states, guards, delays, and what holds everywhere from each state that has not ended', () => {
    expect(statechart(machine).split('\n')).toEqual([
      'stateDiagram-v2',
      '  state open {',
      '    [*] --> ajar',
      '    ajar --> wide : always',
      '  }',
      '  [*] --> closed',
      '  closed --> broken : BREAK',
      '  open --> broken : BREAK',
      '  closed --> open : OPEN [unlocked] → wide',
      '  open --> closed : xstate.after.50.door.open.wide',
      '  broken --> [*]',
    ]);
  });

  it('lists what a resting state waits for, and what it takes without leaving', () => {
    expect(waits(machine)).toContain('| `closed` | a hand | `KNOCK` |');
  });
});
