/** Our patterns against JavaScript's own: the same verdict on every text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pattern } from '../../src/document/json-schema/pattern.ts';

test.each<[string, string[], string[]]>([
  ['^[a-z]+(-[a-z]+)*$', ['a', 'two-words'], ['', 'a-', '-a', 'A']],
  ['^\\d{3}-\\d{2,4}$', ['123-45', '123-4567'], ['12-45', '123-4', '123-45678']],
  ['b', ['abc'], ['', 'ac']],
  ['^(?:a|bc)?$', ['', 'a', 'bc'], ['b', 'abc']],
  ['^(?<year>\\d{4})', ['2024-01'], ['24']],
  ['\\bcat\\b', ['a cat', 'cat'], ['cats', 'concat']],
  ['^.$', ['😀', 'a'], ['', 'ab', '\n']],
  ['^\\p{L}+$', ['äöü'], ['a1']],
  ['^[\\w\\-]+\\-x$', ['a-b-x'], ['a-b']],
  ['^\\u{1F600}\\x41\\t$', ['😀A\t'], ['😀A']],
  ['^\\uD83D\\uDE00$', ['😀'], ['\ud83d']],
  ['^[^\\]a]+$', ['bc'], ['a', ']']],
  ['^(a*)*$', ['', 'aa'], ['b']],
  ['^a{0}$', [''], ['a']],
  ['', ['', 'x'], []],
  ['^(|a)+b$', ['b', 'aab'], ['a']],
])('%j', (source, right, wrong) => {
  const pattern = new Pattern(source);
  expect(right.filter((text) => !pattern.test(text))).toEqual([]);
  expect(wrong.filter((text) => pattern.test(text))).toEqual([]);
});

test('agrees with JavaScript', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '\\B', '^', '$', '\\-', '');
  const quantifier = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?', '+?');
  const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
    part: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.tuple(atom, quantifier).map(([body, times]) => (/^([\^$]|\\[bB]|)$/.test(body) ? body : body + times)),
      fc.tuple(tie('pattern'), quantifier).map(([body, times]) => `(?:${body})${times}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(${one}|${other})`),
    ),
    pattern: fc.array(tie('part'), { maxLength: 3 }).map((parts) => parts.join('')),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', ' ', '\n', '😀'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (source, sample) => {
      expect(new Pattern(source).test(sample)).toBe(new RegExp(source, flags(source)).test(sample));
    }),
    { numRuns: 3_000 },
  );
});

function flags(source: string): string {
  return source.includes('\\-') ? '' : 'u';
}
