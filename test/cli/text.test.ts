import { describe, expect, it } from 'vitest';
import { exitStatusOf } from '../../src/cli/exit.ts';
import { mermaid } from '../../src/cli/mermaid.ts';
import { columns, duration, shellQuote } from '../../src/cli/text.ts';

it.each([
  ['plain-1.txt', 'plain-1.txt'],
  ['my task', "'my task'"],
  ["it's", String.raw`'it'\''s'`],
  ['$(rm)', "'$(rm)'"],
  ['', "''"],
])('%j is typed as %s', (argument, expected) => {
  expect(shellQuote(argument)).toBe(expected);
});

it.each([
  [850, '850 ms'],
  [4_230, '4.2 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms is %s', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

it('rows become columns', () => {
  expect(
    columns([
      ['A', 'B'],
      ['long', 'x'],
    ]),
  ).toBe('A     B\nlong  x');
});

describe('exit status', () => {
  it.each([
    ['invalidDocument', 2],
    ['invalidInput', 2],
    ['notFound', 2],
    ['providerMissing', 2],
    ['invalidConfig', 2],
    ['insecureAddress', 2],
    ['alreadyDecided', 1],
    ['databaseInUse', 1],
    ['internal', 1],
    ['unreachable', 1],
    [undefined, 1],
  ])('of %s is %d', (code, status) => {
    expect(exitStatusOf(code)).toBe(status);
  });
});

it('a graph is a Mermaid flowchart, whatever the names are', () => {
  const node = (name: string, more = {}) => ({ name, kind: 'model' as const, requiresApproval: false, ...more });
  const nodes = [
    node('say "hi" <b>'),
    node('sum', { kind: 'code' as const }),
    node('book', { requiresApproval: true }),
  ];
  const edges = [
    { from: 'say "hi" <b>', to: 'sum', kind: 'needs' as const },
    { from: 'sum', to: 'book', kind: 'after' as const },
  ];
  expect(mermaid({ nodes, edges })).toBe(
    [
      'flowchart TD',
      '  t0("say #quot;hi#quot; &lt;b&gt;")',
      '  t1[["sum"]]',
      '  t2{{"book"}}',
      '  t0 --> t1',
      '  t1 -.-> t2',
    ].join('\n'),
  );
});
