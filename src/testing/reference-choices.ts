/** What may be observed of choices among models (P17): part of the reference model. */
import type { BilledCall } from '../../machines/task/bill.ts';
import type { SeenFact } from './observation.ts';
import { check, type Run, type Task } from './reference-run.ts';

/** How much dearer than the cheapest a `balanced` choice may be. */
const FACTOR = 5;

interface Candidate {
  readonly model: string;
  readonly expectedCostDollars?: number;
  readonly leftOut?: string;
}

interface Choice extends Candidate {
  readonly attempt: number;
  readonly optimize?: string;
  readonly reason: string;
  readonly candidates: readonly Candidate[];
}

/** The choices of all runs. */
export class ChoicesModel {
  /** Of each task, by run and task. */
  readonly #chosen = new Map<string, Choice[]>();

  /** A task says whom it asks. */
  chosen(run: Run, { plan, status, attempt }: Task, { data }: SeenFact, where: string): void {
    const choice = data as unknown as Choice;
    const of = `${run.name}/${plan.name}`;
    const before = this.#chosen.get(of) ?? [];
    check(status === 'running' && choice.attempt === attempt, `P17 ${where}: it is ${status} at attempt ${attempt}`);
    check(before.at(-1)?.attempt !== attempt, `P17 ${where}: it has chosen for this attempt`);
    for (const { model, leftOut } of choice.candidates) {
      const hasFailed = before.some((one) => one.model === model);
      check(leftOut !== 'failed' || hasFailed, `P17 ${where}: ${model} has not failed`);
    }
    const open = choice.candidates.filter(({ leftOut }) => leftOut === undefined);
    const own = open.find(({ model }) => model === choice.model);
    check(own !== undefined, `P17 ${where}: ${choice.model} is left out`);
    const wanted = bestOf(open, choice.optimize);
    const byMoney = choice.reason === 'budget';
    check(byMoney || wanted === own, `P17 ${where}: ${wanted?.model} is the one to ask`);
    this.#chosen.set(of, [...before, choice]);
  }

  /** Who was chosen is who is paid. */
  billed(run: Run, { type, data }: SeenFact, where: string): void {
    const { task, bill = [] } = data as { readonly task?: string; readonly bill?: readonly BilledCall[] };
    const last = this.#chosen.get(`${run.name}/${task}`)?.at(-1);
    if (last === undefined || type === 'model_chosen') return;
    for (const { call, model } of bill)
      check(call !== 'call' || model === last.model, `P17 ${where}: ${model} is paid, and ${last.model} was chosen`);
  }
}

/** The list is ranked, the best first. */
function bestOf(open: readonly Candidate[], optimize: string | undefined): Candidate | undefined {
  const cost = ({ expectedCostDollars = Infinity }: Candidate): number => expectedCostDollars;
  const cheapest = Math.min(...open.map(cost));
  switch (optimize) {
    case 'minimizeCost':
      return open.find((one) => cost(one) === cheapest);
    case 'balanced':
      // In whole nano-dollars, as they are decided.
      return open.find((one) => Math.round(cost(one) * 1e9) <= FACTOR * Math.round(cheapest * 1e9));
    default:
      return open[0];
  }
}
