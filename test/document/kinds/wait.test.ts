/** How a wait is written, and what is refused about it. */
import { describe, expect, it } from 'vitest';
import { workflow } from '../../../src/document/builder.ts';
import { prepareWait, type WaitSpec } from '../../../src/document/kinds/wait.ts';
import { parseDocument, parseText } from '../../../src/document/parse.ts';
import { errorOf, faultsOf } from '../faults-of.ts';

const wait = (fields: object): unknown => ({ name: 'w', tasks: [{ name: 'a', kind: 'wait', ...fields }] });
const faults = (fields: object): string[] => faultsOf(() => parseDocument(wait(fields)));
const callOf = (document: unknown) => parseDocument(document).tasks.map(({ call }) => call);

describe('a wait is written', () => {
  it.each([
    [{ seconds: 5 }, { for: { seconds: 5 }, onTimeout: 'fail' }],
    [{ until: '2026-12-24' }, { for: { until: '2026-12-24' }, onTimeout: 'fail' }],
    [
      { until: 'input.at', onTimeout: 'skip' },
      { for: { until: 'input.at' }, onTimeout: 'skip' },
    ],
    [{ event: { type: 'paid' } }, { for: { event: { type: 'paid', filter: undefined } }, onTimeout: 'fail' }],
    [
      { event: { type: 'paid', filter: 'event.amount > 10.0' }, timeoutSeconds: 60, onTimeout: 'continue' },
      { for: { event: { type: 'paid', filter: 'event.amount > 10.0' } }, onTimeout: 'continue' },
    ],
    [
      { event: { type: 'paid', filter: 'false' }, timeoutSeconds: 60 },
      { for: { event: { type: 'paid', filter: 'false' } }, onTimeout: 'fail' },
    ],
    [
      { event: { type: 'paid', filter: '1 < 2' } },
      { for: { event: { type: 'paid', filter: '1 < 2' } }, onTimeout: 'fail' },
    ],
  ])('%j', (fields, expected) => {
    expect(callOf(wait(fields))).toEqual([{ kind: 'wait', ...expected }]);
  });

  it('in YAML as in JSON and with the builder', () => {
    const yaml = parseText(
      'name: w\ntasks:\n  - { name: a, kind: wait, event: { type: paid, filter: "event.amount > 10.0" }, timeoutSeconds: 60 }',
    );
    const built = workflow('w')
      .task('a', { kind: 'wait', event: { type: 'paid', filter: 'event.amount > 10.0' }, timeoutSeconds: 60 })
      .build();
    expect(yaml).toEqual(parseDocument(built));
    expect(yaml.tasks[0]).toMatchObject({ timeoutSeconds: 60, dependsOn: [] });
  });

  it('and depends on the tasks that its filter or its date reads', () => {
    const { tasks } = parseDocument({
      name: 'w',
      tasks: [
        { name: 'a', prompt: 'x' },
        { name: 'b', kind: 'wait', event: { type: 'paid', filter: 'event.amount > tasks.a.output.least' } },
        { name: 'c', kind: 'wait', until: 'tasks.b.output.due' },
      ],
    });
    expect(tasks.map(({ dependsOn }) => dependsOn)).toEqual([[], ['a'], ['b']]);
  });
});

describe('a wait is refused', () => {
  it.each([
    [{}, 'tasks[0]: says not what it waits for: give seconds (a time span), until (a date) or event'],
    [
      { seconds: 1, event: { type: 'paid' } },
      'tasks[0]: waits for seconds and event: keep one, and make a second task for another',
    ],
    [{ seconds: 0 }, 'tasks[0].seconds: expected at least 0.001, came a number (0)'],
    [{ seconds: '5' }, 'tasks[0].seconds: expected a number, came a text ("5")'],
    [
      { until: '2026-12-24T18:00:00' },
      'tasks[0].until: expected a date such as 2026-12-24 or 2026-12-24T18:00:00Z (a time needs Z or an offset), came "2026-12-24T18:00:00"',
    ],
    [{ until: '2026-02-31' }, expect.stringContaining('came "2026-02-31"')],
    [{ until: 'input.at +' }, expect.stringContaining('tasks[0].until: The expression "input.at +"')],
    [{ event: {} }, 'tasks[0].event.type: is required: expected a text'],
    [{ event: { type: 'xstate.init' } }, expect.stringContaining('tasks[0].event.type: must not begin with')],
    ...[
      ['false', 'false'],
      ['1 > 2', 'false'],
      ['1 + 1', '2'],
    ].map(([filter, value]): [object, string] => [
      { event: { type: 'paid', filter } },
      `tasks[0].event.filter: is always ${value}, so no event is ever taken and the task could never end: correct it, or give the task timeoutSeconds`,
    ]),
    [
      { event: { type: 'paid', filter: 'evnt.amount > 10' } },
      'tasks[0].event.filter: column 1: reads "evnt", which does not exist: did you mean "event"?',
    ],
    [
      { event: { type: 'paid', filter: 'event.note.matches("(a+)+")' } },
      expect.stringContaining('matches() can occupy the process'),
    ],
    [
      { until: 'event.at' },
      'tasks[0].until: column 1: reads "event", which does not exist: known are "input", "tasks" and "shared"',
    ],
    [{ seconds: 1, onTimeout: 'cancel' }, expect.stringContaining('expected "fail" or "skip" or "continue"')],
    [{ seconds: 1, event: undefined, filter: 'true' }, expect.stringContaining('unknown field "filter"')],
  ])('%j', (fields, fault) => {
    expect(faults(fields)).toContainEqual(fault);
  });
});

describe('a date', () => {
  const dateOf = (until: string, input: unknown = {}): unknown => {
    const spec: WaitSpec = { kind: 'wait', for: { until }, onTimeout: 'fail' };
    const { for: what } = prepareWait(spec, { input, tasks: {} });
    return 'until' in what ? new Date(what.until).toISOString() : what;
  };

  it.each([
    ['2026-12-24', '2026-12-24T00:00:00.000Z'],
    ['2026-12-24T18:00+01:00', '2026-12-24T17:00:00.000Z'],
    ['input.at', '2028-02-29T00:00:00.000Z'],
    ['timestamp("2026-12-24T00:00:00Z") + duration("36h")', '2026-12-25T12:00:00.000Z'],
  ])('%s', (until, date) => {
    expect(dateOf(until, { at: '2028-02-29' })).toBe(date);
  });

  it.each([
    ['input.at', 'tomorrow'],
    ['input.at', 5],
    ['input.?none', 5],
    ['input.missing', 5],
  ])('%s of %j is none, and says so', (until, at) => {
    const { code, message } = errorOf(() => dateOf(until, { at }));
    expect([code, message]).toEqual(['expressionFailed', expect.stringContaining(JSON.stringify(until))]);
  });
});
