/** R4: a group may close between any two turns; the rest of the cascade is a row of its commit and comes first in the next. */
import { expect, it } from 'vitest';
import type { CommitGroup, Store } from '../../src/store/store.ts';
import { openRuntime } from '../harness/runtime.ts';
import { pingPong } from './conformance/messages.ts';

it('R4: with maxTurnsOfGroup 1 every commit holds one turn, and the cascade goes on in the next', async () => {
  const turns: number[] = [];
  const counting = (store: Store): Store =>
    new Proxy(store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...given: unknown[]): unknown => {
          if (name === 'commit')
            for (const { entries } of (given[0] as CommitGroup).runs)
              turns.push(entries.filter(({ kind }) => kind === 'event').length);
          return Reflect.apply(method, target, given);
        };
      },
    });
  const under = await openRuntime({ machines: { 'pingPong@1': pingPong }, maxTurnsOfGroup: 1, wrap: counting });
  const { runId } = await under.runtime.start('pingPong');
  await under.runtime.send(runId, { type: 'SERVE' });
  await under.settle();
  const taken = await under.runtime.journal(runId, { kind: 'event' });
  expect(taken.length).toBeGreaterThan(20);
  expect(turns.filter((count) => count > 0)).toEqual(taken.map(() => 1));
});
