/**
 * Whom a call of a task asks that may choose among several models. Pure: who may be asked, and what that is expected to
 * cost, was read where the task was made ready (R2); what the budget has left, the budget says in the same commit.
 *
 * H1. One choice for each attempt, made in the commit that begins it, and stated (`model_chosen`) in the one that begins
 *     its call. A repeat after a crash and an answer that has to be mended stay with their model.
 * H2. A failed attempt goes to the next one by the same rule, at once; when all have failed, to the first one again, after
 *     the back-off. Where a budget pays for none that has not failed, one that has is asked again.
 * H3. Under a budget the call asks first what fits (`fermata.budget.ask`), and then for that money. Where others were
 *     faster meanwhile it waits, and takes the best that its grant pays for; so it does where budgets of several runs,
 *     which nobody has asked yet, have too little: they are told what the others need.
 */
import { fitting, NO_FAILURES, preferred, type Failures } from '../../src/cost/choice.ts';
import { stated, type MoneyOfChoice } from '../../src/cost/choice-reason.ts';
import type { NanoDollars } from '../../src/cost/money.ts';
import { needOf, type CallNeed } from '../../src/cost/reservation.ts';
import { BUDGET_ADDRESS, OWN_CALL } from '../../src/document/budget.ts';
import type { PreparedModelCall } from '../../src/document/kinds/model.ts';
import type { ErrorData } from '../../src/errors.ts';
import { actionCreators } from '../action-creators.ts';
import type { AsksBudget } from '../budget.ts';
import { fact, send, type Enqueue } from '../reserved.ts';
import { about, type TaskContext } from './context.ts';
import type { TaskEvent } from './events.ts';
import { onlyAsks } from './outcome.ts';
import { boundsOf, isPaidFor } from './paying.ts';

const { assign, enqueueActions } = actionCreators<TaskContext, TaskEvent>();

/** What was decided for an attempt. */
export interface Choice extends Failures {
  /** Place of the model that is asked among the candidates. */
  readonly at: number;
  /** Its call has not begun. */
  readonly open?: true;
  /** What the budget said of it. */
  readonly money?: MoneyOfChoice;
}

/** A call that may choose. */
type Choosing = PreparedModelCall & Required<Pick<PreparedModelCall, 'candidates'>>;

/** Errors that are the model's own: another one may do better, and this one never will. */
const OF_THE_MODEL: ReadonlySet<string> = new Set(['modelRefused', 'invalidAnswer', 'providerMissing']);

function mayChoose(call: TaskContext['call'] | undefined): call is Choosing {
  return call?.kind === 'model' && call.candidates !== undefined;
}

/** Whom an attempt asks that begins now. */
export function chooses(context: TaskContext): Pick<TaskContext, 'call' | 'choice'> | Record<never, never> {
  const { call, repeatOf = null } = context;
  if (!mayChoose(call) || repeatOf !== null || onlyAsks(context)) return {};
  const failures = failuresOf(context);
  const [at] = preferred(call.candidates, call.optimize, failures);
  if (at === undefined) return {};
  // All of them have failed: who fails from here on has failed anew.
  const lately = failures.lately.includes(at) ? [] : failures.lately;
  return { call: asking(call, at), choice: { ...failures, lately, at, open: true } };
}

/** Who has failed, the model of the last attempt included. */
function failuresOf({ choice, error }: Pick<TaskContext, 'choice' | 'error'>): Failures {
  if (choice === undefined) return NO_FAILURES;
  const { at, lately, forGood } = choice;
  if (error === null) return { lately, forGood };
  return {
    lately: [...new Set([...lately, at])],
    forGood: isOfTheModel(error) ? [...new Set([...forGood, at])] : forGood,
  };
}

function isOfTheModel({ code, retry }: ErrorData): boolean {
  return retry === 'never' && OF_THE_MODEL.has(code);
}

/** True where this error ends the work of one model only: there is another one to ask. */
export function goesToAnother({ call, choice }: TaskContext, error: ErrorData): boolean {
  if (!mayChoose(call) || choice === undefined || !isOfTheModel(error)) return false;
  return call.candidates.some((_, at) => at !== choice.at && !choice.forGood.includes(at));
}

/** True where the attempt that has failed is followed by one with a model that has not. */
export function fallsBackAtOnce(context: TaskContext): boolean {
  const { call } = context;
  if (!mayChoose(call) || context.choice === undefined || context.error === null || onlyAsks(context)) return false;
  // One that was asked again for want of money is given time.
  if (context.choice.lately.includes(context.choice.at)) return false;
  const failures = failuresOf(context);
  const [next] = preferred(call.candidates, call.optimize, failures);
  return next !== undefined && !failures.lately.includes(next);
}

function asking(call: Choosing, at: number): PreparedModelCall {
  const { prices: _, cache: __, ...rest } = call;
  const { provider, model, prices, inputTokens, cache } = call.candidates[at] ?? call;
  return {
    ...rest,
    provider,
    model,
    ...(prices === undefined ? {} : { prices }),
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(cache === undefined ? {} : { cache }),
  };
}

/** Asks another one than the cache was asked for. Its answer is not kept: nobody has looked whether it is there already. */
function askingInstead(call: Choosing, at: number): PreparedModelCall {
  const { cache: _, ...rest } = asking(call, at);
  return rest;
}

/** A model that a call may take, and the most that it can cost with it. */
interface Option extends CallNeed {
  readonly at: number;
}

/** The models that an attempt may still take, whom to ask first at the beginning, with what each can cost. */
function options({ call, choice = { at: 0, ...NO_FAILURES } }: TaskContext): readonly Option[] {
  if (!mayChoose(call) || call.optimize === undefined) return [];
  return needsOf(call, preferred(call.candidates, call.optimize, choice));
}

/**
 * Those that have failed in this task while others have not, whom to ask first at the beginning. Without them a failure that
 * passes would end the run where the budget pays for none of the others.
 */
function lastResorts({ call, choice }: TaskContext): readonly Option[] {
  if (!mayChoose(call) || call.optimize === undefined || choice === undefined) return [];
  const { lately, forGood } = choice;
  const again = preferred(call.candidates, call.optimize, { lately: [], forGood });
  return needsOf(
    call,
    again.filter((at) => lately.includes(at)),
  );
}

function needsOf(call: Choosing, places: readonly number[]): readonly Option[] {
  return places.flatMap((at) => {
    const asked = asking(call, at);
    return asked.prices === undefined ? [] : [{ at, ...needOf(boundsOf(asked), asked.prices) }];
  });
}

/** True while it is to ask what fits. */
export function asksWhatFits(context: TaskContext): boolean {
  const { call, choice } = context;
  return isPaidFor(call) && choice?.open === true && choice.money === undefined && options(context).length > 1;
}

/** Asks what fits. The tasks to come are to have what this one would cost with the cheapest. */
export function askWhatFits(enqueue: Enqueue, { call, name }: TaskContext): void {
  if (!mayChoose(call)) return;
  const costs = call.candidates.flatMap(({ expectedNanos }) => expectedNanos ?? []);
  const each = costs.length === 0 ? 0 : Math.min(...costs);
  const event: AsksBudget = { type: 'fermata.budget.ask', task: name, call: OWN_CALL, each };
  send(enqueue, BUDGET_ADDRESS, { ...event });
}

/** What a call can do with instead that may still take another model. */
export function otherwise(context: TaskContext): Partial<Omit<CallNeed, 'need'>> {
  const { choice } = context;
  const found = choice?.open === true ? options(context) : [];
  const own = found.find(({ at }) => at === choice?.at);
  if (own === undefined) return {};
  const needs = [...new Set(found.map(({ need }) => need).filter((need) => need < own.need))];
  return {
    least: Math.min(...[...found, ...lastResorts(context)].map(({ least }) => least)),
    ...(needs.length === 0 ? {} : { lesser: { needs, kept: choice?.money?.kept ?? 0 } }),
  };
}

/** The best that a grant pays for: whole, else as short as its author allows; else one that has failed. */
export function paidChoice(context: TaskContext, nanos: NanoDollars): Partial<TaskContext> {
  const { call, choice } = context;
  if (!mayChoose(call) || choice?.open !== true) return {};
  const found = options(context);
  const own = found.find(({ at }) => at === choice.at);
  if (own === undefined || own.need <= nanos) return {};
  const paid = paidBy(nanos, found) ?? paidBy(nanos, lastResorts(context)) ?? own;
  return {
    ...(paid.at === choice.at ? {} : { call: askingInstead(call, paid.at) }),
    choice: {
      ...choice,
      at: paid.at,
      ...(paid.at === choice.at ? {} : { money: { left: nanos, kept: 0, granted: true } }),
    },
  };
}

function paidBy(nanos: NanoDollars, options: readonly Option[]): Option | undefined {
  const [shortest] = options.toSorted((one, other) => one.least - other.least);
  return options.find(({ need }) => need <= nanos) ?? (shortest && shortest.least <= nanos ? shortest : undefined);
}

/** What a task does about whom it asks. */
export const choosingActions = {
  takeFitting: assign(({ context, event }) => {
    const { call, choice } = context;
    if (event.type !== 'fermata.budget.fits' || !mayChoose(call) || choice === undefined) return {};
    const { left, kept } = event;
    const found = options(context);
    const at =
      found[
        fitting(
          found.map(({ need }) => need),
          left,
          kept,
        )
      ]?.at ?? choice.at;
    return {
      ...(at === choice.at ? {} : { call: askingInstead(call, at) }),
      choice: { ...choice, at, money: { left, kept } },
    };
  }),
  // On the way into the call: what it will be made with is certain here.
  stateChoice: enqueueActions(({ enqueue, context }) => {
    const { call, choice, attempt } = context;
    if (!mayChoose(call) || choice?.open !== true) return;
    const { open: _, money, ...kept } = choice;
    const { candidates, optimize } = call;
    const choosing = { candidates, optimize, failures: kept, money, at: kept.at };
    fact(enqueue, 'model_chosen', { ...about(context), attempt, ...stated(choosing) });
    enqueue.assign({ choice: kept });
  }),
};
