/**
 * What a run has of the budgets above its own: blocks of money that shared budgets lend it, out of which its calls are
 * paid. Pure: the budget of a run holds it, and sends what it says. The other side is `machines/shared-budget.ts`.
 *
 * A1. A call is paid from every budget above, or from none: all lend first, one after the other, in the order in which
 *     they stand. That order is the same for all runs (the nearest first), and who has to wait for one has given back what
 *     is free of those behind it: so nobody waits for somebody who waits for him.
 * A2. What was lent is held until it is said to be spent or given back. Nothing is said of a call that is under way.
 * A3. Money of a day or a month that is over is spent on no new call: it goes back.
 */
import type { AsksBudget, ReportsToBudget, SaysFarewell } from '../../machines/shared-budget.ts';
import type { NanoDollars } from './money.ts';
import type { CallNeed } from './reservation.ts';

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
  /** Calls that were granted less than they need. */
  readonly short?: readonly { readonly call: string; readonly nanos: NanoDollars }[];
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
export function paidAbove(above: Above, on: string, { need, least }: CallNeed): NanoDollars | undefined {
  let paid: NanoDollars = need;
  for (const upstream of above.upstreams) {
    const block = blockOf(above, idOn(upstream, on));
    if (!pays(block, { need, least })) return undefined;
    paid = Math.min(paid, freeOf(block));
  }
  return paid;
}

/** A call begins. */
export function reservedAbove(above: Above, on: string, call: string, need: NanoDollars, nanos: NanoDollars): Above {
  const ids = above.upstreams.map((upstream) => idOn(upstream, on));
  const blocks = above.blocks.map((block) => {
    if (!ids.includes(block.id)) return block;
    const { last: _, ...rest } = block;
    return { ...rest, reserved: block.reserved + nanos };
  });
  return { ...above, blocks, ...(nanos < need ? { short: [...(above.short ?? []), { call, nanos }] } : {}) };
}

/** A call has ended that began on a date. */
export function settledAbove(
  above: Above,
  on: string,
  call: string,
  { reserved, spent }: { readonly reserved: NanoDollars; readonly spent: NanoDollars },
): Above {
  const ids = above.upstreams.map((upstream) => idOn(upstream, on));
  const blocks = above.blocks.map((block) =>
    ids.includes(block.id) ? { ...block, reserved: block.reserved - reserved, spent: block.spent + spent } : block,
  );
  return withoutShort({ ...above, blocks }, call);
}

/** What a call was granted that leaves before it began. */
export function grantedTo({ short = [] }: Above, call: string, need: NanoDollars): NanoDollars {
  return short.find((one) => one.call === call)?.nanos ?? need;
}

/** A shared budget has lent something. */
export function lentTo(
  above: Above,
  { from, nanos, tight }: { readonly from: string; readonly nanos: NanoDollars; readonly tight?: true },
): Above {
  const { asking, ...rest } = above;
  const { tight: _, last: __, ...block } = blockOf(above, from);
  const isAnswer = asking?.to === from;
  const lent: Block = {
    ...block,
    held: block.held + nanos,
    ...(tight === true ? { tight } : {}),
    ...(isAnswer && nanos < asking.need ? { last: true } : {}),
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
  const current = upstreams.map((upstream) => idOn(upstream, on));
  const isWanted = waiting > 0 && !closed;
  const { asking: asked, ...rest } = before;
  const left = asked !== undefined && (!isWanted || !current.includes(asked.to)) ? asked.to : undefined;
  const kept = left === undefined ? asked : undefined;
  const isFree = isWanted && kept === undefined && head !== undefined;
  const next = isFree ? current.find((id) => !pays(blockOf(before, id), head)) : undefined;
  const asking = isFree && next !== undefined ? { to: next, need: head.need, least: head.least } : kept;
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
      const { need, least } = asking;
      said.push({ run: id, event: { type: 'fermata.budget.ask', run, need, least, spent, released, ...own } });
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

function pays(block: Block, call: CallNeed): boolean {
  const free = freeOf(block);
  return free >= call.need || (block.last === true && free >= call.least);
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

function withoutShort(above: Above, call: string): Above {
  const { short, ...rest } = above;
  const others = short?.filter((one) => one.call !== call) ?? [];
  return others.length === 0 ? rest : { ...rest, short: others };
}
