/** Calls of a sub-workflow. */
import { NO_CALLS, plus, repeated, type Calls } from '../../cost/estimate/calls.ts';
import type { Figure } from '../../cost/estimate/figure.ts';
import { exactly } from '../../cost/estimate/range.ts';
import type { TaskSpec } from '../definition.ts';
import type { SubworkflowSpec } from '../kinds/subworkflow.ts';
import type { Counting, TaskCalls } from './counting.ts';
import { valueLength } from './output-length.ts';

/** The run of another workflow. One whose workflow is not known here is a line of its own, without a number. */
export function childCalls(call: SubworkflowSpec, spec: TaskSpec, counting: Counting): TaskCalls {
  const { name } = call.workflow;
  const child = counting.children.get(call);
  const because = `the workflow ${JSON.stringify(name)} is not known here`;
  const sum = child === undefined ? unknownRun(because) : child.lines.reduce<Calls>(plus, NO_CALLS);
  const tries: Figure = { range: { lowest: 1, expected: 1, highest: 1 + spec.retry.maxRetries }, from: 'counted' };
  const output = call.wait
    ? (child?.output ?? valueLength(spec, because))
    : { range: exactly(20), from: 'default' as const };
  return { lines: [{ part: 'run', workflow: name, ...repeated(sum, tries, because) }], output };
}

function unknownRun(unboundedBecause: string): Calls {
  const unknown: Figure = { range: { lowest: 0, expected: 0, highest: Infinity }, from: 'default' };
  return {
    calls: unknown,
    inputTokens: unknown,
    outputTokens: unknown,
    nanos: unknown.range,
    unpriced: { lowest: 0, expected: 1, highest: 1 },
    unboundedBecause,
  };
}
