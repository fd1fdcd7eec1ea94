/** Random documents whose answers serve again, and whose tasks ask the same now and then. */
import type { WorkflowDocument } from '../../src/document/schema.ts';
import type { Random } from '../../src/testing/random.ts';
import type { RandomTask } from './tasks.ts';

type Written = RandomTask & { readonly [field: string]: unknown };

/** The same document; of some, answers serve again. */
export function randomlyCached(random: Random, document: WorkflowDocument): WorkflowDocument {
  if (random.chance(0.5)) return document;
  const tasks = (document.tasks as readonly Written[]).map((task) => asking(random, task));
  return { ...document, config: { ...document.config, cache: randomCache(random, 0.9) }, tasks } as WorkflowDocument;
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
