/** The documents of docs/conditions.md can be loaded, and what it says is refused is, with those words. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseDocument, parseText } from '../../src/document/parse.ts';
import { faultsOf } from '../document/faults-of.ts';

const page = readFileSync(new URL('../../docs/conditions.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
const rows = [...page.matchAll(/^\| `([^`]+)` +\| ([^|]+?) +\|$/gm)].map(
  ([, text = '', answer = '']) => [text, answer] as const,
);

it('its documents are right', () => {
  expect(blocks.map((text) => parseText(text).name)).toEqual(['trip', 'invest']);
});

it('has the words of what is refused', () => {
  expect(rows.length).toBeGreaterThan(4);
});

it.each(rows)('%s → %s', (when, answer) => {
  const schema = { type: 'object', properties: { degrees: { type: 'number' }, sky: { type: 'string' } } };
  const weather = { name: 'weather', prompt: 'How is it?', responseFormat: { schema } };
  const [fault = ''] = faultsOf(() =>
    parseDocument({ name: 'w', tasks: [weather, { name: 'a', prompt: 'Go', when }] }),
  );
  for (const words of answer.split(' … ')) expect(fault).toContain(words);
});
