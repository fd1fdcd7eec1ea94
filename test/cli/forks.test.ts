/** `fermata fork` and `fermata retry`, in this process. */
import { describe, expect, it } from 'vitest';
import { readEdits } from '../../src/cli/commands/fork.ts';
import { testFolder, type TestFolder } from './test-shell.ts';

const CONFIG = `
import { existsSync } from 'node:fs';
export default {
  functions: {
    say: (input, { task }) => task + ' said',
    print: () => {
      if (existsSync('paper')) return 'printed';
      throw Object.assign(new Error('no paper'), { retryable: false });
    },
  },
};
`;
const BOOK = `
name: book
tasks:
  - { name: text, kind: code, function: say }
  - { name: print, kind: code, function: print, dependsOn: [text] }
`;

function folder(paper: boolean): TestFolder {
  const made = testFolder({});
  made.write('fermata.config.ts', CONFIG.replace("existsSync('paper')", String(paper)));
  made.write('book.yaml', BOOK);
  return made;
}

const runIdOf = (err: string): string => /Run (\S+)/.exec(err)?.[1] ?? '';

describe('fork and retry', () => {
  it('try again what did not succeed, and say where a run comes from', async () => {
    const book = folder(false);
    const first = await book.run(['run', 'book.yaml']);
    expect(first.status).toBe(1);
    const runId = runIdOf(first.err);
    const again = await book.run(['retry', runId]);
    expect(again.err).toContain(`tries again what did not succeed in run ${runId}`);
    expect(again.err).toContain('✓ text (taken over): text said');
    expect(again.status).toBe(1);
    const second = runIdOf(again.err);
    const edited = await book.run(['fork', second, '--from', 'print', '-e', 'print.output={"pages":3}', '--json']);
    expect(edited.status).toBe(0);
    const shown = JSON.parse(edited.out) as { readonly runId: string; readonly tasks: object[] };
    expect(shown).toMatchObject({
      output: { pages: 3 },
      tasks: [
        { name: 'text', output: 'text said', reused: { runId } },
        { name: 'print', edited: true },
      ],
    });
    const { out } = await book.run(['show', shown.runId]);
    expect(out).toContain(`forked from  ${second} at task "print", edited: print; that one takes over from ${runId}\n`);
    expect(out).toMatch(/text +completed +reused +text said\nprint +completed +edited +\{"pages":3\}/);
    expect((await book.run(['show', second])).out).toContain(`forks        ${shown.runId} (completed)\n`);
  });

  it('try one task again, and draw what a fork executes', async () => {
    const book = folder(false);
    const runId = runIdOf((await book.run(['run', 'book.yaml'])).err);
    const again = await book.run(['retry', runId, '--task', 'print']);
    expect(again.err).toContain(`tries again task "print" in run ${runId}`);
    expect(again.err).toContain('✓ text (taken over): text said');
    const second = runIdOf(again.err);
    expect((await book.run(['show', second])).out).toContain(`forked from  ${runId} to try task "print" again\n`);
    expect((await book.run(['graph', '--run', second])).out).toContain('"print"');
    expect(await book.run(['graph'])).toMatchObject({ status: 2 });
    expect(await book.run(['retry', runId, 'text', '--task', 'print'])).toMatchObject({ status: 2 });
    expect(await book.run(['retry', runId, '--task', 'text'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('nothing to try again') as unknown,
    });
  });

  it('say how they are used', async () => {
    const book = folder(true);
    const runId = runIdOf((await book.run(['run', 'book.yaml'])).err);
    const refused = async (...args: string[]) => {
      const { status, err } = await book.run(args);
      expect(status).toBe(2);
      return err;
    };
    expect(await refused('fork', runId)).toContain('--from TASK, or --at SEQ');
    expect(await refused('fork', runId, '--from', 'text', '--at', '3')).toContain('one of them');
    expect(await refused('fork', runId, '--at', 'x')).toContain('--at expects the number of a fact, came "x"');
    expect(await refused('fork', runId, '--at', '1', '-e', 'text')).toContain('--edit expects TASK.prompt=TEXT');
    const { status, err } = await book.run(['retry', runId]);
    expect({ status, err }).toMatchObject({ status: 1, err: expect.stringContaining('a good end') as unknown });
  });

  it('an edit names a task, whatever its name, and is JSON where it can be', () => {
    expect(readEdits(['a.b.output=[1]', 'c.prompt=x = y.output=z', 'd.output=word'])).toEqual({
      'a.b': { output: [1] },
      c: { prompt: 'x = y.output=z' },
      d: { output: 'word' },
    });
  });
});
