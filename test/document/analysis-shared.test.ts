/** What is said before they run of documents whose tasks share values, and stop each other. */
import { describe, expect, test } from 'vitest';
import { analysisOf } from '../../src/document/analysis.ts';
import { parseDocument } from '../../src/document/parse.ts';
import { atOnce } from '../../src/document/steps.ts';

type Task = Readonly<Record<string, unknown>>;
const call = (name: string, fields: Task = {}): Task => ({ name, prompt: 'Go', ...fields });
const writes = (name: string, ...keys: string[]): Task =>
  call(name, { outputs: { shared: Object.fromEntries(keys.map((key) => [key, 'true'])) } });

function warned(tasks: readonly Task[]): string[] {
  const document = { name: 'w', tasks };
  const { warnings } = atOnce(analysisOf(document, parseDocument(document)));
  return warnings.map(({ code, path, message }) => `${code} ${path}: ${message}`);
}

describe('a shared value that no task writes', () => {
  const NOBODY = 'which no task writes: write it with outputs.shared, or from a function';
  test.each<[string, Task, string]>([
    [
      'a prompt',
      { prompt: 'So: {{ shared.k }}' },
      `tasks[0].prompt: line 1, column 8: reads the shared value "k", ${NOBODY}`,
    ],
    [
      'a system prompt with a default that comes too late',
      { system: '{{ shared["a b"] | upcase | default: "" }}' },
      `tasks[0].system: line 1, column 4: reads the shared value "a b", ${NOBODY}`,
    ],
    [
      'a description',
      { description: '{{ shared.k }}' },
      `tasks[0].description: line 1, column 4: reads the shared value "k", ${NOBODY}`,
    ],
    ['a when', { when: 'shared.k' }, `tasks[0].when: column 1: reads the shared value "k", ${NOBODY}`],
    [
      'has of a field of it',
      { when: 'has(shared.k.n)' },
      `tasks[0].when: column 5: reads the shared value "k", ${NOBODY}`,
    ],
    [
      'a cancelWhen',
      { cancelWhen: 'shared.k' },
      `tasks[0].cancelWhen: column 1: reads the shared value "k", ${NOBODY}; until somebody does, this never stops the task`,
    ],
    [
      'what is shared itself',
      { outputs: { shared: { other: 'shared.k' } } },
      `tasks[0].outputs.shared.other: column 1: reads the shared value "k", ${NOBODY}`,
    ],
    [
      'what the task itself shares when it completes',
      { prompt: '{{ shared.k }}', outputs: { shared: { k: 'result' } } },
      'tasks[0].prompt: line 1, column 4: reads the shared value "k", which only this task itself writes, when it completes',
    ],
  ])('is warned of in %s', (_, fields, warning) => {
    expect(warned([call('a', fields)])).toEqual([`unwrittenShared ${warning}`]);
  });

  test('of a condition and of the items of a map, with the key that was meant', () => {
    expect(
      warned([
        writes('w', 'saturation'),
        { name: 'c', kind: 'condition', if: 'shared.saturaton', then: ['x'] },
        call('x'),
        { name: 'm', kind: 'map', items: '[1]', task: { prompt: '{{ shared.sturation }}{{ item }}' } },
      ]).map((warning) => warning.replace(/reads.*which/, '…')),
    ).toEqual([
      'unwrittenShared tasks[1].if: column 1: … no task writes: did you mean "saturation"?',
      'unwrittenShared tasks[3].task.prompt: line 1, column 4: … no task writes: did you mean "saturation"?',
    ]);
  });

  test.each<[string, readonly Task[]]>([
    ['a task writes', [writes('w', 'k'), call('r', { prompt: '{{ shared.k }}', dependsOn: ['w'] })]],
    [
      'the items of a map write',
      [{ name: 'm', kind: 'map', items: '[1]', task: { prompt: '{{ shared.k }}', outputs: { shared: { k: '1' } } } }],
    ],
    ['a default stands in for', [call('r', { prompt: '{{ shared.k | default: "none" }}' })]],
    ['an {% if %} asks for', [call('r', { prompt: '{% if shared.k %}{{ shared.k }}{% endif %}' })]],
    ['has asks for', [call('r', { when: 'has(shared.k) && shared.k' })]],
    [
      'an optional step asks for',
      [call('r', { cancelWhen: 'shared.?k.orValue(false)', when: 'shared[?"k"].hasValue()' })],
    ],
    ['the when of the task asks for', [call('r', { when: 'has(shared.k)', prompt: '{{ shared.k }}' })]],
    ['a function may write', [call('r', { prompt: '{{ shared.k }}' }), { name: 'f', kind: 'code', function: 'f' }]],
    [
      'the items of a map may write',
      [
        call('r', { prompt: '{{ shared.k }}' }),
        { name: 'm', kind: 'map', items: '[1]', task: { kind: 'code', function: 'f' } },
      ],
    ],
    [
      'tasks that join may write',
      [
        call('r', { prompt: '{{ shared.k }}' }),
        call('a', { responseFormat: 'json', onComplete: { addTasks: 'fromOutput' } }),
      ],
    ],
    [
      'a plan may write',
      [call('r', { prompt: '{{ shared.k }}' }), { name: 'p', kind: 'planExecuteReflect', goal: 'g' }],
    ],
  ])('is not warned of where %s it', (_, tasks) => {
    expect(warned(tasks)).toEqual([]);
  });

  test('is looked for in 5,000 tasks that read what 5,000 write, and once in vain', () => {
    const tasks = Array.from({ length: 5_000 }, (_, n) =>
      call(`t${n}`, { ...writes('', 'k', `k${n}`), name: `t${n}`, cancelWhen: 'shared.k' }),
    );
    const begun = process.cpuUsage();
    expect(warned([...tasks, call('r', { prompt: '{{ shared.none }}' })])).toEqual([
      expect.stringMatching(/^unwrittenShared tasks\[5000\]/),
    ]);
    expect(process.cpuUsage(begun).user / 1e6, 'seconds').toBeLessThan(12);
  });
});

describe('a task that may be stopped', () => {
  const STOP = { cancelWhen: 'shared.full' };
  const stopped = call('a', STOP);
  const reader = (fields: Task = {}): Task => call('r', { prompt: '{{ tasks.a.output }}', ...fields });

  test('has no output then, which is warned of where a text takes it for granted', () => {
    expect(warned([writes('w', 'full'), stopped, reader()])).toEqual([
      'absentOutput tasks[2].prompt: line 1, column 4: reads the output of "a", which has none where its "cancelWhen" is true: write {{ tasks.a.output | default: "…" }}',
    ]);
  });

  test.each<[string, Task, Task]>([
    ['a default', stopped, reader({ prompt: '{{ tasks.a.output | default: "none" }}' })],
    ['a when that asks', stopped, reader({ when: 'tasks.a.status == "completed"' })],
    ['the same cancelWhen', stopped, reader(STOP)],
    ['a task that takes others along', { ...stopped, skipPolicy: 'cascade' }, reader()],
  ])('is not warned of with %s', (_, one, other) => {
    expect(warned([writes('w', 'full'), one, other])).toEqual([]);
  });

  test('is warned of for its when, where it has the cancelWhen of its reader', () => {
    const [warning] = warned([writes('w', 'full'), { ...stopped, when: 'input.x' }, reader(STOP)]);
    expect(warning).toContain('which has none where its "when" is false');
    expect(
      warned([writes('w', 'full'), { ...stopped, when: 'input.x' }, reader({ ...STOP, when: 'input.x' })]),
    ).toEqual([]);
  });

  test('never runs, or is never stopped, where that is always so', () => {
    expect(warned([call('a', { cancelWhen: 'true', skipPolicy: 'cascade' }), call('b', { dependsOn: ['a'] })])).toEqual(
      [
        'neverRuns tasks[0].cancelWhen: is always true: the task can never run',
        'neverRuns tasks[1]: the task "b" can never run: it needs "a", which never runs, and whose skipPolicy is cascade or which is skipped by one',
      ],
    );
    expect(warned([call('a', { cancelWhen: '1 > 2' }), reader()])).toEqual([
      'constantCondition tasks[0].cancelWhen: is always false: leave it out',
    ]);
  });
});
