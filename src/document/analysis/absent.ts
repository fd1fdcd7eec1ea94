/** Reads of outputs that may not be there: a text that takes them for granted fails its task in those runs. */
import { constantOf } from '../constant.ts';
import type { TaskSpec } from '../definition.ts';
import { formatPath } from '../faults.ts';
import type { Placed } from '../kinds/places.ts';
import { outlineOf, type OutlineTask } from '../outline.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Tasks } from './tasks.ts';
import { Together } from './together.ts';
import { guardsIn, unguardedInExpression, unguardedInTemplate, type OutputRead } from './unguarded.ts';
import type { Warnings } from './warnings.ts';

/** Warns of what reads an output without a default that a skipped task would not have. */
export function* warnOfAbsent(source: unknown, tasks: Tasks, warnings: Warnings): Steps<void> {
  const absent = new Map<string, Absence>();
  yield* eachOf(tasks.order, (spec) => {
    const found = absenceIn(spec);
    if (found === undefined) return;
    const { cancelWhen } = spec;
    const unstopped = cancelWhen === undefined ? undefined : absenceIn({ ...spec, cancelWhen: undefined });
    absent.set(spec.name, { ...found, ...(cancelWhen === undefined ? {} : { stop: { cancelWhen, unstopped } }) });
  });
  if (absent.size === 0) return;
  const outline = yield* outlineOf(source);
  const together = new Together(tasks);
  yield* eachOf(tasks.definition.tasks, (reader) => {
    const { runsOnlyWith } = together.of(reader);
    const missing = new Map<string, string>();
    for (const name of reader.dependsOn) {
      const found = absenceFor(reader, absent.get(name));
      // What is skipped together with it never finds it missing.
      if (found !== undefined && !(found.skippedOnly && runsOnlyWith(name))) missing.set(name, found.reason);
    }
    const place = outline.tasks[reader.position];
    if (missing.size === 0 || place === undefined) return;
    for (const { path, read, isTemplate } of readsAt(place)) {
      if (!missing.has(read.task)) continue;
      const output = /^[A-Za-z_]\w*$/.test(read.task) ? `tasks.${read.task}` : `tasks[${JSON.stringify(read.task)}]`;
      const advice = isTemplate ? `{{ ${output}.output | default: "…" }}` : `${output}.?output.orValue(…)`;
      warnings.add(
        'absentOutput',
        formatPath(path),
        `${read.at}: reads the output of ${JSON.stringify(read.task)}, which has none where ${missing.get(read.task)}: write ${advice}`,
      );
    }
  });
}

/** That a task may end without an output though what depends on it runs. */
interface Absence {
  readonly reason: string;
  /** It has an output wherever it is not skipped. */
  readonly skippedOnly: boolean;
  /** It may be stopped, and what is left where that is not looked at. */
  readonly stop?: { readonly cancelWhen: string; readonly unstopped: Absence | undefined };
}

function absenceIn(spec: TaskSpec): Absence | undefined {
  const reason = absenceOf(spec);
  if (reason === undefined) return undefined;
  return { reason, skippedOnly: absenceOf({ ...spec, gates: [], when: undefined }) === undefined };
}

/** What is stopped by the same values, before it begins, never finds it missing for that. */
function absenceFor({ cancelWhen }: TaskSpec, known: Absence | undefined): Absence | undefined {
  return known?.stop === undefined || known.stop.cancelWhen !== cancelWhen ? known : known.stop.unstopped;
}

/** When a task ends without an output though what depends on it runs; undefined where that cannot be. */
function absenceOf({
  gates,
  when,
  cancelWhen,
  skipPolicy,
  approval,
  call,
  timeoutSeconds,
}: TaskSpec): string | undefined {
  if (approval?.onReject === 'skip') return 'its approval is refused';
  if (call.kind === 'wait' && call.onTimeout === 'skip' && timeoutSeconds !== undefined) return 'its time is over';
  if (skipPolicy === 'cascade') return undefined;
  if (when !== undefined && constantOf(when)?.value !== true) return 'its "when" is false';
  if (cancelWhen !== undefined && constantOf(cancelWhen)?.value !== false) return 'its "cancelWhen" is true';
  return gates.length > 0 ? 'no condition chooses it' : undefined;
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
