/** How long a prompt will be. What reads nothing but the input is rendered and counted; for the rest there are bounds. */
import { lessSure, plus as plusFigures, type Figure, type Source } from '../../cost/estimate/figure.ts';
import { exactly } from '../../cost/estimate/range.ts';
import type { TokenCount } from '../../cost/tokens.ts';
import { readsOf, renderPrompt } from '../prompt.ts';
import type { Scope, Variable } from '../reads.ts';
import type { Given } from './given.ts';

/** Counts the tokens of a text for the model that is asked: never fewer than it will. */
export type Count = (text: string) => TokenCount;

/** A length, and why there is no most; undefined where there is. */
export interface Length extends Figure {
  readonly unboundedBecause?: string | undefined;
}

/** What may make more of a value than it is: a most that left them out would be none. */
const LENGTHENING: readonly (readonly [RegExp, string])[] = [
  [/\{%-?\s*(?:for|tablerow)\b/, 'a loop'],
  [/\{%-?\s*(?:assign|capture)\b/, 'a variable'],
  [
    /\{[{%][^}]*?\|\s*(?:append|prepend|replace\w*|newline_to_br|(?:url|cgi|base64|uri)_\w+|(?:xml_)?escape\w*)\b/,
    'a filter',
  ],
];

/** What the texts of a task are looked at with. */
export interface Reading {
  readonly given: Given;
  readonly count: Count;
  /** Tokens of what is read that is not in the input. */
  lengthOf(path: Variable['path']): Length;
  /** Of the item of a map that is known: `item` and `index`. */
  readonly own?: Pick<Scope, 'item' | 'index'>;
}

/** Bytes of a token where nobody knows how a model counts: what English comes to; and at the very most. */
export const BYTES_PER_TOKEN = 4;
const MOST_BYTES_PER_TOKEN = 16;
/** Characters that are counted at once, and what more is counted for it at the most: see `src/cost/tokens.ts`. */
const PIECE = 256;
const PER_PIECE = 2;

/**
 * Tokens of a prompt as it will be sent.
 *
 * @throws FermataError `promptFailed` where it reads only the input, and that lacks what it reads
 */
export function promptLength(template: string, reading: Reading): Length {
  const { given, count, own } = reading;
  const { variables } = readsOf(template);
  const isKnown = ({ path: [root] }: Variable): boolean =>
    (root === 'input' && given.isKnown) || (own !== undefined && (root === 'item' || root === 'index'));
  if (variables.every(isKnown))
    return textLength(renderPrompt(template, { input: given.input, tasks: {}, ...own }), count);
  const said = textLength(template.replaceAll(/\{\{[^]*?\}\}|\{%[^]*?%\}/g, ''), count);
  const hasTags = template.includes('{%');
  let { expected, highest } = said.range;
  let { from }: { from: Source } = said;
  let unboundedBecause: string | undefined;
  for (const variable of variables) {
    const read = isKnown(variable)
      ? textLength(textOf(valueOf(variable.path, reading)), count)
      : reading.lengthOf(variable.path);
    expected += read.range.expected;
    highest += read.range.highest;
    from = lessSure(from, read.from);
    unboundedBecause ??= read.unboundedBecause;
  }
  for (const [tag, why] of LENGTHENING)
    if (tag.test(template)) {
      highest = Infinity;
      unboundedBecause ??= `${why} of the prompt may repeat or lengthen what is not there yet`;
    }
  const lowest = hasTags ? 0 : said.range.lowest;
  return { range: { lowest, expected, highest }, from, unboundedBecause };
}

/** Tokens of a text. */
export function textLength(text: string, count: Count): Length {
  const { tokens, by } = count(text);
  if (text === '') return { range: exactly(0), from: 'counted' };
  if (by === 'encoder') {
    const pieces = Math.ceil(text.length / PIECE);
    const lowest = Math.max(0, tokens - (pieces - 1) * PER_PIECE);
    return { range: { lowest, expected: tokens, highest: tokens }, from: 'counted' };
  }
  const range = {
    lowest: Math.floor(tokens / MOST_BYTES_PER_TOKEN),
    expected: Math.ceil(tokens / BYTES_PER_TOKEN),
    highest: tokens,
  };
  return { range, from: 'bytes' };
}

function valueOf(path: Variable['path'], { given, own = {} }: Reading): unknown {
  const [root] = path;
  if (root === 'input') return given.at(path);
  return root === 'item' ? own.item : own.index;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Two texts, one after the other. */
export function joined(one: Length, other: Length): Length {
  return { ...plusFigures(one, other), unboundedBecause: one.unboundedBecause ?? other.unboundedBecause };
}
