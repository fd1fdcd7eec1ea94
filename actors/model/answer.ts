import type { ResponseFormat } from '../../src/document/kinds/model.ts';
import type { ChatMessage } from './request.ts';

/** Checks a value against a JSON Schema: one text for each fault, none where it fits. */
export type CheckAnswer = (schema: Readonly<Record<string, unknown>>, value: unknown) => readonly string[];

/** An answer that was read: its value, or what is wrong with it. */
export type Reading = { readonly faults: undefined; readonly value: unknown } | { readonly faults: readonly string[] };

/** Faults that are told to the model and to people; more would only lengthen the prompt. */
const SHOWN_FAULTS = 20;
const FENCE = '```';
const ANY = {};

/** Reads an answer in the format that was asked for. Pure, never throws. */
export function readAnswer(text: string, format: ResponseFormat, checkAnswer: CheckAnswer): Reading {
  if (format === 'text') return { faults: undefined, value: text };
  let value: unknown;
  try {
    value = JSON.parse(withoutFence(text));
  } catch (error) {
    return { faults: [`it is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const faults = checkAnswer(format === 'json' ? ANY : format.schema, value);
  if (faults.length === 0) return { faults: undefined, value };
  const more = faults.length - SHOWN_FAULTS;
  return { faults: more > 0 ? [...faults.slice(0, SHOWN_FAULTS), `and ${more} more`] : faults };
}

/** The messages that ask once more, with the answer that does not fit and what is wrong with it. */
export function repairMessages(asked: readonly ChatMessage[], text: string, faults: readonly string[]): ChatMessage[] {
  const complaint = [
    'Your answer does not fit:',
    ...faults.map((fault) => `- ${fault}`),
    'Answer again, with the whole corrected JSON and nothing else.',
  ].join('\n');
  return [...asked, { role: 'assistant', content: text }, { role: 'user', content: complaint }];
}

/**
 * Models without a JSON mode like to wrap JSON in a Markdown fence; a second call would cost more than these lines. Not one
 * pattern for all of it: that tries every blank as the last one, and models that run astray write blanks by the 100,000.
 */
function withoutFence(text: string): string {
  const fenced = text.trim();
  if (!fenced.startsWith(FENCE) || !fenced.endsWith(FENCE) || fenced.length < 2 * FENCE.length) return text;
  const inside = fenced.slice(FENCE.length, -FENCE.length);
  const opening = /^(?:json)?[^\S\n]*\n/i.exec(inside);
  return opening === null ? text : inside.slice(opening[0].length);
}
