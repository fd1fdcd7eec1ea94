/** Runs of databases that earlier versions wrote, on earlier machines, are forked as any other. */
import { expect, it } from 'vitest';
import { fork } from '../../src/document/fork/request.ts';
import { reusedOf } from '../../src/document/fork/record.ts';
import { copyOf, expectedOf, sets } from '../golden/sets.ts';
import { openWorld } from '../golden/world.ts';

it.each(sets)('%s: what an old machine has found is taken over by the new one', async (set) => {
  const { now } = expectedOf(set);
  let ids = 0;
  const newId = (): string => `z-fork-${++ids}`;
  const world = await openWorld(copyOf(set), { now, answering: true, newId });
  try {
    const { runtime } = world.fermata;
    const runs = await runtime.list({ limit: 1_000, status: 'completed' });
    // What was cancelled is worked out anew, and what follows it.
    const counted = runs.filter(
      ({ workflow, counts }) => workflow !== undefined && (counts['completed'] ?? 0) > 0 && !counts['cancelled'],
    );
    expect(counted.length).toBeGreaterThan(0);
    for (const { runId, facts, output, machine } of counted) {
      expect(machine).toMatch(/^workflow@/);
      const next = await fork(world.fermata, runId, { point: { atSeq: facts } });
      const ended = await runtime.waitFor(next.runId);
      expect(ended).toMatchObject({ status: 'completed', machine: 'workflow@2' });
      expect(ended.output).toEqual(output);
      const after = await runtime.tasks(next.runId, { limit: 1_000 });
      const isCompleted = ({ status }: { readonly status: string }): boolean => status === 'completed';
      const reused = after.filter(isCompleted).map((row) => [row.name, reusedOf(row)?.runId]);
      // Parts of a task that is taken over as a whole, and what forks took over themselves, are where they were worked out.
      const names = new Set(after.map(({ name }) => name));
      const before = (await runtime.tasks(runId, { limit: 1_000 })).filter(({ name }) => names.has(name));
      const found = before.filter(isCompleted).map((row) => [row.name, reusedOf(row)?.runId ?? runId]);
      expect(Object.fromEntries(reused)).toEqual(Object.fromEntries(found));
    }
  } finally {
    await world.close();
  }
});
