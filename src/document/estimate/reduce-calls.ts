/** Calls of a reduction. */
import { repeated } from '../../cost/estimate/calls.ts';
import { DEFAULTS, lessSure, type Figure } from '../../cost/estimate/figure.ts';
import { callsOf } from '../analysis/worst-case.ts';
import type { TaskSpec } from '../definition.ts';
import { overModels } from './choice.ts';
import { listLength } from './list-length.ts';
import { sideLines } from './side-calls.ts';
import type { Length, Reading } from './prompt-length.ts';
import type { Counting, TaskCalls } from './counting.ts';
import { answerLength, valueLength } from './output-length.ts';
import { modelCalls, readingOf } from './model-calls.ts';

/** A tree of calls over a list. */
export function reduceCalls(spec: TaskSpec, owner: TaskSpec, counting: Counting): TaskCalls {
  const { call } = spec;
  if (call.kind !== 'reduce' || call.task.call.kind !== 'model') return { lines: [], output: valueLength(spec, '') };
  const { arity, over, task } = call;
  const { call: asked } = call.task;
  const list = counting.listOf(over) ?? listLength(`tasks[${JSON.stringify(over)}].output`, counting);
  const output = answerLength(task, asked, owner, counting);
  const whole = counting.outputOf(over);
  const { range } = list;
  const entries = Math.max(1, range.expected);
  // A call sees a part of the list, or as many answers.
  const part: Length = {
    range: {
      lowest: 0,
      expected: ((whole?.range.expected ?? DEFAULTS.valueTokens) / entries) * Math.min(arity, entries),
      highest: Math.max(whole?.range.highest ?? Infinity, (output.range.highest + 2) * arity),
    },
    from: lessSure(whole?.from ?? 'default', list.from),
    unboundedBecause:
      whole === undefined ? `a prompt reads the list of ${JSON.stringify(over)}` : whole.unboundedBecause,
  };
  const seenBy = (model: string): Reading => {
    const reading = readingOf(counting, model, undefined);
    return {
      ...reading,
      lengthOf: (path) => (path[0] === 'tasks' && path[1] === over ? part : reading.lengthOf(path)),
    };
  };
  const { calls, ...chosen } = overModels(asked, counting, (one) => ({
    calls: modelCalls(task, one, owner, answerLength(task, one, owner, counting), seenBy(one.model), counting),
  }));
  const { provider, model } = chosen;
  const side = sideLines(task, { ...asked, provider, model }, output, seenBy, counting);
  const callsFor = (length: number): number => (Number.isFinite(length) ? callsOf(length, arity) : Infinity);
  const count: Figure = {
    range: { lowest: callsFor(range.lowest), expected: callsFor(range.expected), highest: callsFor(range.highest) },
    from: list.from,
  };
  const lines = [{ ...chosen, ...calls }, ...side];
  return { lines: lines.map((line) => ({ ...line, ...repeated(line, count, list.unboundedBecause) })), output };
}
