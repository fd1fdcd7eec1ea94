/**
 * Reads of shared values that nobody writes: most likely a typing error. Said only of a document whose every writer can
 * be seen: a function may write any key, and so may tasks that join the run.
 */
import type { TaskSpec } from '../definition.ts';
import { formatPath } from '../faults.ts';
import type { Placed } from '../kinds/places.ts';
import { didYouMean } from '../nearest.ts';
import { outlineOf, type OutlineTask } from '../outline.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Tasks } from './tasks.ts';
import { unguardedSharedInExpression, unguardedSharedInTemplate, type SharedRead } from './unguarded-shared.ts';
import type { Warnings } from './warnings.ts';

const MOST_COMPARED = 100;

/** Warns of each place that takes a shared value for granted which no task publishes. */
export function* warnOfUnwritten(source: unknown, { definition }: Tasks, warnings: Warnings): Steps<void> {
  let reads = false;
  let mayWriteAll = false;
  const writers = new Map<string, TaskSpec[]>();
  yield* eachOf(definition.tasks, (spec) => {
    reads ||= spec.shared !== undefined || spec.outputs !== undefined;
    mayWriteAll ||= writesUnseen(spec);
    for (const key of publishedBy(spec)) {
      const known = writers.get(key);
      if (known === undefined) writers.set(key, [spec]);
      else known.push(spec);
    }
  });
  if (!reads || mayWriteAll) return;
  const outline = yield* outlineOf(source);
  yield* eachOf(definition.tasks, (reader) => {
    const place = outline.tasks[reader.position];
    if (place === undefined || (reader.shared === undefined && reader.outputs === undefined)) return;
    for (const { path, read } of readsAt(place)) {
      const by = writers.get(read.key);
      const isOwn = by !== undefined && by.every((writer) => writer === reader) && reader.call.kind !== 'map';
      if (by !== undefined && !isOwn) continue;
      const because = isOwn
        ? 'which only this task itself writes, when it completes'
        : `which no task writes${suggestion(read.key, writers) || ': write it with outputs.shared, or from a function'}`;
      const isStop = path.at(-1) === 'cancelWhen';
      const then = isStop ? '; until somebody does, this never stops the task' : '';
      warnings.add(
        'unwrittenShared',
        formatPath(path),
        `${read.at}: reads the shared value ${JSON.stringify(read.key)}, ${because}${then}`,
      );
    }
  });
}

/** Among very many keys the nearest one is not looked for, once for each read. */
function suggestion(key: string, writers: ReadonlyMap<string, unknown>): string {
  return writers.size > MOST_COMPARED ? '' : didYouMean(key, writers.keys());
}

/** True for a task that may write keys of which the document does not know. A run that it begins has values of its own. */
function writesUnseen({ call, onComplete }: TaskSpec): boolean {
  if (onComplete !== undefined || call.kind === 'code' || call.kind === 'planExecuteReflect') return true;
  return call.kind === 'map' && writesUnseen(call.task);
}

function publishedBy({ outputs = {}, call }: TaskSpec): readonly string[] {
  return [...Object.keys(outputs), ...(call.kind === 'map' ? publishedBy(call.task) : [])];
}

interface ReadAt extends Pick<Placed, 'path'> {
  readonly read: SharedRead;
}

/** What the texts of a task take for granted. Its `when` is asked first: what that asks for is there for the others. */
function readsAt({ templates, expressions, conditions, switches, outputs }: OutlineTask): readonly ReadAt[] {
  const asked = conditions.filter(({ path }) => path.at(-1) === 'when');
  const sure = new Set(asked.flatMap(({ text }) => unguardedSharedInExpression(text).guarded));
  const found = [
    ...templates.flatMap(({ path, text }) => unguardedSharedInTemplate(text).map((read) => ({ path, read }))),
    ...[...expressions, ...conditions, ...switches, ...outputs].flatMap(({ path, text }) =>
      unguardedSharedInExpression(text).reads.map((read) => ({ path, read })),
    ),
  ];
  return found.filter(({ read }) => !sure.has(read.key));
}
