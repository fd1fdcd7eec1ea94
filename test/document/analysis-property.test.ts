/** The analysis of random documents against all that they can do: every answer of every condition is tried. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analysisOf } from '../../src/document/analysis.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { atOnce } from '../../src/document/steps.ts';

interface Drawn {
  readonly isCondition: boolean;
  /** Of tasks before it: it reads their outputs. */
  readonly reads: readonly number[];
  /** Of conditions before it, with the branch that it is in. */
  readonly gates: readonly (readonly [condition: number, branch: 'then' | 'else'])[];
  readonly when: 'none' | 'asked' | 'never';
  readonly cascades: boolean;
}

const drawn = fc.record({
  isCondition: fc.boolean(),
  reads: fc.uniqueArray(fc.nat(6), { maxLength: 2 }),
  gates: fc.uniqueArray(fc.tuple(fc.nat(6), fc.constantFrom('then' as const, 'else' as const)), { maxLength: 2 }),
  when: fc.constantFrom('none' as const, 'none' as const, 'asked' as const, 'never' as const),
  cascades: fc.boolean(),
});

/** What cannot be is left out: tasks that come later, and gates that are no conditions. */
function possible(tasks: readonly Drawn[]): Drawn[] {
  return tasks.map((task, at) => ({
    ...task,
    reads: task.reads.filter((other) => other < at),
    gates: task.gates.filter(([other]) => other < at && tasks[other]?.isCondition === true),
  }));
}

function documentOf(tasks: readonly Drawn[]): object {
  const branch = (condition: number, label: string): string[] =>
    tasks.flatMap(({ gates }, at) =>
      gates.some(([by, other]) => by === condition && other === label) ? [`t${at}`] : [],
    );
  return {
    name: 'w',
    tasks: tasks.map(({ isCondition, reads, when, cascades }, at) => ({
      name: `t${at}`,
      description: reads.map((other) => `{{ tasks.t${other}.output }}`).join(' '),
      ...(when === 'none' ? {} : { when: when === 'asked' ? `input.w${at}` : 'false' }),
      ...(cascades ? { skipPolicy: 'cascade' } : {}),
      ...(isCondition
        ? { kind: 'condition', if: `input.c${at}`, then: branch(at, 'then'), else: branch(at, 'else') }
        : { prompt: 'Go', maxRetries: 0 }),
    })),
  };
}

/** Which tasks run; `says` answers each question of the document. */
function ran(tasks: readonly Drawn[], says: (question: string) => boolean): boolean[] {
  const runs: boolean[] = [];
  const takesAlong: boolean[] = [];
  for (const [at, { reads, gates, when, cascades }] of tasks.entries()) {
    // A condition that it reads as well is one that it depends on.
    const needs = [...reads, ...gates.map(([by]) => by)];
    const isBarred = needs.some((other) => takesAlong[other]);
    const isChosen =
      gates.length === 0 || gates.some(([by, branch]) => runs[by] && says(`c${by}`) === (branch === 'then'));
    const isAsked = when === 'none' || (when === 'asked' && says(`w${at}`));
    runs[at] = !isBarred && isChosen && isAsked;
    takesAlong[at] = !runs[at] && (isBarred || cascades);
  }
  return runs;
}

function* everyRun(tasks: readonly Drawn[]): Generator<boolean[]> {
  const questions = tasks.flatMap(({ isCondition, when }, at) => [
    ...(isCondition ? [`c${at}`] : []),
    ...(when === 'asked' ? [`w${at}`] : []),
  ]);
  for (let answers = 0; answers < 2 ** questions.length; answers += 1)
    yield ran(tasks, (question) => ((answers >> questions.indexOf(question)) & 1) === 1);
}

test('no run comes to more, runs what never runs, or misses an output of which nobody was warned', () => {
  fc.assert(
    fc.property(fc.array(drawn, { minLength: 1, maxLength: 7 }).map(possible), (tasks) => {
      const document = documentOf(tasks);
      const { worstCase, warnings } = atOnce(analysisOf(document, parseDocument(document)));
      const warned = (code: string, text: (message: string) => boolean): boolean =>
        warnings.some((warning) => warning.code === code && text(`${warning.path} ${warning.message}`));
      const everRan = tasks.map(() => false);
      for (const runs of everyRun(tasks)) {
        expect(worstCase.tasks).toBeGreaterThanOrEqual(runs.filter(Boolean).length);
        const calls = runs.filter((run, at) => run && tasks[at]?.isCondition === false);
        expect(worstCase.modelCalls).toBeGreaterThanOrEqual(calls.length);
        for (const [at, { reads }] of tasks.entries()) {
          if (runs[at]) everRan[at] = true;
          for (const other of reads.filter((read) => runs[at] && runs[read] === false))
            expect(
              warned('absentOutput', (text) => text.startsWith(`tasks[${at}].`) && text.includes(`"t${other}"`)),
              `t${at} reads t${other}`,
            ).toBe(true);
        }
      }
      for (const [at, ever] of everRan.entries())
        if (ever)
          expect(
            warned('neverRuns', (text) => text.startsWith(`tasks[${at}]`)),
            `t${at} can run`,
          ).toBe(false);
    }),
    { numRuns: 300, seed: 20 },
  );
});
