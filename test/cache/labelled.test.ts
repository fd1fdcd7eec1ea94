/** `npm run bench:cache -- --provider`, against the scripted server: that it measures what it says. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { readQuestions } from '../../bench/cache/labelled.ts';
import { startModelServer } from '../../src/cli/demo/model-server.ts';

/** As `npm run bench:cache` begins it. */
const RUN = [join(import.meta.dirname, '../../bin/run.js'), join(import.meta.dirname, '../../bench/cache/run.ts')];
const QUESTIONS = [
  { group: 'tea', question: 'What is tea?' },
  { group: 'coffee', question: 'What is coffee?' },
  { group: 'tea', question: 'Can you tell me what the tea is?' },
  { group: 'cup', question: 'Is tea what is in the cup, please?' },
  { group: 'other', question: 'What is “tea”, in the sense of the gossip? Is tea what?' },
];

it(
  'counts hits, false ones and overlooked ones at each threshold, and what was spent and saved',
  { timeout: 30_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fermata-labelled-'));
    const models = await startModelServer({
      script: [{ prompt: '', answers: [{ text: 'an answer', usage: { inputTokens: 100, outputTokens: 50 } }] }],
    });
    onTestFinished(async () => {
      await models.stop();
      await rm(folder, { recursive: true });
    });
    const file = join(folder, 'questions.jsonl');
    await writeFile(file, QUESTIONS.map((line) => JSON.stringify(line)).join('\n'));
    const args = [...RUN, '--provider', '--labelled', file, '--thresholds', '0.999,0.5', '--json'];
    const env = { ...process.env, OPENAI_API_KEY: 'k', OPENAI_BASE_URL: models.baseUrl };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    const { measured } = JSON.parse(stdout) as { measured: Record<string, number>[] };
    // Half the words of the last two are those of another group, so that a threshold of a half takes them for one another.
    expect(measured).toMatchObject([
      { threshold: 0.5, hits: 3, falseHits: 2, overlooked: 0, failed: 0, warnings: 0, unknownCalls: 0 },
      { threshold: 0.999, hits: 1, falseHits: 0, overlooked: 0, failed: 0, warnings: 0 },
    ]);
    // gpt-4o-mini: 0.15 and 0.60 dollars for a million tokens; vectors: 0.02, for a token in each four characters.
    const answer = 0.000_045;
    const vectors = QUESTIONS.reduce((sum, { question }) => sum + Math.ceil(question.length / 4) * 0.000_000_02, 0);
    expect(measured[0]?.['savedDollars']).toBeCloseTo(3 * answer, 9);
    expect(measured[1]?.['spentDollars']).toBeCloseTo(4 * answer + vectors, 9);
  },
);

it('says which line of a file is wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fermata-labelled-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'questions.jsonl');
  await writeFile(file, '{"group": "a", "question": "b"}\n\n{"group": "a"}\n');
  await expect(readQuestions(file)).rejects.toThrow(/^Line 3 of .* is wrong: expected \{"group"/);
  await writeFile(file, '\n');
  await expect(readQuestions(file)).rejects.toThrow('has no questions');
});

it('comes with questions of which some have the same answer, and most have not', async () => {
  const questions = await readQuestions(join(import.meta.dirname, '../../bench/cache/questions.jsonl'));
  const groups = new Set(questions.map(({ group }) => group));
  expect(questions.length).toBeGreaterThan(30);
  expect(groups.size).toBeGreaterThan(questions.length / 2);
  expect(new Set(questions.map(({ question }) => question)).size).toBe(questions.length);
});
