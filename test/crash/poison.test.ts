/**
 * An input that kills the process that decides it is tried three times and no more: then its run takes nothing here, says
 * why, and everything else goes on. Each process here is a real one that really dies.
 */
import { describe, expect, it } from 'vitest';
import { startModel } from './model.ts';
import { poisonedOfTest, type Poisoned, type PoisonedProcess } from './poisoned.ts';
import { until } from './until.ts';

const quarantined = (during: RegExp) => ({
  error: { code: 'quarantined', data: { count: 3, during: expect.stringMatching(during) as string } },
});

/** A run of a healthy machine ends. */
async function expectHealthy(process: PoisonedProcess, run: string): Promise<void> {
  await process.get('send', run, { type: 'END' });
  expect(await process.get('waitFor', run)).toMatchObject({ status: 'completed' });
}

describe('an event from outside that kills the process', () => {
  const make = poisonedOfTest();

  /** Sends the event to one process after the other. */
  async function sendUntilRefused(
    place: Poisoned,
    run: string,
    event: object,
    kill: (p: PoisonedProcess) => Promise<void>,
  ) {
    for (let death = 1; death <= 3; death++) {
      const process = place.open({ heapMb: 64 });
      const outcome = process.call('send', run, event);
      await kill(process);
      expect(await outcome, `death ${death}`).toBe('died');
    }
  }
  const itself = (process: PoisonedProcess): Promise<void> => process.died();

  it('R9: by leaving it: three times, then 409; the others complete; released, it is tried again', async () => {
    const place = make();
    const first = place.open();
    const [run, other] = [await first.start(), await first.start()];
    await first.kill();
    await sendUntilRefused(place, run, { type: 'KILL', way: 'exit' }, itself);
    let last = place.open();
    expect(await last.call('send', run, { type: 'KILL', way: 'exit' })).toMatchObject(quarantined(/^event\//));
    expect(await last.call('send', run, { type: 'KILL', way: 'not' })).toMatchObject(quarantined(/^event\//));
    await last.kill();
    last = place.open();
    expect(await last.call('send', run, { type: 'END' }), 'after a restart, counted no further').toMatchObject(
      quarantined(/^event\//),
    );
    await expectHealthy(last, other);
    expect(await last.call('release', other)).toMatchObject({ error: { code: 'wrongState' } });
    await last.get('release', run);
    expect(await last.call('send', run, { type: 'KILL', way: 'exit' }), 'the first of three again').toBe('died');
    last = place.open();
    await last.get('send', run, { type: 'KILL', way: 'not' });
    await expectHealthy(last, run);
  });

  it('R9: by never coming back, until somebody kills it; its cancellation decides nothing', async () => {
    const place = make();
    const first = place.open();
    const run = await first.start();
    await first.kill();
    await sendUntilRefused(place, run, { type: 'KILL', way: 'loop' }, async (process) => {
      await process.opened;
      await place.isAt(/"event\//);
      await process.kill();
    });
    const last = place.open();
    expect(await last.call('send', run, { type: 'END' })).toMatchObject(quarantined(/^event\//));
    expect(await last.get('cancel', run, 'enough')).toMatchObject({ state: { status: 'cancelled' } });
    expect(await last.get('read', run)).toMatchObject({ status: 'cancelled', reason: { message: 'enough' } });
    await last.get('delete', run);
  });

  it('R4: by what it leaves to be written: the heap is full', async () => {
    const place = make();
    const first = place.open();
    const [run, other] = [await first.start(), await first.start()];
    await first.kill();
    await sendUntilRefused(place, run, { type: 'GROW' }, itself);
    const last = place.open({ heapMb: 64 });
    expect(await last.call('send', run, { type: 'GROW' })).toMatchObject(quarantined(/^event\//));
    await expectHealthy(last, other);
    await last.get('delete', run);
    expect(await last.call('read', run)).toMatchObject({ error: { code: 'notFound' } });
  });
});

describe('what kills the process by itself, at every start', () => {
  const make = poisonedOfTest();

  /** Opens one process after the other until one stays; how many died. */
  async function openUntilOneStays(
    place: Poisoned,
    aheadMs = 0,
  ): Promise<{ process: PoisonedProcess; deaths: number }> {
    for (let deaths = 0; ; deaths++) {
      const process = place.open({ aheadMs });
      await process.opened;
      const outcome = await process.call('idle');
      // What runs in the process has its turns of the loop, too.
      const later = outcome === 'died' ? outcome : await process.call('list', { limit: 1 });
      const stays = later !== 'died' && (await stillThere(process));
      if (stays) return { process, deaths };
      expect(deaths, 'deaths').toBeLessThan(10);
    }
  }

  async function stillThere(process: PoisonedProcess): Promise<boolean> {
    for (let i = 0; i < 20; i++) if ((await process.call('idle')) === 'died') return false;
    return true;
  }

  it('R10: a timer', async () => {
    const place = make();
    const first = place.open();
    const [run, other] = [await first.start(), await first.start()];
    await first.get('send', run, { type: 'ARM', way: 'exit' });
    await first.get('send', other, { type: 'ARM', way: 'not' });
    await first.kill();
    const { process, deaths } = await openUntilOneStays(place, 5_000);
    expect(deaths).toBe(3);
    expect(await process.call('send', run, { type: 'END' })).toMatchObject(quarantined(/^timer\//));
    expect(await process.get('waitFor', other)).toMatchObject({ status: 'completed' });
  });

  it('R8: a message from another run', async () => {
    const place = make();
    const first = place.open();
    const [run, other] = [await first.start(), await first.start()];
    expect(await first.call('send', other, { type: 'TELL', run, way: 'exit' })).toMatchObject({});
    await first.died();
    const { process, deaths } = await openUntilOneStays(place);
    expect(deaths, 'after the first').toBe(2);
    expect(await process.call('send', run, { type: 'END' })).toMatchObject(quarantined(/^message\//));
    await expectHealthy(process, other);
  });

  it('R5: an effect that runs here, before it first waits', async () => {
    const place = make();
    const first = place.open();
    const [run, other] = [await first.start(), await first.start()];
    const asked = first.call('send', run, { type: 'ASK', way: 'exit' });
    await first.died();
    await asked;
    const { process, deaths } = await openUntilOneStays(place);
    expect(deaths, 'after the first').toBe(2);
    expect(await process.call('send', run, { type: 'END' })).toMatchObject(quarantined(/^effect\//));
    await expectHealthy(process, other);
  });

  it('R9: several effects at once: each start makes progress, and the healthy ones complete', async () => {
    const place = make();
    // All four are asked for before the first of them can do anything to the process.
    const first = place.open({ stuck: true });
    const [healthy, one, other, late] = [
      await first.start(),
      await first.start(),
      await first.start(),
      await first.start(),
    ];
    for (const [run, way] of [
      [healthy, 'not'],
      [one, 'exit'],
      [other, 'exit'],
      [late, 'not'],
    ] as const)
      await first.get('send', run, { type: 'ASK', way });
    await first.kill();
    const { process, deaths } = await openUntilOneStays(place);
    expect(1 + deaths, 'three of the one, and at most three of the other').toBeLessThanOrEqual(6);
    for (const run of [one, other])
      expect(await process.call('send', run, { type: 'END' })).toMatchObject(quarantined(/^effect\//));
    for (const run of [healthy, late]) expect(await process.get('waitFor', run)).toMatchObject({ status: 'completed' });
  });

  it('a start: the third time its request is refused, and a new one is not', async () => {
    const place = make();
    const request = { input: { way: 'exit' }, idempotency: { key: 'k', bodyHash: 'b' } };
    for (let death = 1; death <= 3; death++)
      expect(await place.open().call('start', 'poison', request), `death ${death}`).toBe('died');
    const last = place.open();
    expect(await last.call('start', 'poison', request)).toMatchObject(quarantined(/^start\//));
    const other = { input: { way: 'not' }, idempotency: { key: 'another', bodyHash: 'b' } };
    await expectHealthy(last, await last.start(other));
  });
});

describe('a run that waits for a model', () => {
  const make = poisonedOfTest();

  it('R5: is killed 20 times in the same call, and completes', async () => {
    const [place, model] = [make(), await startModel({ unanswered: 20 })];
    let process = place.open({ model: model.baseUrl });
    const run = await process.start();
    await process.get('send', run, { type: 'CALL' });
    for (let kill = 1; kill <= 20; kill++) {
      await until(`call ${kill} of the model`, () => model.calls().length >= kill);
      await process.kill();
      process = place.open({ model: model.baseUrl });
    }
    expect(await process.get('waitFor', run)).toMatchObject({ status: 'completed' });
    expect(new Set(model.calls().map(({ key }) => key)).size, 'the same call each time').toBe(1);
  });
});
