/** YAML as text: fields that stand twice in one object. */
import { isScalar, visit, type Document } from 'yaml';
import type { Duplicate } from './json-text.ts';

/**
 * The fields that an object has twice. Not left to the reader of YAML, which compares each key with each other: an object
 * of 40,000 fields would take it two minutes. It also passes over `1` and `"1"`, of which only one would be left.
 *
 * @example
 * duplicateKeys(parseDocument('a: 1\na: 2', { uniqueKeys: false })) // [{ name: 'a', offset: 5 }]
 */
export function duplicateKeys(document: Document.Parsed): readonly Duplicate[] {
  const found: Duplicate[] = [];
  visit(document, {
    Map(_, { items }) {
      const names = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (names.has(name)) found.push({ name, offset: key.range?.[0] ?? 0 });
        names.add(name);
      }
    },
  });
  return found;
}
