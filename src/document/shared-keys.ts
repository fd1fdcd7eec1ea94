/** Which shared values a task reads: known when a document is loaded, so that a task is made ready with those alone. */
import { FermataError } from '../errors.ts';
import { readsOfExpression } from './expression.ts';
import { formatPath, type Faults, type Path } from './faults.ts';
import { sharedKeyFault } from './fields.ts';
import { isRecord } from './json.ts';
import type { Reading } from './kinds/places.ts';
import { readsOf } from './prompt.ts';
import type { Reads } from './reads.ts';

/** Keys of the shared values that the texts of a task read, its `outputs` left out; undefined: none. */
export function sharedKeysOf(reading: Omit<Reading, 'outputs'>): readonly string[] | undefined {
  const { templates, expressions, conditions = [], switches = [] } = reading;
  const keys = new Set<string>();
  const add = (text: string, parse: (text: string) => Reads): void => {
    // Few documents share anything: most texts are not looked at again.
    if (text.includes('shared')) for (const key of keysIn(text, parse)) keys.add(key);
  };
  for (const { text } of templates) add(text, readsOf);
  for (const { text } of [...expressions, ...conditions, ...switches]) add(text, readsOfExpression);
  return keys.size === 0 ? undefined : [...keys];
}

/** Keys under which a task shares. Not by the schema, which passes over `__proto__` without a word. */
export function checkSharedKeys({ outputs }: Readonly<Record<string, unknown>>, path: Path, faults: Faults): void {
  const values = isRecord(outputs) ? outputs['shared'] : undefined;
  for (const key of isRecord(values) ? Object.keys(values) : []) {
    const fault = sharedKeyFault(key);
    if (fault !== undefined) faults.add(formatPath([...path, 'outputs', 'shared', key]), fault);
  }
}

/** Keys that the expressions of a tree read: a task's `outputs`. */
export function sharedKeysIn(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.flatMap((text) => keysIn(text, readsOfExpression)))];
}

/** A text that cannot be read is a fault of its own. */
function keysIn(text: string, parse: (text: string) => Reads): readonly string[] {
  try {
    return parse(text).shared;
  } catch (thrown) {
    if (thrown instanceof FermataError) return [];
    throw thrown;
  }
}
