/** The README's code runs as it stands there. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { startModelServer } from '../../src/cli/demo/model-server.ts';
import { parseText } from '../../src/document/parse.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
  language,
  code,
}));
// Inside the project, so that it imports `fermata` by its own name.
const folder = mkdtempSync(join(ROOT, '.readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(code: string, name: string): string {
  const file = join(folder, name);
  writeFileSync(file, code);
  return execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
}

describe('README.md', () => {
  it('shows the two lines of a newcomer, each alone in its block', () => {
    const lines = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());
    expect(lines).toContain('npm install && npm run demo');
    expect(lines).toContain('npm install && npm test');
  });

  it('runs a machine of one’s own in at most 20 lines, and prints what it says', () => {
    const code = blocks.find(({ language }) => language === 'ts')?.code ?? '';
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
    expect(run(code, 'machine.ts')).toBe("{ receipt: 'parcel 42' }\n");
  });

  it('shows a workflow that is valid', () => {
    const yaml = blocks.find(({ language }) => language === 'yaml')?.code ?? '';
    expect(parseText(yaml).tasks.map(({ name }) => name)).toEqual(['plan', 'gather', 'publish']);
  });

  it('shows a builder that builds, and a program that runs what was built', async () => {
    const [, builder, program] = blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
    const models = await startModelServer({ script: [{ prompt: '', answers: [{ text: 'a leaf' }] }] });
    onTestFinished(models.stop);
    const file = join(folder, 'research.ts');
    writeFileSync(file, `${builder}\n${program}`);
    const env = { ...process.env, OPENAI_API_KEY: 'scripted', OPENAI_BASE_URL: models.baseUrl };
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder, env });
    expect(stdout).toBe('a leaf\n');
    expect(models.requests()).toHaveLength(2);
  });
});
