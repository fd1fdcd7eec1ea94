/** R11: big values are stored once. R3: and not once a turn. */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { openRuntime, type RuntimeSetup } from '../harness/runtime.ts';
import { watching } from './stores.ts';

const big = 'x'.repeat(65_000);

/** Keeps a big text and counts, so that every turn writes its row anew. */
const keeping = setup({
  types: {} as {
    context: { text: string; more: string[]; count: number };
    events: { type: 'COUNT' } | { type: 'ADD'; text: string } | { type: 'DROP' };
  },
}).createMachine({
  context: { text: big, more: [], count: 0 },
  on: {
    COUNT: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    ADD: { actions: assign({ more: ({ context, event }) => [...context.more, event.text] }) },
    DROP: { actions: assign({ text: '', more: [] }) },
  },
});

/** A runtime that knows which big values its store holds. */
async function open(machines: RuntimeSetup['machines'] = { 'keeping@1': keeping }) {
  const held = new Map<string, Set<string>>();
  const under = await openRuntime({
    machines,
    wrap: watching(({ runs }) => {
      for (const { blobs, blobsGone } of runs) {
        for (const { hash, holder } of blobs) held.set(hash, (held.get(hash) ?? new Set()).add(holder));
        for (const { hash, holder } of blobsGone) held.get(hash)?.delete(holder);
      }
    }),
  });
  return {
    under,
    held: () => [...held.values()].filter(({ size }) => size > 0).length,
  };
}

describe('R3, R11: big values', () => {
  it('a state that is rewritten 100 times leaves nothing of its old versions', async () => {
    const { under, held } = await open();
    const { runId } = await under.runtime.start('keeping');
    const first = held();
    for (let i = 0; i < 50; i++) await under.runtime.send(runId, { type: 'COUNT' });
    await under.restart();
    for (let i = 0; i < 50; i++) await under.runtime.send(runId, { type: 'COUNT' });
    expect(held()).toBe(first);
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ text: big, more: [], count: 100 });
  });

  it.each(['in the same turn', 'in a later one'])(
    'a child that is begun anew %s leaves nothing of the earlier ones',
    async (when) => {
      // Another text each time: one and the same would be stored once anyway.
      const kid = setup({
        types: {} as { context: { text: string }; input: { n: number } },
      }).createMachine({ context: ({ input }) => ({ text: `${input.n} `.repeat(30_000) }) });
      const parent = setup({
        types: {} as { context: { n: number }; events: { type: 'AGAIN' } | { type: 'LEAVE' } | { type: 'BACK' } },
        actors: { kid },
      }).createMachine({
        context: { n: 0 },
        initial: 'on',
        states: {
          on: {
            entry: assign({ n: ({ context }) => context.n + 1 }),
            invoke: { id: 'kid', src: 'kid', input: ({ context }) => ({ n: context.n }) },
            on: { AGAIN: { target: 'on', reenter: true }, LEAVE: 'off' },
          },
          off: { on: { BACK: 'on' } },
        },
      });
      const { under, held } = await open({ 'parent@1': parent });
      const { runId } = await under.runtime.start('parent');
      const before = held();
      for (let i = 0; i < 20; i++) {
        for (const type of when === 'in the same turn' ? ['AGAIN'] : ['LEAVE', 'BACK'])
          await under.runtime.send(runId, { type });
        if (i === 10) await under.restart();
      }
      expect(held()).toBe(before);
    },
  );

  it('what an event brought stays in the journal when the state lets go of it', async () => {
    const { under } = await open();
    const { runId } = await under.runtime.start('keeping');
    const text = 'y'.repeat(40_000);
    await under.runtime.send(runId, { type: 'ADD', text });
    const { seq } = await under.runtime.read(runId);
    await under.runtime.send(runId, { type: 'DROP' });
    await under.restart();
    expect((await under.runtime.snapshot(runId)).snapshot.context).toEqual({ text: '', more: [], count: 0 });
    expect((await under.runtime.snapshot(runId, { at: seq })).snapshot.context).toEqual({
      text: big,
      more: [text],
      count: 0,
    });
    expect((await under.runtime.journal(runId)).find(({ type }) => type === 'ADD')?.data).toMatchObject({ text });
  });
});

describe('R4: a run that begins with 10 MB', () => {
  it('is committed whole: whoever finds it finds its actor', async () => {
    const groups: number[] = [];
    const under = await openRuntime({
      machines: { 'keeping@1': keeping },
      wrap: watching(({ runs }) => {
        for (const { origin, actors } of runs) if (origin !== undefined) groups.push(actors.length);
      }),
    });
    const { runId } = await under.runtime.start('keeping', { input: { huge: 'z'.repeat(10_000_000) } });
    expect(groups).toEqual([1]);
    await under.restart();
    await under.runtime.send(runId, { type: 'COUNT' });
    expect((await under.runtime.snapshot(runId)).snapshot.context).toMatchObject({ count: 1 });
  });
});
