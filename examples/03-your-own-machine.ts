/**
 * A machine of your own, durable: kill the process at any moment, and the order goes on from there.
 *
 *   npx node examples/03-your-own-machine.ts
 */
import { createRuntime, sqliteStore } from 'fermata';
import { fromPromise, setup } from 'xstate';

const order = setup({ actors: { ship: fromPromise(async () => 'parcel 42') } }).createMachine({
  initial: 'unpaid',
  states: {
    unpaid: { on: { paid: 'shipping' }, after: { 604_800_000: 'forgotten' } }, // a week, restarts or not
    shipping: { invoke: { src: 'ship', onDone: 'shipped' } },
    shipped: { type: 'final' },
    forgotten: { type: 'final' },
  },
});
const runtime = await createRuntime({ store: sqliteStore('orders.db'), machines: { 'order@1': order } });
const { runId } = await runtime.start('order');
await runtime.send(runId, { type: 'paid' });
console.log((await runtime.waitFor(runId)).status, (await runtime.snapshot(runId)).snapshot.value);
await runtime.close();
