/** A machine of somebody's own in a world: events from outside, a call that may fail, timers. */
import { fromPromise, setup } from 'xstate';
import { FermataError } from '../../src/errors.ts';
import type { World } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/random.ts';

const HOUR = 3_600_000;

/** Ends `shipped` where it was paid and charged, and `forgotten` after an hour without that. */
export const order = setup({ actors: { charge: fromPromise(async () => 'charged') } }).createMachine({
  initial: 'unpaid',
  states: {
    unpaid: { on: { paid: 'charging' }, after: { [HOUR]: 'forgotten' } },
    charging: { invoke: { src: 'charge', onDone: 'packing', onError: 'unpaid' } },
    packing: { after: { 60_000: 'shipped' } },
    shipped: { type: 'final' },
    forgotten: { type: 'final' },
  },
});

/** Starts an order and pays it, perhaps, and perhaps twice with the same event. */
export async function buyer(world: World, random: Random): Promise<string> {
  const run = await world.start('order', { key: 'order' });
  for (let left = random.between(0, 4); left > 0; left--) {
    await world.advance(random.pick([0, 100, 60_000, HOUR]));
    const paid = { type: 'paid', id: `paid ${random.between(1, 2)}` };
    await Promise.all([world.send(run, paid), world.send(run, paid)]).catch((thrown: unknown) => {
      if (!(thrown instanceof FermataError) || thrown.status >= 500) throw thrown;
    });
  }
  return run;
}

/** After all faults: it has ended as it had to, and each event was taken once. */
export async function assertOrder(world: World, run: string): Promise<void> {
  const { state, status } = await world.run(run);
  const entries = await world.fermata.runtime.journal(run, { limit: 100_000 });
  const taken = entries.flatMap(({ kind, type, data }) =>
    kind === 'event' && type === 'paid' ? [(data as { readonly id: string }).id] : [],
  );
  const isCharged = world.trace.seen.some((seen) => seen.kind === 'answer' && seen.call.run === run);
  const faults = [
    ...(status === 'completed' ? [] : [`it is ${status}`]),
    ...(new Set(taken).size === taken.length ? [] : [`it took ${taken.join(', ')}`]),
    ...(state === 'shipped' && !isCharged ? ['it is shipped and was never charged'] : []),
    ...(taken.length === 0 && state !== 'forgotten' ? [`it is ${String(state)} and was never paid`] : []),
  ];
  if (faults.length > 0)
    throw new FermataError('simulationFailed', `Order ${run}: ${faults.join('; ')}.\n${world.trace.lines.join('\n')}`);
}
