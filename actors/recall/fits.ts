import type { ResponseFormat } from '../../src/document/kinds/model.ts';
import type { CheckAnswer } from '../model/answer.ts';

/** Whether a kept answer is one to whoever asks: it was an answer of a model once, and is trusted no more than that. */
export function fits(valueJson: string, responseFormat: ResponseFormat, checkAnswer: CheckAnswer): boolean {
  try {
    const value: unknown = JSON.parse(valueJson);
    if (responseFormat === 'text') return typeof value === 'string';
    return checkAnswer(responseFormat === 'json' ? {} : responseFormat.schema, value).length === 0;
  } catch {
    return false;
  }
}
