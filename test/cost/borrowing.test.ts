/** What a run has of shared budgets, where what it hears crosses what it says. */
import { expect, it } from 'vitest';
import {
  farewellsOf,
  isAnswered,
  leftBy,
  lentTo,
  tidied,
  type Above,
  type Standing,
} from '../../src/cost/borrowing.ts';

const DAY = 'budget:day';
const standing = (need?: number): Standing => ({
  on: '2026-11-22',
  waiting: need === undefined ? 0 : 1,
  head: need === undefined ? undefined : { need, least: 1 },
  idle: false,
  closed: false,
});

/** Asked for 10, then nothing was wanted any more, then asked for 50: the answer to the first question is still on its way. */
function askedTwice(): Above {
  const none: Above = { run: 'r', upstreams: [{ id: DAY }], blocks: [] };
  const first = tidied(none, standing(10)).above;
  const left = tidied(first, standing());
  expect(left.said).toEqual([
    { run: DAY, event: { type: 'fermata.budget.report', run: 'r', spent: 0, released: 0, leaves: true } },
  ]);
  const again = tidied(left.above, standing(50));
  expect(again.said).toMatchObject([{ run: DAY, event: { type: 'fermata.budget.ask', need: 50 } }]);
  return again.above;
}

it('what answers an older question is kept, and the new question stays asked', () => {
  const heard = lentTo(askedTwice(), { from: DAY, nanos: 10 });
  expect(heard.asking).toMatchObject({ to: DAY, need: 50 });
  // Not said to be all that there is: that is said of the answer alone.
  expect(heard.blocks).toEqual([{ id: DAY, held: 10, spent: 0, reserved: 0 }]);
  // Its run ends before the answer comes: what is granted meanwhile goes back.
  const over = tidied(leftBy(heard, DAY), { ...standing(), closed: true }).above;
  expect(farewellsOf(over).map(({ run, event }) => [run, event.type])).toEqual([[DAY, 'fermata.budget.farewell']]);
});

it('once the other side knows that it was left, what it says is the answer', () => {
  const asked = askedTwice();
  expect(isAnswered(asked, DAY)).toBe(false);
  const known = leftBy(asked, DAY);
  expect(isAnswered(known, DAY)).toBe(true);
  const heard = lentTo(known, { from: DAY, nanos: 20 });
  expect(heard.asking).toBeUndefined();
  expect(heard.blocks).toMatchObject([{ id: DAY, held: 20, last: true }]);
});
