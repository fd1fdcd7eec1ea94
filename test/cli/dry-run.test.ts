/** `fermata dry-run`: what is shown of a run before it begins. */
import { expect, it } from 'vitest';
import { testFolder } from './test-shell.ts';

const DOCUMENT = `name: research
input: { type: object, properties: { topic: { type: string } }, required: [topic] }
tasks:
  - { name: plan, prompt: 'Plan {{ input.topic }}' }
  - { name: start, prompt: 'Start', requiresApproval: true, approvalPrompt: 'Begin with {{ input.topic }}?' }
  - { name: publish, prompt: 'Write', requiresApproval: true, approvalPrompt: 'Publish {{ tasks.plan.output }}?' }
  - { name: rest, kind: wait, until: tasks.plan.output }
`;

it('fills in what the input says, and marks what it does not', async () => {
  const folder = testFolder();
  folder.write('research.yaml', DOCUMENT);
  const { status, out } = await folder.run(['dry-run', 'research.yaml', '--input', 'topic=tea']);
  expect({ status, out }).toMatchObject({ status: 0 });
  expect(out).toContain('asks a person before start: Begin with tea? (refused: fail)');
  expect(out).toContain(
    'asks a person before publish, as a template: Publish {{ tasks.plan.output }}? (refused: fail)',
  );
  expect(out).toContain('rest waits until the date that this gives: tasks.plan.output');
});
