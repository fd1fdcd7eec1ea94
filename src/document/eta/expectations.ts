/** How long a call of each task of a run is expected to take, and how sure that is. */
import { DEFAULTS, type Source } from '../../cost/estimate/figure.ts';
import type { TaskSpec } from '../definition.ts';
import { declaredSeconds, durationIn, modelOf } from '../estimate/durations.ts';
import type { Experience } from './experience.ts';
import { expectedOf, type Expected } from './left.ts';
import type { Standing } from './standing.ts';

/** What is expected of a call of a task; of a map or a reduction, of each of its calls. */
export interface Expectation extends Expected {
  readonly from: Source;
  /** How much longer than that the calls of this run take. */
  readonly pace: number;
}

/** What is expected of the tasks that one adds. */
export interface ExpectedAdditions {
  readonly count: number;
  readonly each: Expectation | undefined;
  readonly from: Source;
}

const NO_TIME: Expectation = { seconds: 0, from: 'counted', pace: 1 };

/** Expectations of one run. */
export class Expectations {
  readonly #standing: Pick<Standing, 'learned' | 'childSeconds'>;
  readonly #experience: Experience;

  constructor(standing: Pick<Standing, 'learned' | 'childSeconds'>, experience: Experience) {
    this.#standing = standing;
    this.#experience = experience;
  }

  /**
   * Undefined where nobody knows. The author comes first, then earlier runs, then what others like it took in this run.
   *
   * @param adder of a task that joined the run
   */
  of(spec: TaskSpec, adder?: string): Expectation | undefined {
    const { call, name } = spec;
    if (call.kind === 'condition' || (call.kind === 'subworkflow' && !call.wait)) return NO_TIME;
    if (call.kind === 'wait') return 'seconds' in call.for ? { ...NO_TIME, seconds: call.for.seconds } : undefined;
    const before = this.before(spec) ?? (adder === undefined ? undefined : this.#ofAdded(adder));
    const own = this.#experience.ofItems(name, before?.seconds);
    // Of the items of a map enough is known when some have ended; of a task itself nothing is, as long as it has not.
    if (own !== undefined) return { seconds: own, from: before?.from ?? 'learned', pace: 1 };
    if (before !== undefined) return { ...before, pace: this.#experience.pace };
    const like = this.#experience.ofKind(kindOf(spec));
    return like === undefined ? undefined : { seconds: like, from: 'default', pace: 1 };
  }

  /** What was expected before the run began. */
  before(spec: TaskSpec): (Expected & { readonly from: Source }) | undefined {
    const declared = declaredSeconds(spec);
    if (declared !== undefined) return { seconds: declared, from: 'declared' };
    const child = spec.call.kind === 'subworkflow' ? this.#standing.childSeconds(spec) : undefined;
    if (child !== undefined) return { seconds: child, from: 'learned' };
    const learned = this.#standing.learned.of(spec.name, modelOf(spec));
    return learned && { ...expectedOf(learned), from: 'learned' };
  }

  /** Of the tasks that one adds when it completes; undefined where it adds none. */
  additions({ name, onComplete }: TaskSpec, own: Expectation | undefined): ExpectedAdditions | undefined {
    if (onComplete === undefined) return undefined;
    const learned = this.#standing.learned.additions(name);
    if (learned !== undefined) {
      const each = { ...expectedOf(learned.seconds), from: 'learned', pace: this.#experience.pace } as const;
      return { count: learned.count, each, from: 'learned' };
    }
    return { count: Math.min(DEFAULTS.addedTasks, onComplete.dynamicTaskLimit), each: own, from: 'default' };
  }

  #ofAdded(adder: string): (Expected & { readonly from: Source }) | undefined {
    const own = durationIn([this.#experience.ofAdded(adder)].filter((seconds) => seconds !== undefined));
    const known = own ?? this.#standing.learned.additions(adder)?.seconds;
    return known && { ...expectedOf(known), from: 'learned' };
  }
}

/** What kind of call a task makes; of a map, each of its items. */
export function kindOf({ call }: TaskSpec): string {
  return call.kind === 'map' || call.kind === 'reduce' ? call.task.call.kind : call.kind;
}
