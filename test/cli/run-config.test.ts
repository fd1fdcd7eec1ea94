/** What a run may have otherwise than its document says, from the command line. */
import { expect, it } from 'vitest';
import { testFolder, type TestFolder } from './test-shell.ts';

const text = `
name: two
tasks:
  - { name: a, prompt: Say a, estimatedDurationSeconds: 2 }
  - { name: b, prompt: Say b, estimatedDurationSeconds: 2 }
`;

function opened(): TestFolder {
  const folder = testFolder();
  folder.write('two.yaml', text);
  return folder;
}

it('--breadth: tasks of a run come one after the other, and so what is said of it beforehand has it', async () => {
  const folder = opened();
  const secondsOf = async (...more: string[]): Promise<unknown> => {
    const { out } = await folder.run(['dry-run', 'two.yaml', '--json', ...more]);
    return (JSON.parse(out) as { estimatedDurationSeconds: number }).estimatedDurationSeconds;
  };
  expect([await secondsOf(), await secondsOf('--breadth', '1')]).toEqual([2, 4]);
  const { status, out } = await folder.run(['run', 'two.yaml', '--demo', '--json', '--breadth', '1']);
  expect(status).toBe(0);
  const { tasks } = JSON.parse(out) as { tasks: { name: string; startedAt: string; endedAt: string }[] };
  const [a, b] = tasks.map(({ startedAt, endedAt }) => [startedAt, endedAt].map(Date.parse));
  expect(b?.[0], 'one begins when the other has ended').toBeGreaterThanOrEqual(a?.[1] ?? Infinity);
});

it.each(['run', 'estimate', 'dry-run'])('%s refuses a --breadth that is none', async (command) => {
  const folder = opened();
  const none = await folder.run([command, 'two.yaml', '--breadth', '0']);
  expect([none.status, none.err]).toEqual([expect.any(Number), expect.stringContaining('config.breadth')]);
  expect(none.status).not.toBe(0);
  const word = await folder.run([command, 'two.yaml', '--breadth', 'many']);
  expect(word.err).toContain('--breadth expects a number of tasks');
});
