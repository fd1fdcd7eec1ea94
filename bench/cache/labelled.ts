/**
 * What similar questions save and what they spoil, on questions of which it is known which ones have the same answer: each
 * is asked in turn, as a run of its own, of a Fermata that has just begun, once for each threshold.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { compose, type FermataOptions } from '../../src/compose.ts';
import { FermataError } from '../../src/errors.ts';
import type { WorkflowDocument } from '../../src/document/schema.ts';
import { sqliteStore } from '../../src/store/sqlite/index.ts';
import { withDatabaseFile } from '../database-file.ts';

/** A question. Those of one group have the same answer, all others another one. */
export interface LabelledQuestion {
  readonly group: string;
  readonly question: string;
}

/** How it is measured. */
export interface MeasureOptions {
  readonly questions: readonly LabelledQuestion[];
  readonly thresholds: readonly number[];
  /** Whose models are asked: `OPENAI_API_KEY`, `OPENAI_BASE_URL`. */
  readonly environment: NonNullable<FermataOptions['environment']>;
  readonly model: string;
  readonly embeddingModel: string;
  /** Whether a model judges what is found. */
  readonly verify: boolean;
  /** Bounds what an answer costs. */
  readonly maxOutputTokens: number;
}

/** What came of one threshold. */
export interface Measured {
  readonly threshold: number;
  readonly hits: number;
  /** Hits whose answer is that of another group. */
  readonly falseHits: number;
  /** Questions of whose group another one had been answered, and which were asked all the same. */
  readonly overlooked: number;
  /** Runs that did not complete. */
  readonly failed: number;
  /** Comparisons that came to nothing, because there was no vector. */
  readonly warnings: number;
  /** All calls: answers, vectors, verdicts. */
  readonly spentDollars: number;
  /** What the answers cost that served again. */
  readonly savedDollars: number;
  /** Calls of which nobody knows what they cost. */
  readonly unknownCalls: number;
}

const lineSchema = z.strictObject({ group: z.string().min(1), question: z.string().min(1).max(32_000) });
const NANOS = 1_000_000_000;
/** So much of a prompt is kept. */
const SHOWN = 300;

/** Reads a file of questions: a line of JSON for each. Throws `invalidConfig` naming the line that is wrong. */
export async function readQuestions(file: string): Promise<LabelledQuestion[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const questions = lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    const parsed = lineSchema.safeParse(value);
    if (parsed.success) return [parsed.data];
    throw new FermataError(
      'invalidConfig',
      `Line ${at + 1} of ${file} is wrong: expected {"group": "…", "question": "…"}, came ${line.slice(0, 80)}.`,
    );
  });
  if (questions.length === 0) throw new FermataError('invalidConfig', `${file} has no questions.`);
  return questions;
}

/** Measures each threshold, the lowest first. */
export async function measure(options: MeasureOptions): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const threshold of options.thresholds.toSorted((one, other) => one - other))
    measured.push(await withDatabaseFile((file) => measureOne(file, threshold, options)));
  return measured;
}

async function measureOne(
  file: string,
  threshold: number,
  { questions, environment, model, embeddingModel, verify, maxOutputTokens }: MeasureOptions,
): Promise<Measured> {
  const fermata = await compose({
    store: sqliteStore(file),
    environment,
    config: { cache: { embeddings: { model: embeddingModel } } },
  });
  const document: WorkflowDocument = {
    name: 'labelled questions',
    input: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
    config: { model, cache: { enabled: true, similarityThreshold: threshold, ...(threshold < 1 ? { verify } : {}) } },
    tasks: [{ name: 'ask', prompt: '{{ input.question }}', maxOutputTokens }],
  };
  const groups = new Map(questions.map(({ group, question }) => [question.slice(0, SHOWN), group]));
  const answered = new Set<string>();
  let [hits, falseHits, overlooked, failed, warnings, spent, saved, unknownCalls] = [0, 0, 0, 0, 0, 0, 0, 0];
  fermata.runtime.subscribe(undefined, ({ type, data }) => {
    if (type === 'cache_missed' && data['warning'] !== undefined) warnings++;
  });
  try {
    for (const { group, question } of questions) {
      const { runId } = await fermata.start(document, { input: { question } });
      const { status, counts } = await fermata.runtime.waitFor(runId);
      const [row] = await fermata.runtime.tasks(runId, { limit: 1 });
      const { cacheHit = false, matchedPrompt } = JSON.parse(row?.detailJson ?? '{}') as Detail;
      spent += counts['costNanos'] ?? 0;
      saved += counts['costSavedNanos'] ?? 0;
      unknownCalls += counts['unknownCalls'] ?? 0;
      if (status !== 'completed') failed++;
      else if (cacheHit) hits++;
      if (cacheHit && matchedPrompt !== undefined && groups.get(matchedPrompt) !== group) falseHits++;
      if (!cacheHit && answered.has(group)) overlooked++;
      if (!cacheHit && status === 'completed') answered.add(group);
    }
  } finally {
    await fermata.close();
  }
  const dollars = { spentDollars: spent / NANOS, savedDollars: saved / NANOS };
  return { threshold, hits, falseHits, overlooked, failed, warnings, ...dollars, unknownCalls };
}

interface Detail {
  readonly cacheHit?: boolean;
  readonly matchedPrompt?: string;
}
