/** What fields of a model call say together: a choice that is none would look like one, and a bound above another as well. */
import { formatPath, type Faults, type Path } from './faults.ts';
import { isRecord } from './json.ts';
import { twiceIn } from './models.ts';

/** Adds a fault where a task, as it is written, names its models in two ways, or one of them twice. */
export function checkModels(task: Readonly<Record<string, unknown>>, path: Path, faults: Faults): void {
  const { model, models, optimize, provider } = task;
  if (model !== undefined && models !== undefined)
    faults.add(formatPath([...path, 'model']), 'is given beside "models"; keep one of them');
  else if (model !== undefined && optimize !== undefined)
    faults.add(formatPath([...path, 'optimize']), 'has nothing to choose from beside "model": write "models", a list');
  checkTwice(models, [...path, 'models'], typeof provider === 'string' ? provider : '', faults);
}

/** The same of the config of a document, and of what its tasks have from there. */
export function checkDocumentChoices(source: unknown, faults: Faults): void {
  if (!isRecord(source)) return;
  const config = isRecord(source['config']) ? source['config'] : {};
  const tasks = Array.isArray(source['tasks']) ? source['tasks'].map(innermost) : [];
  const { models, optimize, provider } = config;
  checkTwice(models, ['config', 'models'], typeof provider === 'string' ? provider : 'openai', faults);
  if (models !== undefined) return;
  if (optimize !== undefined && !tasks.some(({ task }) => task['models'] !== undefined))
    faults.add('config.optimize', 'has nothing to choose from: give "models", a list, here or in a task');
  for (const [at, { task, inside }] of tasks.entries())
    if (task['optimize'] !== undefined && task['models'] === undefined && task['model'] === undefined)
      faults.add(
        formatPath(['tasks', at, ...inside, 'optimize']),
        'has nothing to choose from: give "models", a list, here or in config',
      );
}

/**
 * Answers that may be made no shorter than they may be long. Of documents and tasks that are new: those that are stored were
 * taken with it once, and go on with what it has meant for them, an answer that is never shortened.
 */
export function checkAnswerBounds(tasks: readonly unknown[], faults: Faults): void {
  for (const [at, written] of tasks.entries()) {
    const { task, inside } = innermost(written);
    const { minOutputTokens: least, maxOutputTokens: most } = task;
    if (typeof least !== 'number' || typeof most !== 'number' || least <= most) continue;
    faults.add(
      formatPath(['tasks', at, ...inside, 'minOutputTokens']),
      `expected at most ${most}, which is maxOutputTokens, came ${least}: lower it to what an answer may be shortened to where money is short, or raise maxOutputTokens`,
    );
  }
}

function checkTwice(models: unknown, path: Path, provider: string, faults: Faults): void {
  if (!Array.isArray(models)) return;
  for (const [at, message] of twiceIn(models, provider)) faults.add(formatPath([...path, at]), message);
}

/** The task of a map's items asks, not the map. */
function innermost(task: unknown): { readonly task: Readonly<Record<string, unknown>>; readonly inside: Path } {
  if (!isRecord(task)) return { task: {}, inside: [] };
  if (task['kind'] !== 'map' || !isRecord(task['task'])) return { task, inside: [] };
  const { task: found, inside } = innermost(task['task']);
  return { task: found, inside: ['task', ...inside] };
}
