/**
 * What a run has of the budgets above its own: blocks of money that shared budgets lend it, out of which its calls are
 * paid. Pure: the budget of a run holds it, and sends what it says. The other side is `machines/shared-budget.ts`.
 *
 * A1. A call is paid from every budget above, or from none: all lend first, one after the other, in the order in which
 *     they stand. That order is the same for all runs (the nearest first), and who has to wait for one has given back what
 *     is free of those behind it: so nobody waits for somebody who waits for him.
 * A2. What was lent is held until it is said to be spent or given back. Nothing is said of a call that is under way.
 * A3. Money of a day or a month that is over is spent on no new call: it goes back.
 * A4. A call that leaves before it heard of its grant gives back to the budgets of the day on which it was granted. It does
 *     not know which that was, and there is no list of grants (R3): so those are listed that one could take for others.
 * A5. Who asks anew where it has left hears first what was said to its older question, and then that it has left. What comes
 *     before that is no answer: taken for one, the new question would be forgotten here and granted there, to nobody.
 */
import type { AsksBudget, ReportsToBudget, SaysFarewell } from '../../machines/shared-budget.ts';
import type { NanoDollars } from './money.ts';
import { needWithin, type CallNeed } from './reservation.ts';

/** A shared budget, as those know it that are paid from it. */
export interface Upstream {
  /** Id of the run that keeps it, without its period. */
  readonly id: string;
  /** It begins anew with each; absent: never. */
  readonly per?: 'day' | 'month';
  /** Where it stands in no configuration: it is the budget of a run for all that it begins. */
  readonly limit?: NanoDollars;
  readonly warnAt?: NanoDollars;
}

/** What one shared budget has lent. */
export interface Block {
  /** Id of the run that keeps it. */
  readonly id: string;
  /** What was lent and is not known there to be spent or free. */
  readonly held: NanoDollars;
  /** Of it what calls have cost that have ended. */
  readonly spent: NanoDollars;
  /** Of it what calls can cost that are under way. */
  readonly reserved: NanoDollars;
  /** Others wait for money there: what is free goes back at once. */
  readonly tight?: true;
  /** It was less than was asked for: there is no more. */
  readonly last?: true;
  /** It was less than was asked for, and is for a lesser model: there is not enough for the other. */
  readonly lesser?: true;
}

/** What the budget of a run knows of those above it. */
export interface Above {
  /** Id of the run. */
  readonly run: string;
  /** The nearest first. */
  readonly upstreams: readonly Upstream[];
  readonly blocks: readonly Block[];
  /** It has asked, and waits for the answer. */
  readonly asking?: { readonly to: string } & CallNeed;
  /** Those that were asked and then not any more, and have not said that they know: what they may have lent meanwhile comes before. */
  readonly leaving?: readonly string[];
  /** The day on which those calls under way were granted that are not set apart. */
  readonly since?: string;
  /** Calls that were granted less than they need, or on another day, while those of the day before are under way. */
  readonly apart?: readonly Grant[];
}

/** What a call was granted. */
interface Grant {
  /** `TASK/CALL`. */
  readonly call: string;
  readonly nanos: NanoDollars;
  /** The UTC date. */
  readonly on: string;
}

/** What a run says to shared budgets. */
export interface Said {
  readonly run: string;
  readonly event: AsksBudget | ReportsToBudget | SaysFarewell;
}

/** How things stand after an event. */
export interface Standing {
  /** The UTC date: `2026-11-22`. */
  readonly on: string;
  /** Calls that wait. */
  readonly waiting: number;
  /** The one among them that is to be paid for next. */
  readonly head: CallNeed | undefined;
  /** Nothing is under way, and has not been for a while. */
  readonly idle: boolean;
  /** Nobody gets anything any more. */
  readonly closed: boolean;
}

/** Id of the run that keeps a shared budget at a date. */
export function idOn({ id, per }: Upstream, on: string): string {
  if (per === undefined) return id;
  return `${id}:${per === 'day' ? on : on.slice(0, 'yyyy-mm'.length)}`;
}

/** How much of its need all above pay for now; undefined where one has to be asked first. */
export function paidAbove(above: Above, on: string, call: CallNeed): NanoDollars | undefined {
  const { paid, unpaidBy } = paidInTurn(above, idsOn(above, on), call);
  return unpaidBy === undefined ? paid.need : undefined;
}

/** Who is to be asked next, and for what: for no more than those before it pay. */
function paidInTurn(
  above: Above,
  ids: readonly string[],
  call: CallNeed,
): { readonly paid: CallNeed; readonly unpaidBy?: string } {
  let paid = call;
  for (const id of ids) {
    const block = blockOf(above, id);
    if (!pays(block, paid)) return { paid, unpaidBy: id };
    paid = needWithin(paid, freeOf(block));
  }
  return { paid };
}

/** A call begins. */
export function reservedAbove(above: Above, on: string, call: string, need: NanoDollars, nanos: NanoDollars): Above {
  const ids = idsOn(above, on);
  const blocks = above.blocks.map((block) => {
    if (!ids.includes(block.id)) return block;
    const { last: _, lesser: __, ...rest } = block;
    return { ...rest, reserved: block.reserved + nanos };
  });
  const since = sinceOf(above, on);
  const isApart = nanos < need || !isSame(idsOn(above, since), ids);
  return { ...above, blocks, since, ...(isApart ? { apart: [...(above.apart ?? []), { call, nanos, on }] } : {}) };
}

/** The day of those that are not set apart: a new one once nothing is under way that the old one pays alone. */
function sinceOf(above: Above, on: string): string {
  const { since = on, blocks } = above;
  const now = idsOn(above, on);
  const before = idsOn(above, since).filter((id) => !now.includes(id));
  return blocks.some(({ id, reserved }) => reserved > 0 && before.includes(id)) ? since : on;
}

/** A call has ended that began on a date. */
export function settledAbove(
  above: Above,
  on: string,
  call: string,
  { reserved, spent }: { readonly reserved: NanoDollars; readonly spent: NanoDollars },
): Above {
  const ids = idsOn(above, on);
  const blocks = above.blocks.map((block) =>
    ids.includes(block.id) ? { ...block, reserved: block.reserved - reserved, spent: block.spent + spent } : block,
  );
  return withoutApart({ ...above, blocks }, call);
}

/** What a call was granted that leaves before it began, and on which day. */
export function grantedTo(
  { apart = [], since }: Above,
  call: string,
  { need, on }: { readonly need: NanoDollars; readonly on: string },
): Omit<Grant, 'call'> {
  return apart.find((one) => one.call === call) ?? { nanos: need, on: since ?? on };
}

/** True where what a shared budget says answers the question that was asked last (A5). */
export function isAnswered({ asking, leaving = [] }: Above, from: string): boolean {
  return asking?.to === from && !leaving.includes(from);
}

/** A shared budget has lent something. */
export function lentTo(
  above: Above,
  { from, nanos, tight }: { readonly from: string; readonly nanos: NanoDollars; readonly tight?: true },
): Above {
  const { asking, ...rest } = above;
  const { tight: _, last: __, lesser: ___, ...block } = blockOf(above, from);
  const isAnswer = isAnswered(above, from);
  const isForLesser = asking?.lesser?.needs.includes(nanos) === true;
  const lent: Block = {
    ...block,
    held: block.held + nanos,
    ...(tight === true ? { tight } : {}),
    ...(isAnswer && asking !== undefined && nanos < asking.need
      ? isForLesser
        ? { lesser: true }
        : { last: true }
      : {}),
  };
  const blocks = [...above.blocks.filter(({ id }) => id !== from), lent];
  return { ...rest, blocks, ...(asking === undefined || isAnswer ? {} : { asking }) };
}

/** Others wait for what a shared budget has lent. */
export function recalled(above: Above, from: string): Above {
  return { ...above, blocks: above.blocks.map((block) => (block.id === from ? { ...block, tight: true } : block)) };
}

/** A shared budget knows that it is not asked any more. */
export function leftBy(above: Above, from: string): Above {
  const { leaving = [], ...rest } = above;
  const at = leaving.indexOf(from);
  const others = at === -1 ? leaving : leaving.toSpliced(at, 1);
  return others.length === 0 ? rest : { ...rest, leaving: others };
}

/** Its question was answered: there is nothing. */
export function withoutAsking({ asking: _, ...above }: Above): Above {
  return above;
}

/** Who is asked, and what goes back, after an event. */
export function tidied(before: Above, standing: Standing): { readonly above: Above; readonly said: readonly Said[] } {
  const { run, upstreams } = before;
  const { on, waiting, head, idle, closed } = standing;
  const current = idsOn(before, on);
  const isWanted = waiting > 0 && !closed;
  const { asking: asked, ...rest } = before;
  const left = asked !== undefined && (!isWanted || !current.includes(asked.to)) ? asked.to : undefined;
  const kept = left === undefined ? asked : undefined;
  const { paid, unpaidBy: next } =
    isWanted && kept === undefined && head !== undefined ? paidInTurn(before, current, head) : {};
  const asking = paid !== undefined && next !== undefined ? { to: next, ...paid } : kept;
  const asks = asking === undefined ? current.length : current.indexOf(asking.to);
  const goesBack = ({ id, tight }: Block): boolean => {
    const at = current.indexOf(id);
    // What is asked of one behind it is kept: else two could take from each other for ever what each needs both of.
    return closed || at === -1 || at >= asks || (!isWanted && idle) || (tight === true && asking === undefined);
  };
  const said: Said[] = [];
  const blocks: Block[] = [];
  for (const id of new Set([...before.blocks.map((block) => block.id), ...[left, next].filter(isSaid)])) {
    const block = blockOf(before, id);
    const {
      spent,
      released,
      rest: stays,
    } = goesBack(block) ? givenBack(block) : { spent: 0, released: 0, rest: block };
    if (stays.held > 0 || stays.reserved > 0 || stays.spent > 0) blocks.push(stays);
    if (id === next && asking !== undefined) {
      const { limit, warnAt } = upstreams[current.indexOf(id)] ?? {};
      const own = limit === undefined ? {} : { limit, ...(warnAt === undefined ? {} : { warnAt }) };
      const { to: _, ...need } = asking;
      said.push({ run: id, event: { type: 'fermata.budget.ask', run, ...need, spent, released, ...own } });
    } else if (id === left || spent + released > 0) {
      const leaves = id === left ? { leaves: true as const } : {};
      said.push({ run: id, event: { type: 'fermata.budget.report', run, spent, released, ...leaves } });
    }
  }
  const leaving = left === undefined ? before.leaving : [...(before.leaving ?? []), left];
  const above: Above = {
    ...rest,
    blocks,
    ...(asking === undefined ? {} : { asking }),
    ...(leaving === undefined ? {} : { leaving }),
  };
  return { above, said };
}

/** What is said when the run ends: all that it has goes back. What is under way then may have been billed, and is spent. */
export function farewellsOf({ run, blocks, asking, leaving = [] }: Above): readonly Said[] {
  const ids = new Set([...blocks.map(({ id }) => id), ...(asking === undefined ? [] : [asking.to]), ...leaving]);
  return [...ids].map((id) => {
    const { spent, reserved } = blocks.find((block) => block.id === id) ?? NOTHING;
    return { run: id, event: { type: 'fermata.budget.farewell', run, spent: spent + reserved } };
  });
}

const NOTHING = { held: 0, spent: 0, reserved: 0 } as const;

function blockOf({ blocks }: Above, id: string): Block {
  return blocks.find((block) => block.id === id) ?? { id, ...NOTHING };
}

function freeOf({ held, spent, reserved }: Block): NanoDollars {
  return held - spent - reserved;
}

function pays({ last, lesser, ...block }: Block, call: CallNeed): boolean {
  const free = freeOf(block);
  if (free >= call.need || (last === true && free >= call.least)) return true;
  return lesser === true && call.lesser?.needs.some((need) => need <= free) === true;
}

function idsOn({ upstreams }: Pick<Above, 'upstreams'>, on: string): readonly string[] {
  return upstreams.map((upstream) => idOn(upstream, on));
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.every((id, at) => id === others[at]);
}

/** A provider may have taken more than was lent: no more than that can be released. */
function givenBack(block: Block): {
  readonly spent: NanoDollars;
  readonly released: NanoDollars;
  readonly rest: Block;
} {
  const { id, held, spent, reserved, tight } = block;
  const released = Math.max(0, held - reserved);
  return {
    spent,
    released,
    rest: { id, held: held - released, spent: 0, reserved, ...(tight === true ? { tight } : {}) },
  };
}

function isSaid(id: string | undefined): id is string {
  return id !== undefined;
}

function withoutApart(above: Above, call: string): Above {
  const { apart, ...rest } = above;
  const others = apart?.filter((one) => one.call !== call) ?? [];
  return others.length === 0 ? rest : { ...rest, apart: others };
}
