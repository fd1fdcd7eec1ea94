/** A rehearsal finds what would break, by name, and changes nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromPromise, raise, sendTo, setup } from 'xstate';
import type { PendingTimer } from '../../../src/runtime/migrated-timers.ts';
import type { BreakCode } from '../../../src/runtime/migration-break.ts';
import type { Migration } from '../../../src/runtime/migration.ts';
import type { PersistedSnapshot } from '../../../src/runtime/persisted.ts';
import { openRuntime, type RuntimeUnderTest } from '../../harness/runtime.ts';
import type { Machine } from '../../../src/runtime/xstate.ts';
import { bouncing } from '../machines.ts';

const never = fromPromise<never>(() => new Promise(() => {}));
const child = setup({}).createMachine({ id: 'child', initial: 'on', states: { on: {}, off: { type: 'final' } } });
const types = {} as { context: Record<string, unknown> };

const old = setup({
  types,
  actors: { call: never, child },
  actions: { 'fermata.spawn': (_, _params: { readonly id: string; readonly src: string }) => {} },
}).createMachine({
  id: 'm',
  context: {},
  initial: 'resting',
  entry: { type: 'fermata.spawn', params: { id: 'apart', src: 'child' } },
  invoke: { id: 'kid', src: 'child' },
  on: { CALL: '.calling', WAIT: '.waiting', TELL: { actions: sendTo('kid', { type: 'LATER' }, { delay: 1_000 }) } },
  states: {
    resting: {
      initial: 'a',
      states: { a: { on: { B: 'b' } }, b: {}, past: { type: 'history' } },
      on: { PAST: '.past' },
    },
    calling: { invoke: { id: 'call', src: 'call' } },
    waiting: { after: { 1_000: 'resting' } },
  },
});

/** The new version: as the old one, but for what is given. */
function newer(states: object, more: object = {}) {
  return setup({ types, actors: { call: never, child, other: child } }).createMachine({
    id: 'm',
    context: {},
    initial: Object.keys(states)[0] as string,
    invoke: { id: 'kid', src: 'child' },
    states,
    ...more,
  } as never) as unknown as Machine;
}

const resting = { resting: { initial: 'a', states: { a: {}, b: {}, past: { type: 'history' } } } };
const all = { ...resting, calling: { invoke: { id: 'call', src: 'call' } }, waiting: { after: { 1_000: 'resting' } } };
let clock = 0;

interface Case {
  readonly code: BreakCode;
  readonly actor?: string;
  readonly says: string;
  readonly send?: string;
  readonly states?: object;
  readonly more?: object;
  readonly change?: (persisted: PersistedSnapshot) => unknown;
  readonly migration?: Partial<Migration>;
}

const timers = (change: (timer: PendingTimer) => unknown) => ({
  timers: ((pending: readonly PendingTimer[]) => pending.map(change)) as unknown as NonNullable<Migration['timers']>,
});
const kids = (change: object) => (persisted: PersistedSnapshot) => ({
  ...persisted,
  children: { ...persisted.children, ...change },
});

const CASES: readonly (readonly [what: string, given: Case])[] = [
  ['the function throws', { code: 'threw', says: 'no price', change: () => expect.fail('no price') }],
  [
    'it gives another result each time',
    { code: 'notPure', says: 'clock, chance', change: (p) => ({ ...p, context: { n: ++clock } }) },
  ],
  ['it gives a promise', { code: 'notPure', says: 'promise', change: async (p) => p }],
  ['it gives no snapshot', { code: 'notASnapshot', says: 'status, value and context', change: () => ({ value: 'a' }) }],
  [
    'a value cannot be stored',
    { code: 'notStorable', says: 'context.f', change: (p) => ({ ...p, context: { f: () => 1 } }) },
  ],
  ['an actor would end', { code: 'statusChanged', says: '"active"', change: (p) => ({ ...p, status: 'done' }) }],
  ['the state is gone', { code: 'stateMissing', says: '{"resting":"a"}', states: { calling: {}, waiting: {} } }],
  [
    'the value stops half way down',
    { code: 'stateMissing', says: 'whole value', change: (p) => ({ ...p, value: 'resting' }) },
  ],
  [
    "a child's state is gone",
    {
      code: 'stateMissing',
      actor: '/kid',
      says: '"gone"',
      change: (p) =>
        kids({ kid: { ...p.children?.['kid'], snapshot: { ...p.children?.['kid']?.snapshot, value: 'gone' } } })(p),
    },
  ],
  [
    "a detached actor's state is gone",
    {
      code: 'stateMissing',
      actor: '/apart',
      says: '"gone"',
      migration: { detached: { child: (p) => ({ ...p, value: 'gone' }) } },
    },
  ],
  [
    'a remembered state is gone',
    {
      code: 'historyMissing',
      says: '"m.resting.b"',
      send: 'B CALL',
      states: { ...all, resting: { initial: 'a', states: { a: {}, past: { type: 'history' } } } },
    },
  ],
  [
    'a child machine is gone',
    {
      code: 'sourceMissing',
      actor: '/kid',
      says: '"sibling"',
      change: (p) => kids({ kid: { ...p.children?.['kid'], src: 'sibling' } })(p),
    },
  ],
  ['a child is left out', { code: 'childRemoved', actor: '/', says: '"kid"', change: (p) => ({ ...p, children: {} }) }],
  ['a child is added', { code: 'childAdded', says: '"twin"', change: (p) => kids({ twin: p.children?.['kid'] })(p) }],
  [
    'a call is under way, and its state invokes it no more',
    { code: 'childWithoutPlace', says: '"call"', send: 'CALL', states: { ...all, calling: {} } },
  ],
  [
    'a call is under way, and it would be another one',
    {
      code: 'childWithoutPlace',
      actor: '/call',
      says: '"call"',
      send: 'CALL',
      change: (p) => kids({ call: { ...p.children?.['call'], src: 'other' } })(p),
    },
  ],
  [
    'a child machine is under way, and nobody invokes it',
    { code: 'childWithoutPlace', says: '"kid"', more: { invoke: [] } },
  ],
  [
    'a state would wait for a call that nobody made',
    { code: 'invokeNotStarted', says: '"m.calling"', change: (p) => ({ ...p, value: 'calling' }) },
  ],
  [
    'a date is pending that no state takes',
    { code: 'timerWithoutPlace', says: 'xstate.after.1000.m.waiting', send: 'WAIT', states: { ...all, waiting: {} } },
  ],
  [
    'a message is on its way to a child that knows no such event',
    { code: 'timerWithoutPlace', says: '"LATER"', send: 'TELL' },
  ],
  [
    'a delay would never fire',
    { code: 'delayNotArmed', says: 'xstate.after.1000.m.waiting', change: (p) => ({ ...p, value: 'waiting' }) },
  ],
  [
    'the timers are no list',
    { code: 'timerWithoutPlace', says: 'a list', migration: { timers: () => 'none' as never } },
  ],
  [
    'a timer is not one',
    { code: 'timerWithoutPlace', says: 'due', send: 'WAIT', migration: timers((t) => ({ ...t, due: 'soon' })) },
  ],
  [
    'a timer is of nobody',
    {
      code: 'timerWithoutPlace',
      actor: '/who',
      says: '"/who"',
      send: 'WAIT',
      migration: timers((t) => ({ ...t, actor: '/who' })),
    },
  ],
  [
    "a timer's event cannot be stored",
    {
      code: 'notStorable',
      says: 'event',
      send: 'WAIT',
      migration: timers((t) => ({ ...t, event: { type: t.event.type, f: () => 1 } })),
    },
  ],
  [
    'the timers are another list each time',
    { code: 'notPure', says: 'timers:', send: 'WAIT', migration: timers((t) => ({ ...t, due: t.due + ++clock })) },
  ],
];

async function everything(under: RuntimeUnderTest, runId: string): Promise<unknown> {
  const { runtime } = under;
  return [await runtime.read(runId), await runtime.snapshot(runId), await runtime.journal(runId, { limit: 1_000 })];
}

describe('a rehearsal says what would break', () => {
  it.each(CASES)(
    '%s',
    async (_, { code, actor = '/', says, send = '', states = all, more = {}, change, migration }) => {
      const under = await openRuntime({ machines: { 'm@1': old }, leavesWork: true });
      const { runId } = await under.runtime.start('m');
      for (const type of send.split(' ').filter(Boolean)) await under.runtime.send(runId, { type });
      await under.settle();
      const migrate = { from: 'm@1', snapshot: (change ?? ((p) => p)) as Migration['snapshot'], ...migration };
      const machine = newer(states, more);
      const before = await everything(under, runId);
      const runtime = await under.restart({ machines: { 'm@1': old, 'm@2': { machine, migrate } }, passive: true });
      const [result, ...others] = await runtime.migrations.rehearse();
      expect(others).toEqual([]);
      expect(result).toMatchObject({ runId, from: 'm@1', to: 'm@2', moved: false });
      expect(result?.breaks.map((found) => [found.code, found.actor])).toContainEqual([code, actor]);
      expect(result?.breaks.find((found) => found.code === code)?.message).toContain(says);
      await expect(runtime.migrations.migrate()).rejects.toMatchObject({ code: 'migrationRefused' });
      expect(await runtime.migrations.migrate({ onlyPassing: true })).toMatchObject([{ moved: false }]);
      expect(await everything(under, runId)).toEqual(before);
    },
  );

  it('and says nothing where nothing would, also where the old machine is not registered any more', async () => {
    const under = await openRuntime({ machines: { 'm@1': old }, leavesWork: true });
    for (const send of ['B', 'CALL', 'WAIT']) {
      const { runId } = await under.runtime.start('m');
      await under.runtime.send(runId, { type: send });
    }
    const machine = newer(all, { on: { GO: '.resting' } });
    const machines = { 'm@2': { machine, migrate: { from: 'm@1', snapshot: (p: PersistedSnapshot) => p } } };
    const working = await under.restart({ machines });
    await under.settle();
    const codes = (await working.migrations.rehearse()).map(({ breaks }) => breaks.map(({ code }) => code));
    expect(codes, 'the one that is to repeat its call has been looked at already').toEqual([[], ['blocked'], []]);
    const runtime = await under.restart({ passive: true });
    expect((await runtime.migrations.rehearse()).map(({ breaks }) => breaks)).toEqual([[], [], []]);
    expect((await runtime.migrations.migrate()).map(({ moved }) => moved)).toEqual([true, true, true]);
  });

  it('a definition that was only rehearsed may still be changed, one that runs were moved to may not', async () => {
    const migrate: Migration = { from: 'm@1', snapshot: (p) => p };
    const version = (type: string) => ({ 'm@2': { machine: newer(all, { on: { [type]: '.resting' } }), migrate } });
    const under = await openRuntime({ machines: { 'm@1': old } });
    await under.runtime.start('m');
    await under.restart({ machines: version('A'), passive: true });
    expect(await under.runtime.migrations.rehearse()).toHaveLength(1);
    await under.restart({ machines: version('B') });
    expect(await under.runtime.migrations.migrate()).toMatchObject([{ moved: true }]);
    await under.runtime.close();
    await expect(under.open({ machines: version('C') })).rejects.toMatchObject({ code: 'machineChanged' });
    await under.open({ machines: version('B'), passive: false });
  });

  it('a run that a crash cut off in the middle of a cascade comes to rest first', async () => {
    let dead = false;
    const under = await openRuntime({
      machines: { 'b@1': bouncing },
      wrap: (store) => ({
        ...store,
        async commit(group) {
          if (dead) return new Promise(() => {});
          await store.commit(group);
          dead = group.runs.some(({ state }) => state.agendaJson !== null);
        },
      }),
    });
    const { runId } = await under.runtime.start('b');
    void under.runtime.send(runId, { type: 'SERVE' }).catch(() => {});
    for (let i = 0; i < 1_000 && !dead; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(dead).toBe(true);
    const machines = {
      'b@1': bouncing,
      'b@2': { machine: bouncing, migrate: { from: 'b@1', snapshot: (p: PersistedSnapshot) => p } },
    };
    const passive = await under.crash({ machines, passive: true, wrap: (store) => store });
    expect((await passive.migrations.rehearse()).map(({ breaks }) => breaks.map(({ code }) => code))).toEqual([
      ['midCascade'],
    ]);
    await under.restart({ passive: false });
    await under.settle();
    expect(await under.runtime.migrations.migrate()).toMatchObject([{ runId, moved: true }]);
  });

  it('a row that cannot be read is that run’s trouble and nobody else’s', async () => {
    const under = await openRuntime({ machines: { 'm@1': old } });
    const [broken, sound] = [await under.runtime.start('m'), await under.runtime.start('m')];
    const machines = {
      'm@2': { machine: newer(all), migrate: { from: 'm@1', snapshot: (p: PersistedSnapshot) => p } },
    };
    const damaged = (store: Parameters<NonNullable<Parameters<typeof openRuntime>[0]['wrap']>>[0]) => ({
      ...store,
      actors: async (key: { tenant: string; run: string }) =>
        (await store.actors(key)).map((row) => (key.run === broken.runId ? { ...row, stateJson: '{' } : row)),
    });
    const runtime = await under.restart({ machines, wrap: damaged });
    const found = new Map(
      (await runtime.migrations.rehearse()).map(({ runId, breaks }) => [runId, breaks.map(({ code }) => code)]),
    );
    expect(found).toEqual(
      new Map([
        [broken.runId, ['unreadable']],
        [sound.runId, []],
      ]),
    );
    await under.restart({ wrap: (store) => store });
  });

  it('a delay that the old machine raises is kept where the new one still takes its event', async () => {
    const machine = (on: object) =>
      setup({}).createMachine({
        id: 'm',
        entry: raise({ type: 'LATE' }, { delay: 10 }),
        on,
      } as never) as unknown as Machine;
    const under = await openRuntime({ machines: { 'm@1': machine({ LATE: {} }) } });
    await under.runtime.start('m');
    const migrate: Migration = { from: 'm@1', snapshot: (p) => p };
    for (const [on, codes] of [
      [{ OTHER: {} }, ['timerWithoutPlace']],
      [{ '*': {} }, []],
    ] as const) {
      const runtime = await under.restart({ machines: { 'm@2': { machine: machine(on), migrate } }, passive: true });
      expect((await runtime.migrations.rehearse())[0]?.breaks.map(({ code }) => code)).toEqual(codes);
    }
  });

  it('docs/upgrades.md says what to do about each', () => {
    const page = readFileSync(new URL('../../../docs/upgrades.md', import.meta.url), 'utf8');
    const source = readFileSync(new URL('../../../src/runtime/migration-break.ts', import.meta.url), 'utf8');
    const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
  });
});

describe('a machine with a migration', () => {
  it.each([
    ['from itself', 'm@2', (p: object) => p],
    ['from no version', 'm', (p: object) => p],
    ['without a function', 'm@1', undefined],
  ])('%s is refused', async (_, from, snapshot) => {
    const machines = { 'm@2': { machine: newer(all), migrate: { from, snapshot: snapshot as never } } };
    const under = await openRuntime({ machines: {} });
    await under.runtime.close();
    await expect(under.open({ machines })).rejects.toMatchObject({
      code: 'invalidMachine',
      message: expect.stringContaining(`"${from}"`) as string,
    });
    await under.open({ machines: {} });
  });
});
