/** Random documents whose answers serve again, and whose tasks ask the same now and then. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Random } from '../../src/testing/random.ts';
import type { RandomTask } from './tasks.ts';

type Written = RandomTask & { readonly [field: string]: unknown };

/** The same document; of some, answers serve again. */
export function randomlyCached(random: Random, document: WorkflowDocument): WorkflowDocument {
  if (random.chance(0.5)) return document;
  const tasks = (document.tasks as readonly Written[]).map((task) => asking(random, task));
  const cached = { ...document, config: { ...document.config, cache: randomCache(random, 0.9) }, tasks };
  return randomlySimilar(random.fork('similar'), cached as WorkflowDocument);
}

/** The same; of some, the answers to similar questions will do. */
function randomlySimilar(random: Random, document: WorkflowDocument): WorkflowDocument {
  if (random.chance(0.4)) return document;
  const { config } = document as { readonly config: { readonly cache: object } };
  const similarityThreshold = random.pick([0.8, 0.9, 0.95]);
  const cache = { ...config.cache, similarityThreshold, ...(random.chance(0.4) ? { verify: true } : {}) };
  const tasks = (document.tasks as readonly Written[]).map((task) => rephrased(random, task));
  return { ...document, config: { ...config, cache }, tasks } as WorkflowDocument;
}

function rephrased(random: Random, task: Written): Written {
  const { task: item, prompt } = task;
  if (item !== undefined) return { ...task, task: rephrased(random, item as Written) };
  return prompt === 'Do this' ? { ...task, prompt: random.pick(PHRASES) } : task;
}

/** Ways to ask for one thing; of the last nobody makes a vector. */
const PHRASES = ['Do this', 'Do this', 'Please do this', 'Do this now', 'Do nothing'] as const;
const DEGREES: Readonly<Record<string, number>> = { 'Do this': 0, 'Please do this': 15, 'Do this now': 40 };

/** What stands for a prompt: what means the same points in about the same direction. */
export function vectorOf(prompt: string): readonly number[] {
  if (prompt === 'Do nothing') return [0, 0];
  const radians = ((DEGREES[prompt] ?? 90) * Math.PI) / 180;
  return [Math.cos(radians), Math.sin(radians)];
}

/** What is said of an answer that was found: the same, whoever asks. */
export function verdictOn(random: Random): string {
  return random.pick(['Yes', 'yes.', 'No', 'who knows']);
}

function randomCache(random: Random, enabled: number): object {
  return {
    enabled: random.chance(enabled),
    ...(random.chance(0.5) ? { namespace: random.pick(['all', 'all', 'some']) } : {}),
    ...(random.chance(0.2) ? { ttlHours: random.pick([0.001, 0.1]) } : {}),
  };
}

/** A task that asks what others ask, or what it asks by itself; in maps as well. */
function asking(random: Random, task: Written): Written {
  const { kind, task: item, function: called, input: _, ...rest } = task;
  if (item !== undefined) return { ...task, task: asking(random, item as Written) };
  const isCode = kind === 'code' && called === 'work';
  if ((kind !== undefined && !isCode) || random.chance(0.2)) return task;
  return {
    ...(isCode ? { ...rest, responseFormat: 'json' } : task),
    prompt: random.pick(['Do this', 'Do this', 'Do this', 'Do that']),
    ...(random.chance(0.2) ? { cache: randomCache(random, 0.6) } : {}),
    ...(random.chance(0.2) ? { temperature: random.pick([0, 0.3, 0.9]) } : {}),
  };
}
