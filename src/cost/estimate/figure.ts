/** A number of an estimate, and where it comes from: whoever reads it has to know which ones are guesses. */
import { plus as plusRanges, type Range } from './range.ts';

/**
 * Where a number comes from, the surest first.
 * - `counted`: from the document and the input, with the tokenizer of the model.
 * - `declared`: the author said it: `expectedOutputTokens`, `maxOutputTokens`, `maxItems`.
 * - `learned`: from earlier runs of the workflow.
 * - `bytes`: nobody knows how the model counts; from the length of the text.
 * - `default`: a stated constant, for want of anything better.
 */
export const SOURCES = ['counted', 'declared', 'learned', 'bytes', 'default'] as const;

/** One of them. */
export type Source = (typeof SOURCES)[number];

/** What is taken where nothing is known. All of them can be said by the author, and most are learned from runs. */
export const DEFAULTS = {
  /** Tokens of an answer. */
  answerTokens: 500,
  /** … at the most: models give so many, and a budget bounds answers to as many. */
  mostAnswerTokens: 4_096,
  /** Tokens of what a function, an event or another run gives. */
  valueTokens: 200,
  /** Tokens of the prompt of a task that joins the run, and at the most. */
  addedPromptTokens: 500,
  mostAddedPromptTokens: 8_192,
  /** Items of a list that is not there yet. */
  items: 10,
  /** Tasks that an answer adds, or a plan proposes. */
  addedTasks: 3,
  /** Rounds until a goal is reached. */
  rounds: 2,
  /** Tokens of a verdict: yes or no. */
  verdictTokens: 2,
  /** Chance of a `when` that nobody can tell yet, and that a question is there that is like another one. */
  chance: 0.5,
} as const;

/** A number with its source. */
export interface Figure {
  readonly range: Range;
  readonly from: Source;
}

/** True where it stands on a guess. */
export function isGuess(from: Source): boolean {
  return from === 'bytes' || from === 'default';
}

/** The less sure one. */
export function lessSure(one: Source, other: Source): Source {
  return SOURCES.indexOf(one) >= SOURCES.indexOf(other) ? one : other;
}

/** Both together, as sure as the less sure one; what is nothing at all makes nothing less sure. */
export function plus(one: Figure, other: Figure): Figure {
  if (other.range.highest === 0) return one;
  if (one.range.highest === 0) return other;
  return { range: plusRanges(one.range, other.range), from: lessSure(one.from, other.from) };
}
