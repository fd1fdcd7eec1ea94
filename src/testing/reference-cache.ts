/** What may be observed of answers that serve again (P16): part of the reference model. */
import { isDeepStrictEqual } from 'node:util';
import type { SeenFact } from './observation.ts';
import type { ClockModel } from './reference-clock.ts';
import { isTakenOver } from './reference-forks.ts';
import { check, type Run, type Task } from './reference-run.ts';
import { asOthers, type SimilarModel } from './reference-similar.ts';

/** Facts of a task after which its call may still be under way. */
const GOES_ON: ReadonlySet<string> = new Set(['cache_comparing', 'cache_missed', 'progress', 'task_started']);

export interface Question {
  /** Who shares its answers, and the prompt that was asked. */
  readonly of: string;
  /** How that begins. */
  readonly prompt: string;
  /** All else that was asked. */
  readonly as: string;
  /** Those that were given to it. */
  readonly answers: unknown[];
}

interface Asker {
  readonly run: Run;
  readonly task: Task;
  /** It looks for similar questions first. */
  readonly compares: boolean;
  over: boolean;
}

/** The cache of a world. */
export class CacheModel {
  readonly similar: SimilarModel;
  readonly #clock: ClockModel;
  readonly #questions = new Map<string, Question>();
  /** Who asks a model, by question. The last one is waited for, also where it was not the first; once that has ended, nobody is. */
  readonly #asking = new Map<string, Asker[]>();
  readonly #counts = new Map<string, { cacheHits: number; cacheMisses: number }>();

  constructor(clock: ClockModel, similar: SimilarModel) {
    this.#clock = clock;
    this.similar = similar;
  }

  /** A fact about a task, before anything else is made of it. */
  see(run: Run, task: Task, fact: SeenFact, where: string): void {
    const { type, data } = fact;
    if (!GOES_ON.has(type) && !(type === 'task_in_doubt' && data['policy'] === 'retry')) this.#ended(run, task);
    if (type === 'cache_comparing' || type === 'cache_missed') this.#asks(run, task, fact, where);
    if (type === 'cache_missed') this.#count(run, { cacheHits: 0, cacheMisses: 1 });
    const { cached } = data as { readonly cached?: { readonly key: string } };
    if (isTakenOver(fact))
      return check(cached === undefined && !isHit(fact), `P16 ${where}: another run has found that`);
    if (isHit(fact)) this.#found(run, task, fact, where);
    if (cached !== undefined) this.#kept(task, cached.key, data['result'], where);
  }

  /** The counts of a run that has ended are what was seen of it. */
  finish({ name }: Run, { cacheHits = 0, cacheMisses = 0 }: Readonly<Record<string, number>>): void {
    const seen = this.#counts.get(name) ?? { cacheHits: 0, cacheMisses: 0 };
    const isSame = isDeepStrictEqual({ cacheHits, cacheMisses }, seen);
    check(isSame, `P16 run ${name} counts ${cacheHits} hits and ${cacheMisses} misses: ${JSON.stringify(seen)}`);
  }

  #asks(run: Run, task: Task, { type, data, at }: SeenFact, where: string): void {
    const { cacheKey: key, promptHash, prompt = '' } = data as Readonly<Record<string, string>> & { cacheKey: string };
    const compares = type === 'cache_comparing';
    check(!compares || task.plan.call.cache?.similar !== undefined, `P16 ${where}: no similar question will do`);
    const of = `${namespaceOf(run, task, where)} ${promptHash}`;
    const question = this.#questions.get(key) ?? { of, prompt, as: asOthers(task), answers: [] };
    this.#questions.set(key, question);
    check(question.of === of, `P16 ${where}: ${question.of} was asked under the key of ${of}`);
    const asking = this.#asking.get(key) ?? [];
    // What it has compared first, it has asked before.
    const isKnown = asking.some((other) => other.run === run && other.task === task && other.compares);
    const last = asking.at(-1);
    if (last !== undefined && !last.over && (compares || !isKnown)) {
      const what = `${where}: task ${last.task.plan.name} of run ${last.run.name} is asking the same`;
      check(last.task !== task, `P16 ${what}: it is this one`);
      // Who has waited for as long as its own call may take asks for itself.
      if (!last.run.stuck) this.#clock.notEarly(at, task.since, task.plan.timeoutSeconds, what, 'P16');
    }
    const others = asking.filter((other) => !other.over && !(other.run === run && other.task === task));
    this.#asking.set(key, [...others, { run, task, compares, over: false }]);
  }

  #found(run: Run, task: Task, { data }: SeenFact, where: string): void {
    const { cacheKey: key, result, bill, like } = data as Readonly<Record<string, unknown>>;
    this.#count(run, { cacheHits: 1, cacheMisses: 0 });
    const asked = this.#questions.get(String(key));
    const question =
      like === undefined ? asked : this.#questions.get(String((like as { readonly hash: unknown }).hash));
    const by = namespaceOf(run, task, where);
    check(question?.of.startsWith(`${by} `) === true, `P16 ${where}: nobody of ${by} has asked that`);
    // Between the look and the commit another one may have been given.
    check(
      question.answers.some((answer) => isDeepStrictEqual(answer, result)),
      `P16 ${where}: another answer is kept`,
    );
    this.similar.found(run, task, { asked, question, data }, where);
    check(this.similar.isPaid(task, bill), `P16 ${where}: what was found is on a bill`);
  }

  #kept(task: Task, key: string, value: unknown, where: string): void {
    const question = this.#questions.get(key);
    check(task.plan.call.cache !== undefined, `P16 ${where}: its answers are not to be kept`);
    // A budget may have chosen another model than the one that was looked for: that is kept where somebody has asked it.
    question?.answers.push(value);
  }

  #ended(run: Run, task: Task): void {
    for (const asking of this.#asking.values())
      for (const asker of asking) if (asker.run === run && asker.task === task) asker.over = true;
  }

  #count(
    { name }: Run,
    { cacheHits, cacheMisses }: { readonly cacheHits: number; readonly cacheMisses: number },
  ): void {
    const before = this.#counts.get(name) ?? { cacheHits: 0, cacheMisses: 0 };
    const after = { cacheHits: before.cacheHits + cacheHits, cacheMisses: before.cacheMisses + cacheMisses };
    this.#counts.set(name, after);
  }
}

/** True of an answer that was found and not asked for. */
export function isHit({ type, data }: Pick<SeenFact, 'type' | 'data'>): boolean {
  return type === 'task_completed' && data['cacheHit'] === true;
}

/** Who shares answers with a task. Nobody does whose document does not say so. */
function namespaceOf({ facts: [start] }: Run, { plan }: Task, where: string): string {
  const { cache } = plan.call;
  check(cache !== undefined, `P16 ${where}: its answers are not to be kept`);
  return cache.namespace === undefined ? `workflow ${String(start?.data['workflow'])}` : `namespace ${cache.namespace}`;
}
