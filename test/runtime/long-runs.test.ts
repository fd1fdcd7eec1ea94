/** R9: whoever looks into a long run lets the others go on meanwhile. */
import { expect, it } from 'vitest';
import { openRuntime } from '../harness/runtime.ts';
import { bouncing } from './machines.ts';

/** How often everything else that was due had its turn while the work went on. */
async function turnsOfOthers(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let goesOn = true;
  const next = (): void => {
    turns++;
    if (goesOn) setImmediate(next);
  };
  setImmediate(next);
  await work();
  goesOn = false;
  return turns;
}

it('R9: a snapshot as of an entry, and the turns of a run, are made in short steps', async () => {
  const { runtime } = await openRuntime({ machines: { 'bouncing@1': bouncing } });
  const { runId } = await runtime.start('bouncing');
  await runtime.send(runId, { type: 'SERVE' });
  await runtime.idle();
  const { seq } = await runtime.read(runId);
  expect(seq).toBeGreaterThan(5_000);
  let snapshot: unknown;
  const looking = await turnsOfOthers(async () => {
    ({ snapshot } = await runtime.snapshot(runId, { at: seq }));
  });
  expect(snapshot).toMatchObject({ context: { heard: 2_500 } });
  expect(looking).toBeGreaterThan(seq / 100);
  const following = await turnsOfOthers(async () => {
    for await (const turn of runtime.turns(runId)) if (turn.seq === seq) return;
  });
  expect(following).toBeGreaterThan(seq / 100);
});
