import type { ResponseFormat } from '../../src/document/kinds/model.ts';
import type { ChatMessage } from './request.ts';

/** Checks a value against a JSON Schema: one text for each fault, none where it fits. */
export type CheckAnswer = (schema: Readonly<Record<string, unknown>>, value: unknown) => readonly string[];

/** An answer that was read: its value, or what is wrong with it. */
export type Reading = { readonly faults: undefined; readonly value: unknown } | { readonly faults: readonly string[] };

/** Faults that are told to the model and to people; more would only lengthen the prompt. */
const SHOWN_FAULTS = 20;

/** Reads an answer in the format that was asked for. Pure, never throws. */
export function readAnswer(text: string, format: ResponseFormat, checkAnswer: CheckAnswer): Reading {
  if (format === 'text') return { faults: undefined, value: text };
  let value: unknown;
  try {
    value = JSON.parse(withoutFence(text));
  } catch (error) {
    return { faults: [`it is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const faults = format === 'json' ? [] : checkAnswer(format.schema, value);
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

/** Models without a JSON mode like to wrap JSON in a Markdown fence; a second call would cost more than this line. */
function withoutFence(text: string): string {
  return /^\s*```(?:json)?[^\S\n]*\n([\s\S]*?)\n?[^\S\n]*```\s*$/i.exec(text)?.[1] ?? text;
}
