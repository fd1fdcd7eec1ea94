/**
 * What one task comes to, where it runs: its calls by the model that is asked, and the length of what it gives.
 *
 * The least is that of a task that succeeds at once, with the shortest lists and empty answers; the most that of one
 * whose every attempt fails at its very end, and whose every answer has to be mended.
 */
import type { TaskSpec } from '../definition.ts';
import { overModels } from './choice.ts';
import { sideLines } from './side-calls.ts';
import type { Length, Reading } from './prompt-length.ts';
import type { Counting, TaskCalls } from './counting.ts';
import { answerLength, valueLength } from './output-length.ts';
import { modelCalls, readingOf } from './model-calls.ts';
import { mapCalls } from './map-calls.ts';
import { reduceCalls } from './reduce-calls.ts';
import { childCalls } from './child-calls.ts';
import { addedCalls } from './added-calls.ts';
import { roundCalls } from './round-calls.ts';

/** Tokens of what has no text of its own: a decision, the end of a wait. */
const DECISION: Length = {
  range: { lowest: 0, expected: 20, highest: Infinity },
  from: 'default',
  unboundedBecause: 'a prompt reads what a condition found',
};

/** Estimates a task of the document. */
export function taskCalls(spec: TaskSpec, counting: Counting): TaskCalls {
  const own = ownCalls(spec, spec, counting, undefined);
  const { onComplete } = spec;
  if (onComplete === undefined) return own;
  return { ...own, lines: [...own.lines, addedCalls(onComplete, counting)] };
}

/** @param item of a map, where it is known */
function ownCalls(spec: TaskSpec, owner: TaskSpec, counting: Counting, item: Reading['own']): TaskCalls {
  const { call } = spec;
  switch (call.kind) {
    case 'model': {
      const { output, calls, ...asked } = overModels(call, counting, (one) => {
        const length = answerLength(spec, one, owner, counting);
        return {
          output: length,
          calls: modelCalls(spec, one, owner, length, readingOf(counting, one.model, item), counting),
        };
      });
      const { provider, model } = asked;
      const side = sideLines(
        spec,
        { ...call, provider, model },
        output,
        (name) => readingOf(counting, name, item),
        counting,
      );
      return { lines: [{ ...asked, ...calls }, ...side], output };
    }
    case 'map':
      return mapCalls(spec, owner, counting, item, (task, one) => ownCalls(task, owner, counting, one));
    case 'reduce':
      return reduceCalls(spec, owner, counting);
    case 'planExecuteReflect':
      return roundCalls(call, spec, counting);
    case 'subworkflow':
      return childCalls(call, spec, counting);
    case 'code':
      return {
        lines: [],
        output: valueLength(spec, `a prompt reads what function ${JSON.stringify(call.function)} gives`),
      };
    case 'wait':
      return { lines: [], output: valueLength(spec, 'a prompt reads an event') };
    case 'condition':
      return { lines: [], output: DECISION };
  }
}
