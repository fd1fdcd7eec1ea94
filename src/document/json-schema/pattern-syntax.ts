/** Reads the text of a regular expression into a tree: JavaScript's syntax, without what has no linear-time match. */
import { FermataError } from '../../errors.ts';

/** A part of a regular expression. */
export type PatternNode =
  | { readonly kind: 'character'; readonly matches: (character: string) => boolean }
  | { readonly kind: 'assertion'; readonly at: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly body: PatternNode; readonly least: number; readonly most: number };

/** Longer ones are programs, and nesting is as deep as the text is long. */
const LONGEST = 1_000;

const GROUP = /\((?:\?:|\?<[^=!][^>]*>)?/y;
const LOOK = /\(\?(?:=|!|<=|<!)/y;
const CLASS = /\[(?:\\.|[^\]\\])*\]/sy;
const BACK_REFERENCE = /\\(?:[1-9]|k<)/y;
const ASSERTION = /\^|\$|\\[bB]/y;
const SURROGATES = String.raw`\\u[dD][89abAB][\dA-Fa-f]{2}\\u[dD][c-fC-F][\dA-Fa-f]{2}`;
const ESCAPES = String.raw`${SURROGATES}|\\u\{[\dA-Fa-f]+\}|\\u[\dA-Fa-f]{4}|\\x[\dA-Fa-f]{2}|\\c[A-Za-z]|\\[pP]\{[^}]*\}`;
const ESCAPE = new RegExp(String.raw`${ESCAPES}|\\.`, 'sy');
const QUANTIFIER = /(?:\*|\+|\?|\{(\d+)(?:(,)(\d*))?\})\??/y;

/**
 * The tree of a pattern, and whether its characters are code points (`u`) or, where the text is only valid without that
 * flag, UTF-16 units.
 *
 * @throws FermataError `invalidDocument` where the text is no regular expression, or holds what is refused
 */
export function readPattern(source: string): { readonly tree: PatternNode; readonly flags: 'u' | '' } {
  if (source.length > LONGEST) throw refusal(`has ${source.length} characters: at most ${LONGEST} are allowed`);
  const flags = flagsOf(source);
  let at = 0;
  const tree = choice();
  return { tree, flags };

  /** The text that a sticky expression finds here; then goes on behind it. */
  function take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = at;
    const found = expression.exec(source) ?? undefined;
    if (found !== undefined) at += found[0].length;
    return found;
  }

  function choice(): PatternNode {
    const options = [sequence()];
    while (source[at] === '|') {
      at += 1;
      options.push(sequence());
    }
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'choice', options };
  }

  function sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(quantified(part()));
    return { kind: 'sequence', parts };
  }

  function quantified(body: PatternNode): PatternNode {
    const found = take(QUANTIFIER);
    if (found === undefined) return body;
    const [text, low, comma, high] = found;
    if (low === undefined)
      return { kind: 'repeat', body, least: text[0] === '+' ? 1 : 0, most: text[0] === '?' ? 1 : Infinity };
    const most = comma === undefined ? Number(low) : high === '' ? Infinity : Number(high);
    return { kind: 'repeat', body, least: Number(low), most };
  }

  function part(): PatternNode {
    if (take(LOOK) !== undefined) {
      throw refusal('looks ahead or behind: write each condition as a pattern of its own, in allOf');
    }
    if (take(BACK_REFERENCE) !== undefined) throw refusal('refers back to a group, which has no bounded time');
    if (source.startsWith('(?', at) && !/^\(\?[:<]/.test(source.slice(at, at + 3))) {
      throw refusal('changes its flags inside of a group, which is not supported');
    }
    if (take(GROUP) !== undefined) {
      const inner = choice();
      at += 1;
      return inner;
    }
    const assertion = take(ASSERTION);
    if (assertion !== undefined) return { kind: 'assertion', at: PLACES[assertion[0]] ?? 'start' };
    return characterNode();
  }

  function characterNode(): PatternNode {
    const special = take(CLASS) ?? take(ESCAPE);
    if (special === undefined && source[at] !== '.') {
      const literal = flags === 'u' ? String.fromCodePoint(source.codePointAt(at) ?? 0) : source.charAt(at);
      at += literal.length;
      return { kind: 'character', matches: (character) => character === literal };
    }
    if (special === undefined) at += 1;
    // One character against one class takes no time to speak of, so JavaScript may say what the class means.
    const single = new RegExp(`^(?:${special?.[0] ?? '.'})$`, flags);
    return { kind: 'character', matches: (character) => single.test(character) };
  }
}

const PLACES: Readonly<Record<string, 'start' | 'end' | 'boundary' | 'inside'>> = {
  '^': 'start',
  $: 'end',
  '\\b': 'boundary',
  '\\B': 'inside',
};

function flagsOf(source: string): 'u' | '' {
  try {
    new RegExp(source, 'u');
    return 'u';
  } catch {
    // Many patterns in the wild hold escapes that only the older mode takes: \- or \_.
  }
  try {
    new RegExp(source);
    return '';
  } catch (thrown) {
    throw refusal(`cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
  }
}

/** @param reason a sentence about the pattern without its subject */
export function refusal(reason: string, cause?: unknown): FermataError {
  return new FermataError('invalidDocument', reason, { cause });
}
