/**
 * Documents of every shape that a workflow can take, for golden sets from 2026-11-c on. Each is run twice: with the word
 * `hang`, at which calls are not answered, and with `go`, at which the run comes to its end before the file is closed.
 */
import type { WorkflowDocument } from '../../src/document/schema.ts';

const DAY = 86_400;
const input = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] } as const;
/** Hangs where the run's word is `hang`. */
const work = { kind: 'code' as const, function: 'work', input: { word: 'input.word' } };
const inline: WorkflowDocument = { name: 'inline', input, tasks: [{ name: 'inside', ...work }] };

/** Each runs into its shape, and rests there where its word says so. */
export const shapes: readonly WorkflowDocument[] = [
  {
    name: 'growing',
    input,
    tasks: [
      { name: 'start', ...work, input: { word: '"go"' }, onComplete: { addTasks: 'grow', dynamicTaskLimit: 2 } },
      { name: 'more', kind: 'code', function: 'propose', onComplete: { addTasks: 'fromOutput', join: false } },
      {
        name: 'many',
        kind: 'map',
        items: '[1, 2]',
        task: { kind: 'code', function: 'echo' },
        onComplete: { addTasks: 'follow' },
      },
      { name: 'then', kind: 'code', function: 'echo', dependsOn: ['start', 'more', 'many'] },
    ],
  },
  {
    name: 'choosing',
    input,
    tasks: [
      { name: 'risk', kind: 'code', function: 'echo', input: { level: '"high"', years: 7 } },
      { name: 'way', kind: 'condition', if: 'tasks.risk.output.level == "high"', then: ['stocks'], else: ['bonds'] },
      { name: 'home', kind: 'condition', switch: 'tasks.risk.output.years > 5', cases: { true: ['house'] } },
      { name: 'stocks', ...work },
      { name: 'bonds', ...work },
      { name: 'house', ...work, when: 'tasks.stocks.status == "completed"' },
      { name: 'tax', ...work, when: { predicate: 'never' }, skipPolicy: 'cascade' },
      { name: 'taxes', kind: 'code', function: 'echo', dependsOn: ['tax'] },
      {
        name: 'advice',
        prompt: 'advise {{ tasks.bonds.output | default: "no bonds" }}',
        dependsOn: ['stocks', 'house'],
      },
    ],
  },
  {
    name: 'mapping',
    input,
    config: { breadth: 2 },
    tasks: [
      {
        name: 'each',
        kind: 'map',
        items: '["hang", "go", "fail", input.word]',
        concurrency: 3,
        onItemFailure: 'collect',
        task: { ...work, input: { word: 'item == "hang" ? input.word : item' }, maxRetries: 0 },
      },
      { name: 'nested', kind: 'map', items: '[["a", "b"], []]', task: { kind: 'map', items: 'item', task: work } },
      { name: 'batches', kind: 'map', items: '[1, 2, 3]', batchSize: 2, task: work },
    ],
  },
  {
    name: 'reducing',
    input,
    tasks: [
      { name: 'list', kind: 'code', function: 'echo', input: { list: ['"a"', '"b"', '"c"'] } },
      { name: 'each', kind: 'map', items: 'tasks.list.output.list', task: { kind: 'code', function: 'echo' } },
      {
        name: 'all',
        kind: 'reduce',
        dependsOn: ['each'],
        arity: 2,
        prompt: 'join {{ tasks.each.output | json }} {{ input.word }}',
      },
    ],
  },
  { name: 'below', input, tasks: [{ name: 'deep', ...work }] },
  {
    name: 'above',
    input,
    tasks: [
      { name: 'named', kind: 'subworkflow', workflow: 'below', input: { word: '{{ input.word }}' } },
      { name: 'inline', kind: 'subworkflow', workflow: inline, input: { word: '{{ input.word }}' } },
      { name: 'gone', kind: 'subworkflow', workflow: 'below@1', input: { word: '{{ input.word }}' }, wait: false },
    ],
  },
  {
    name: 'rounds',
    input,
    tasks: [
      {
        name: 'answer',
        kind: 'planExecuteReflect',
        goal: '{{ input.word }}',
        depth: 2,
        // The built-in ones may become better, and what they lead to with them.
        prompts: { plan: 'PLAN {{ round }} {{ goal }}', reflect: 'REFLECT {{ round }}', answer: 'answer {{ goal }}' },
      },
    ],
  },
  {
    name: 'sharing',
    input,
    tasks: [
      { name: 'counter', kind: 'code', function: 'share' },
      { name: 'market', dependsOn: ['counter'], ...work, outputs: { shared: { full: 'shared.count > 1.0' } } },
      { name: 'menu', kind: 'code', function: 'hang', cancelWhen: 'shared.full' },
      { name: 'places', dependsOn: ['market'], prompt: 'places', cancelWhen: 'shared.full' },
      { name: 'end', dependsOn: ['menu', 'places'], prompt: 'end {{ shared.full }}' },
    ],
  },
  {
    name: 'waiting',
    input,
    tasks: [
      { name: 'nap', kind: 'wait', seconds: 10 * DAY, when: 'input.word == "hang"' },
      { name: 'eve', kind: 'wait', until: 'input.word == "hang" ? "2026-11-20T18:00:00Z" : "2026-10-20T18:00:00Z"' },
      { name: 'paid', kind: 'wait', event: { type: 'paid', filter: 'event.amount > 10' }, timeoutSeconds: 60 * DAY },
      {
        name: 'missed',
        kind: 'wait',
        when: 'input.word == "hang"',
        event: { type: 'missed' },
        timeoutSeconds: DAY / 2,
        onTimeout: 'continue',
      },
      { name: 'shipped', kind: 'wait', dependsOn: ['paid'], event: { type: 'shipped' } },
      { name: 'many', kind: 'map', items: '[1, 2]', task: { kind: 'wait', event: { type: 'each' } } },
    ],
  },
];
