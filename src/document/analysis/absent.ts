/** Reads of outputs that may not be there: a text that takes them for granted fails its task in those runs. */
import { constantOf } from '../constant.ts';
import type { TaskSpec } from '../definition.ts';
import { formatPath } from '../faults.ts';
import type { Placed } from '../kinds/places.ts';
import type { Outline, OutlineTask } from '../outline.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Tasks } from './tasks.ts';
import { guardsIn, unguardedInExpression, unguardedInTemplate, type OutputRead } from './unguarded.ts';
import type { Warnings } from './warnings.ts';

/** Tasks that take others along where they are skipped; more of one task are not looked at. */
const MOST_NEEDED = 100;
/** Conditions in conditions that are looked through, and conditions that may choose one task. */
const DEEPEST = 4;
const MOST_GATES = 8;

/** Warns of what reads an output without a default that a skipped task would not have. */
export function* warnOfAbsent(outline: Outline, tasks: Tasks, warnings: Warnings): Steps<void> {
  const absent = new Map<string, string>();
  yield* eachOf(tasks.order, (spec) => {
    const reason = absenceOf(spec);
    if (reason !== undefined) absent.set(spec.name, reason);
  });
  if (absent.size === 0) return;
  yield* eachOf(tasks.definition.tasks, (reader) => {
    // What is skipped together with it never finds it missing.
    const missing = new Set(reader.dependsOn.filter((name) => absent.has(name) && !comesAlong(reader, name, tasks)));
    const place = outline.tasks[reader.position];
    if (missing.size === 0 || place === undefined) return;
    for (const { path, read, isTemplate } of readsAt(place)) {
      if (!missing.has(read.task)) continue;
      const output = /^[A-Za-z_]\w*$/.test(read.task) ? `tasks.${read.task}` : `tasks[${JSON.stringify(read.task)}]`;
      const advice = isTemplate ? `{{ ${output}.output | default: "…" }}` : `${output}.?output.orValue(…)`;
      warnings.add(
        'absentOutput',
        formatPath(path),
        `${read.at}: reads the output of ${JSON.stringify(read.task)}, which has none where ${absent.get(read.task)}: write ${advice}`,
      );
    }
  });
}

/** When a task ends without an output though what depends on it runs; undefined where that cannot be. */
function absenceOf({ gates, when, skipPolicy, approval, call, timeoutSeconds }: TaskSpec): string | undefined {
  if (approval?.onReject === 'skip') return 'its approval is refused';
  if (call.kind === 'wait' && call.onTimeout === 'skip' && timeoutSeconds !== undefined) return 'its time is over';
  if (skipPolicy === 'cascade') return undefined;
  if (when !== undefined && constantOf(when)?.value !== true) return 'its "when" is false';
  return gates.length > 0 ? 'no condition chooses it' : undefined;
}

/** True where one task runs only if the other one does. */
function comesAlong(reader: TaskSpec, name: string, tasks: Tasks): boolean {
  const needed = tasks.spec(name);
  if (needed === undefined || absenceOf({ ...needed, gates: [], when: undefined }) !== undefined) return false;
  if (runsWith(reader, needed, tasks)) return true;
  return reader.dependsOn
    .slice(0, MOST_NEEDED)
    .map((other) => tasks.spec(other))
    .some((other) => other?.skipPolicy === 'cascade' && other !== needed && runsWith(other, needed, tasks));
}

/** True where the conditions of one task allow it to run only if those of the other do. */
function runsWith(reader: TaskSpec, needed: TaskSpec, tasks: Tasks, depth = DEEPEST): boolean {
  if (isChosenWith(reader, needed)) return true;
  const { gates } = reader;
  if (depth === 0 || gates.length === 0 || gates.length > MOST_GATES) return false;
  // A condition that was skipped chooses nothing.
  return gates.every(({ by }) => {
    const condition = tasks.spec(by);
    return condition === needed || (condition !== undefined && runsWith(condition, needed, tasks, depth - 1));
  });
}

function isChosenWith(reader: TaskSpec, needed: TaskSpec): boolean {
  const sameWhen = needed.when === undefined || (typeof needed.when === 'string' && needed.when === reader.when);
  if (!sameWhen) return false;
  if (needed.gates.length === 0) return true;
  const chosenBy = new Map(needed.gates.map(({ by, branches }) => [by, new Set(branches)]));
  return (
    reader.gates.length > 0 &&
    reader.gates.every(({ by, branches }) => branches.every((label) => chosenBy.get(by)?.has(label) === true))
  );
}

interface ReadAt extends Pick<Placed, 'path'> {
  readonly read: OutputRead;
  readonly isTemplate: boolean;
}

/** What the texts of a task take for granted. Its `when` is asked first: what that makes sure of is there for the others. */
function readsAt({ templates, expressions, conditions, switches }: OutlineTask): readonly ReadAt[] {
  const asked = conditions.filter(({ path }) => path.at(-1) === 'when');
  const sure = new Set(asked.flatMap(({ text }) => [...guardsIn(text)]));
  const found = [
    ...templates.flatMap(({ path, text }) =>
      unguardedInTemplate(text).map((read) => ({ path, read, isTemplate: true })),
    ),
    ...[...expressions, ...conditions, ...switches].flatMap(({ path, text }) =>
      unguardedInExpression(text).map((read) => ({ path, read, isTemplate: false })),
    ),
  ];
  return found.filter(({ read }) => !sure.has(read.task));
}
