/** Which tasks will run: surely, perhaps and with what chance, or not at all. */
import { DEFAULTS, lessSure, type Source } from '../../cost/estimate/figure.ts';
import { formatPath } from '../faults.ts';
import type { TaskSpec } from '../definition.ts';
import type { ConditionSpec } from '../kinds/condition.ts';
import { eachOf, type Steps } from '../steps.ts';
import type { Reach } from '../analysis/reach.ts';
import type { Tasks } from '../analysis/tasks.ts';
import type { Given } from './given.ts';

/** What is to be expected of a task. */
export interface Outlook {
  readonly may: boolean;
  /** That it runs, from 0 to 1. */
  readonly chance: number;
  readonly from: Source;
  /** It may be skipped though the one condition that chooses it, or none, would let it run. */
  readonly isOptional: boolean;
  /** Of a condition: the branches that it may choose. */
  readonly branches: ReadonlySet<string>;
  /** … or none of them. */
  readonly mayChooseNone: boolean;
}

type Choice = Pick<Outlook, 'branches' | 'mayChooseNone'>;

const NO_CHOICE: Choice = { branches: new Set(), mayChooseNone: false };

/** The branch that a condition has chosen already, null for none of them; undefined: it has not decided. */
export type Chosen = (condition: string) => string | null | undefined;

/**
 * Looks ahead, task after task.
 *
 * @param chosen what conditions of a run under way have come to; default: nothing has begun
 * @param learned that a task ran in earlier runs, from 0 to 1; default: nobody knows
 */
export function* outlookOf(
  tasks: Tasks,
  reach: Reach,
  given: Given,
  chosen: Chosen = () => undefined,
  learned: (task: string) => number | undefined = () => undefined,
): Steps<ReadonlyMap<string, Outlook>> {
  const outlooks = new Map<string, Outlook>();
  /** Tasks that take what depends on them along where they are skipped. */
  const carries = new Set<string>();
  yield* eachOf(tasks.order, (spec) => {
    const outlook = of(spec);
    outlooks.set(spec.name, outlook);
    const maySkip = !outlook.may || outlook.isOptional || spec.gates.length > 0;
    if ((spec.skipPolicy === 'cascade' && maySkip) || spec.dependsOn.some((needed) => carries.has(needed)))
      carries.add(spec.name);
  });
  return outlooks;

  function of(spec: TaskSpec): Outlook {
    const { name, call, gates, dependsOn, approval } = spec;
    const known = call.kind === 'condition' ? chosen(name) : undefined;
    const choice =
      known !== undefined
        ? { branches: new Set(known === null ? [] : [known]), mayChooseNone: known === null }
        : call.kind === 'condition'
          ? choiceOf(call, reach.branches(name), given)
          : NO_CHOICE;
    let chance = 1;
    let from: Source = 'counted';
    let isOptional = approval?.onReject === 'skip';
    const experience = learned(name);
    let isLearned = false;
    const doubt = (by: number): void => {
      isOptional = true;
      isLearned ||= experience !== undefined;
      if (isLearned) return;
      chance *= by;
      from = 'default';
    };
    for (const [condition, barring] of [
      [spec.when, false],
      [spec.cancelWhen, true],
    ] as const) {
      if (condition === undefined) continue;
      const known = given.value(condition);
      if (known?.value === barring) return { may: false, chance: 0, from, isOptional: true, ...choice };
      // That a task is stopped is the exception, that it is skipped is not.
      if (known === undefined) doubt(barring ? 1 : DEFAULTS.chance);
    }
    if (gates.length > 0) {
      let none = 1;
      for (const { by, branches } of gates) {
        const condition = outlooks.get(by);
        if (condition === undefined) continue;
        const open = branches.filter((label) => condition.branches.has(label)).length;
        const all = condition.branches.size + (condition.mayChooseNone ? 1 : 0);
        none *= 1 - (all === 0 ? 0 : (condition.chance * open) / all);
        isLearned ||= all > 1 && experience !== undefined;
        from = lessSure(from, all > 1 && !isLearned ? 'default' : condition.from);
      }
      if (none === 1) return { may: false, chance: 0, from, isOptional: true, ...choice };
      chance *= 1 - none;
      if (reach.only(name) === undefined && none > 0) isOptional = true;
    }
    // How often it ran tells of its condition and of its "when" together.
    if (isLearned && experience !== undefined) {
      chance = experience;
      from = lessSure(from, 'learned');
    }
    for (const needed of dependsOn) {
      const before = outlooks.get(needed);
      if (before === undefined || !carries.has(needed)) continue;
      if (!before.may) return { may: false, chance: 0, from, isOptional: true, ...choice };
      chance = Math.min(chance, before.chance);
      from = lessSure(from, before.from);
      // The same condition decides on both.
      const isSame = gates.length === 0 && reach.only(needed) !== undefined && reach.only(name) === reach.only(needed);
      if (before.isOptional || !isSame) isOptional = true;
    }
    return { may: !reach.never(name), chance: reach.never(name) ? 0 : chance, from, isOptional, ...choice };
  }
}

/** The branches that may be chosen, as far as the input decides it. */
function choiceOf({ decides, branches }: ConditionSpec, live: ReadonlySet<string>, given: Given): Choice {
  const isIf = 'if' in decides;
  const known = given.value(isIf ? decides.if : decides.switch);
  if (known === undefined) {
    const isComplete = isIf ? 'then' in branches && 'else' in branches : 'else' in branches;
    return { branches: live, mayChooseNone: !isComplete };
  }
  const own = isIf ? (known.value === true ? 'then' : 'else') : formatPath(['cases', String(known.value)]);
  const label = [own, isIf ? own : 'else'].find((one) => Object.hasOwn(branches, one));
  return { branches: new Set(label === undefined ? [] : [label]), mayChooseNone: label === undefined };
}
