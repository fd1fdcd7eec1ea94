/** The documents of the golden sets. Written into the files; a new set may have more. */
import type { WorkflowDocument } from '../../src/document/schema.ts';

const DAY = 86_400;
const approval = { requiresApproval: true, approvalPrompt: 'Go on?' } as const;
const code = (name: string, fn: string, more: object = {}) => ({ name, kind: 'code' as const, function: fn, ...more });

/** Each rests in the state that its name says. */
export const documents: readonly WorkflowDocument[] = [
  {
    name: 'completed',
    tasks: [
      { name: 'plan', prompt: 'plan it' },
      { name: 'write', prompt: '{{ tasks.plan.output }}' },
    ],
  },
  { name: 'failed', tasks: [code('a', 'refuse'), code('b', 'echo', { dependsOn: ['a'] })] },
  {
    name: 'continued',
    config: { onTaskFailure: 'continue' },
    tasks: [
      code('a', 'refuse'),
      code('b', 'echo', { dependsOn: ['a'] }),
      code('c', 'echo', approval),
      code('d', 'echo', { dependsOn: ['b', 'c'] }),
    ],
  },
  {
    name: 'approval',
    input: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] },
    tasks: [
      { name: 'draft', prompt: 'draft on {{ input.topic }}' },
      { name: 'publish', prompt: 'publish {{ tasks.draft.output }}', ...approval, approvalTimeoutSeconds: 90 * DAY },
    ],
  },
  {
    name: 'expiring',
    tasks: [
      code('ask', 'echo', { ...approval, approvalTimeoutSeconds: 10 * DAY, onReject: 'skip' }),
      code('then', 'echo', { dependsOn: ['ask'] }),
    ],
  },
  {
    name: 'calling',
    tasks: [
      { name: 'call', prompt: 'hang on' },
      { name: 'next', prompt: 'after {{ tasks.call.output }}' },
    ],
  },
  {
    name: 'asking',
    tasks: [code('sure', 'hang', { onInDoubt: 'ask' }), code('next', 'echo', { dependsOn: ['sure'] })],
  },
  {
    name: 'retrying',
    tasks: [code('flaky', 'flaky', { retry: { maxRetries: 3, initialSeconds: 3_600, maxSeconds: 3_600 } })],
  },
  { name: 'queue', config: { breadth: 1 }, tasks: ['a', 'b', 'c', 'd'].map((name) => code(name, 'hang')) },
  { name: 'paused', tasks: [code('a', 'echo', approval), code('b', 'echo', { dependsOn: ['a'] })] },
  { name: 'timing', config: { timeoutSeconds: 20 * DAY }, tasks: [code('a', 'echo', approval)] },
  {
    name: 'big',
    tasks: [
      code('make', 'big', { input: { size: '10000' } }),
      { name: 'read', prompt: '{{ tasks.make.output.text }}', ...approval },
    ],
  },
  { name: 'cancelled', tasks: [code('a', 'hang')] },
  { name: 'keyed', tasks: [code('a', 'echo', approval)] },
  { name: 'deleted', tasks: [code('a', 'echo', approval), code('b', 'echo', { dependsOn: ['a'] })] },
  { name: 'versioned', tasks: [code('a', 'echo', approval), code('old', 'echo', { dependsOn: ['a'] })] },
];

/** The second version of `versioned`. */
export const versionedAgain: WorkflowDocument = {
  name: 'versioned',
  tasks: [
    code('a', 'echo', approval),
    code('new', 'echo', { dependsOn: ['a'] }),
    code('newer', 'echo', { dependsOn: ['new'] }),
  ],
};
