/** JSON as text: what `JSON.parse` passes over. */

/** A field that stands twice in one object of a JSON text. */
export interface Duplicate {
  readonly name: string;
  /** Where its second name begins, in characters from 0. */
  readonly offset: number;
}

/**
 * The first field that an object has twice: `JSON.parse` keeps the last one without a word, and half of a document is
 * gone. For texts that `JSON.parse` takes.
 *
 * @example
 * duplicateField('{"a":1,"a":2}') // { name: 'a', offset: 7 }
 */
export function duplicateField(text: string): Duplicate | undefined {
  /** The names of each object that is open; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names !== undefined && isBeforeColon(text, end)) {
        const written = text.slice(at + 1, end - 1);
        const name = written.includes('\\') ? String(JSON.parse(text.slice(at, end))) : written;
        if (names.has(name)) return { name, offset: at };
        names.add(name);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Behind the closing quote of the text that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}

function isBeforeColon(text: string, at: number): boolean {
  let next = at;
  while (text[next] === ' ' || text[next] === '\n' || text[next] === '\r' || text[next] === '\t') next += 1;
  return text[next] === ':';
}
