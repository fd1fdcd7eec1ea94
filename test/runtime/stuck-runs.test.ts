/** What a start says of open runs that cannot go on, and where they are listed. */
import { describe, expect, it } from 'vitest';
import { effect } from '../../src/runtime/effect.ts';
import { openRuntime } from '../harness/runtime.ts';
import { asker, counter } from './machines.ts';
import { asynchronous } from './stores.ts';

const never = effect({ run: () => new Promise<never>(() => {}) });
const said = (logged: readonly { readonly message: string; readonly fields: unknown }[]) =>
  logged.filter(({ message }) => message === 'open runs cannot go on').map(({ fields }) => fields);

describe.each([
  ['', undefined],
  [', on a store that answers later', asynchronous],
])('R7: a start with open runs that cannot go on%s', (_, wrap) => {
  it('says once how many, of which machines, and where to look; they are listed before they are to move', async () => {
    const machines = { 'counter@1': counter, 'old@1': counter, 'older@1': counter };
    const under = await openRuntime({ machines, ...(wrap === undefined ? {} : { wrap }) });
    const { runtime } = under;
    const [ended] = [await runtime.start('old'), await runtime.start('old')];
    await runtime.cancel(ended.runId);
    await runtime.start('counter');
    // More than are counted in one step.
    await Promise.all(Array.from({ length: 1_100 }, () => runtime.start('older')));
    await under.settle();
    expect(said(under.logged), 'nothing where all go on').toEqual([]);

    const later = await under.restart({ machines: { 'counter@1': counter } });
    await under.settle();
    expect(said(under.logged)).toEqual([
      {
        quarantined: 0,
        machineMissing: { 'old@1': 1, 'older@1': 1_100 },
        error:
          '1 of old@1, which is not registered here; 1100 of older@1, which is not registered here. GET /api/v1/runs?blocked=true (fermata runs --blocked) lists them, GET /api/v1/runs/{id}/why (fermata why RUN) says what each needs.',
      },
    ]);
    expect(under.logged, 'and none by itself').toHaveLength(1);
    const listed = await later.list({ blocked: true, limit: 1_000 });
    expect(listed).toHaveLength(1_000);
    const rest = await later.list({ blocked: true, limit: 1_000, after: listed.at(-1)?.runId });
    expect(rest).toHaveLength(101);
    const [first] = rest.toReversed();
    expect(first).toMatchObject({ machine: 'old@1', blocked: { code: 'machineMissing', data: { machine: 'old@1' } } });
    expect((await later.why(first?.runId ?? '')).blocked).toMatchObject({ code: 'machineMissing' });
    expect((await later.read(ended.runId)).blocked, 'what has ended waits for nothing').toBeUndefined();

    await under.restart({ machines });
    await under.settle();
    expect(under.logged).toHaveLength(1);
    expect(await under.runtime.list({ blocked: true, limit: 10 })).toEqual([]);
  });
});

it('R7: runs in quarantine are among them; who only looks says nothing, and lists those that wait for a machine', async () => {
  const machines = { 'asker@1': asker, 'counter@1': counter };
  const under = await openRuntime({ machines, actors: { call: never }, leavesWork: true });
  await under.runtime.start('counter');
  const { runId } = await under.runtime.start('asker');
  await under.runtime.send(runId, { type: 'ASK' });
  for (let death = 0; death < 3; death++) {
    await under.settle();
    await under.crash();
  }
  await under.settle();
  expect(said(under.logged)).toMatchObject([
    { quarantined: 1, machineMissing: {}, error: expect.stringMatching(/^1 in quarantine\. /) as string },
  ]);
  expect(await under.runtime.list({ blocked: true, limit: 10 })).toMatchObject([{ runId }]);

  under.logged.length = 0;
  const looking = await under.restart({ machines: { 'asker@1': asker }, passive: true });
  expect(said(under.logged)).toEqual([]);
  expect(await looking.list({ blocked: true, limit: 10 })).toMatchObject([
    { runId, blocked: { code: 'quarantined' } },
    { machine: 'counter@1', blocked: { code: 'machineMissing' } },
  ]);
});

it('a start that is stopped at once leaves nothing behind', async () => {
  const under = await openRuntime({ machines: { 'counter@1': counter, 'old@1': counter } });
  await Promise.all(Array.from({ length: 1_100 }, () => under.runtime.start('old')));
  await under.restart({ machines: { 'counter@1': counter } });
  await under.runtime.close();
  expect(said(under.logged)).toEqual([]);
  expect(under.logged).toEqual([]);
  await under.open();
});
