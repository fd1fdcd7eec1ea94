/** What may be observed of answers to similar questions (P16): part of the reference model. */
import type { BilledCall } from '../../machines/task/bill.ts';
import type { Observation, SeenCall, SeenFact } from './observation.ts';
import type { Question } from './reference-cache.ts';
import { check, type Run, type Task } from './reference-run.ts';

/** What stands for a prompt. */
export type VectorOf = (prompt: string) => readonly number[];

/** Vectors are kept with 32 bits a number. */
const ROUNDED = 0.000_01;
const COMPARES: ReadonlySet<string> = new Set(['compare', 'verify']);

/** An answer that was found, and between which questions. */
interface Found {
  readonly asked: Question | undefined;
  /** The one that it was given to. */
  readonly question: Question;
  readonly data: SeenFact['data'];
}

/** Similar questions of a world. */
export class SimilarModel {
  readonly #vectorOf: VectorOf | undefined;
  /** What was last said of what a task had found, by run and task. */
  readonly #verdicts = new Map<string, string>();
  /** Pairs of questions of which a judge has said that the answer to the one serves the other. */
  readonly #judged = new Set<string>();

  constructor(vectorOf: VectorOf | undefined) {
    this.#vectorOf = vectorOf;
  }

  /** A call leaves the process: nobody asks for vectors or verdicts of whom the document does not say so. */
  asked(run: Run, { src, task: name = '' }: SeenCall): void {
    if (!COMPARES.has(src)) return;
    const where = `${src} of run ${run.name}, task ${name}`;
    const similar = run.tasks.get(name)?.plan.call.cache?.similar;
    check(similar !== undefined, `P16 ${where}: no similar question will do`);
    check(src === 'compare' || similar.verify, `P16 ${where}: nobody is to judge`);
    this.#verdicts.delete(`${run.name}/${name}`);
  }

  answered({ call: { run, task, src }, value }: Extract<Observation, { kind: 'answer' }>): void {
    if (src === 'verify') this.#verdicts.set(`${run}/${task}`, String((value as { readonly text?: unknown }).text));
  }

  /** A task has found an answer. */
  found(run: Run, { plan }: Task, { asked, question, data }: Found, where: string): void {
    const { like, similarity } = data as {
      readonly like?: { readonly hash: string; readonly similarity: number; readonly verified: boolean };
      readonly similarity?: number;
    };
    if (like === undefined) return check((similarity ?? 1) === 1, `P16 ${where}: it is the very same question`);
    const { similar } = plan.call.cache ?? {};
    check(similar !== undefined, `P16 ${where}: no similar question will do`);
    check(like.similarity === similarity, `P16 ${where}: it says ${similarity}, and keeps ${like.similarity}`);
    check(similarity >= similar.threshold, `P16 ${where}: ${similarity} is below ${similar.threshold}`);
    check(asked?.as === question.as, `P16 ${where}: the questions differ in more than the prompt`);
    const near = this.#cosine(asked.prompt, question.prompt);
    check(Math.abs(near - similarity) < ROUNDED, `P16 ${where}: they are as like as ${near}, not ${similarity}`);
    check(like.verified || !similar.verify, `P16 ${where}: nobody has judged it`);
    if (!like.verified) return;
    const pair = `${String(data['cacheKey'])} ${like.hash}`;
    const verdict = this.#verdicts.get(`${run.name}/${plan.name}`);
    if (verdict !== undefined && /^yes/i.test(verdict)) this.#judged.add(pair);
    check(this.#judged.has(pair), `P16 ${where}: no judge has said yes`);
  }

  /** What was found costs nothing but the vector and the verdict. */
  isPaid({ plan }: Task, bill: unknown): boolean {
    const calls = (bill ?? []) as readonly BilledCall[];
    return calls.every(
      ({ call }) => plan.call.cache?.similar !== undefined && (call === 'embedding' || call === 'verify'),
    );
  }

  #cosine(one: string, other: string): number {
    const [a, b] = [one, other].map((prompt) => this.#vectorOf?.(prompt) ?? []);
    const dot = (x: readonly number[] = [], y: readonly number[] = []): number =>
      x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  }
}

/** All of a call that two similar questions have in common. */
export function asOthers({ plan: { call } }: Task): string {
  return JSON.stringify([call.system, call.temperature, call.responseFormat]);
}
