/** R4: a group may close between any two turns; the rest of the cascade is a row of its commit and comes first in the next. */
import { expect, it } from 'vitest';
import type { FermataError } from '../../src/errors.ts';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { pingPong } from './conformance/messages.ts';
import { counter } from './machines.ts';
import { watching } from './stores.ts';

it('R4: with maxTurnsOfGroup 1 every commit holds one turn, and the cascade goes on in the next', async () => {
  const turns: number[] = [];
  const counting = watching(({ runs }) => {
    for (const { entries } of runs) turns.push(entries.filter(({ kind }) => kind === 'event').length);
  });
  const under = await openRuntime({ machines: { 'pingPong@1': pingPong }, maxTurnsOfGroup: 1, wrap: counting });
  const { runId } = await under.runtime.start('pingPong');
  await under.runtime.send(runId, { type: 'SERVE' });
  await under.settle();
  const taken = await under.runtime.journal(runId, { kind: 'event' });
  expect(taken.length).toBeGreaterThan(20);
  expect(turns.filter((count) => count > 0)).toEqual(taken.map(() => 1));
});

it.each([
  ['refused', { type: 'UNKNOWN' }, {}, 'eventNotAccepted'],
  ['taken before', { type: 'ADD' }, { id: 'known' }, 'nothing'],
])(
  'three thousand requests of one run that are %s are answered in slices, in order: others go on between them',
  async (_, event, options, code) => {
    const under = await openRuntime({ machines: { 'counter@1': counter } });
    const { runId } = await under.runtime.start('counter');
    await under.runtime.send(runId, { type: 'ADD' }, { id: 'known' });
    const answered: { readonly at: number; readonly number: number; readonly code: string }[] = [];
    let turnOfLoop = 0;
    const asked = Array.from({ length: 3_000 }, async (__, number) => {
      const found = await under.runtime.send(runId, event, options).then(
        () => 'nothing',
        (thrown: FermataError) => thrown.code,
      );
      answered.push({ at: turnOfLoop, number, code: found });
    });
    while (answered.length < asked.length) {
      await turnsOfTheLoop(1);
      turnOfLoop++;
    }
    expect(new Set(answered.map((one) => one.code))).toEqual(new Set([code]));
    expect(answered.map(({ number }) => number)).toEqual(asked.map((__, number) => number));
    const atOnce = [...Map.groupBy(answered, ({ at }) => at).values()].map(({ length }) => length);
    expect(Math.max(...atOnce)).toBeLessThanOrEqual(200);
  },
);
