/** R4: a group may close between any two turns; the rest of the cascade is a row of its commit and comes first in the next. */
import { expect, it } from 'vitest';
import { openRuntime } from '../harness/runtime.ts';
import { pingPong } from './conformance/messages.ts';
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
