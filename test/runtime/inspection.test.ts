/** `createRuntime({ inspect })` tells what `createActor(machine, { inspect })` tells. */
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  fromPromise,
  sendParent,
  sendTo,
  setup,
  stopChild,
  waitFor,
  type InspectionEvent,
} from 'xstate';
import { openRuntime, turnsOfTheLoop } from '../harness/runtime.ts';
import { faulty } from './stores.ts';

const player = setup({}).createMachine({
  id: 'player',
  initial: 'ready',
  states: {
    ready: { on: { ball: { target: 'hit', actions: sendParent({ type: 'back' }) } } },
    hit: { on: { ball: 'out', again: 'ready' } },
    out: { type: 'final' },
  },
});

/** A child that answers while its parent is busy, an effect, a child that is stopped, and an end. */
const match = setup({
  types: {} as { context: { score: unknown } },
  actors: { player, referee: fromPromise(() => Promise.resolve('15:0')) },
}).createMachine({
  id: 'match',
  context: { score: undefined },
  initial: 'warmUp',
  invoke: { src: 'player', id: 'spare' },
  states: {
    warmUp: { on: { begin: 'playing' } },
    playing: {
      invoke: { src: 'player', id: 'player' },
      on: {
        serve: { actions: sendTo('player', { type: 'ball' }) },
        back: { actions: sendTo('player', { type: 'ball' }) },
        'xstate.done.actor.player': 'judging',
      },
    },
    judging: {
      entry: stopChild('spare'),
      invoke: {
        src: 'referee',
        id: 'referee',
        onDone: { target: 'over', actions: assign({ score: ({ event }) => event.output }) },
      },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.score,
});

const TOLD = new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']);

/** What an observer was told, without what differs between any two systems. */
function story(events: readonly InspectionEvent[]): string[] {
  const name = (ref: unknown): string => {
    const { id, _parent } = ref as { id: string; _parent: unknown };
    return _parent === undefined ? 'root' : id;
  };
  return events
    .filter(({ type }) => TOLD.has(type))
    .map((event) => {
      const about = `${event.type} ${name(event.actorRef)}`;
      if (event.type === '@xstate.event')
        return `${about} ${event.event.type} from ${event.sourceRef === undefined ? 'outside' : name(event.sourceRef)}`;
      if (event.type !== '@xstate.snapshot') return about;
      const { status, value, output } = event.snapshot as { status: string; value?: unknown; output?: unknown };
      return `${about} ${event.event.type} ${JSON.stringify({ status, value, output })}`;
    });
}

describe('createRuntime({ inspect })', () => {
  it('tells what plain XState tells, in the same order', async () => {
    const plain: InspectionEvent[] = [];
    const actor = createActor(match, { inspect: (event) => plain.push(event) }).start();
    actor.send({ type: 'begin' });
    actor.send({ type: 'serve' });
    await waitFor(actor, ({ status }) => status === 'done');

    const durable: InspectionEvent[] = [];
    const { runtime } = await openRuntime({
      machines: { 'match@1': match },
      inspect: { next: (event) => durable.push(event) },
    });
    const { runId } = await runtime.start('match');
    await runtime.send(runId, { type: 'begin' });
    await runtime.send(runId, { type: 'serve' });
    await runtime.waitFor(runId);

    expect(story(durable)).toEqual(story(plain));
    expect(new Set(durable.map(({ rootId }) => rootId))).toEqual(new Set([`${runId}/`]));
  });

  it('tells nothing before the commit, and nothing of a failed one', async () => {
    const store = faulty();
    const told: string[] = [];
    const under = await openRuntime({
      machines: { 'match@1': match },
      wrap: store.wrap,
      inspect: ({ type }) => told.push(type),
      leavesWork: true,
    });
    const release = store.hold();
    const started = under.runtime.start('match');
    await turnsOfTheLoop();
    expect(told).toEqual([]);
    release();
    const { runId } = await started;
    const before = told.length;
    expect(before).toBeGreaterThan(0);
    store.fault = 'unchanged';
    await expect(under.runtime.send(runId, { type: 'begin' })).rejects.toThrow(/could not be written/);
    expect(told.length).toBe(before);
    store.fault = 'none';
    await under.clock.advance(1_000, () => turnsOfTheLoop());
  });

  it('announces actors again in a process that goes on with them, under the same session ids', async () => {
    const first: InspectionEvent[] = [];
    const under = await openRuntime({ machines: { 'match@1': match }, inspect: (event) => first.push(event) });
    const { runId } = await under.runtime.start('match');
    const second: InspectionEvent[] = [];
    await under.restart({ inspect: (event) => second.push(event) });
    await under.runtime.send(runId, { type: 'begin' });
    await under.runtime.send(runId, { type: 'serve' });
    await under.runtime.waitFor(runId);
    const sessions = (events: readonly InspectionEvent[]) =>
      events.flatMap((event) =>
        event.type === '@xstate.actor' ? [(event.actorRef as { sessionId?: string }).sessionId] : [],
      );
    expect(sessions(first)).toEqual([`${runId}/`, `${runId}/spare`]);
    expect(sessions(second)).toEqual([`${runId}/`, `${runId}/player`, `${runId}/referee`, `${runId}/spare`]);
    expect(story(second).at(-1)).toContain('"status":"done"');
  });

  it('feeds the inspectors of @statelyai/inspect', async () => {
    const sent: StatelyInspectionEvent[] = [];
    const { inspect } = createInspector({ send: (event) => sent.push(event) });
    const { runtime, settle } = await openRuntime({ machines: { 'match@1': match }, inspect });
    const { runId } = await runtime.start('match');
    await runtime.send(runId, { type: 'begin' });
    await runtime.send(runId, { type: 'serve' });
    await runtime.waitFor(runId);
    await settle();
    // The package sends from timers of no delay.
    while (
      !sent.some(
        (event) =>
          event.type === '@xstate.snapshot' && event.sessionId === `${runId}/` && event.snapshot.status === 'done',
      )
    )
      await turnsOfTheLoop(1);
    expect(sent[0]).toMatchObject({
      type: '@xstate.actor',
      sessionId: `${runId}/`,
      rootId: `${runId}/`,
      parentId: undefined,
    });
    expect(sent[1]).toMatchObject({
      type: '@xstate.actor',
      sessionId: `${runId}/spare`,
      parentId: `${runId}/`,
      name: 'spare',
    });
  });

  it('goes on where the observer throws', async () => {
    const under = await openRuntime({
      machines: { 'match@1': match },
      inspect: () => expect.fail('broken on purpose'),
    });
    const { runId } = await under.runtime.start('match');
    await under.runtime.send(runId, { type: 'begin' });
    await under.runtime.send(runId, { type: 'serve' });
    expect((await under.runtime.waitFor(runId)).output).toBe('15:0');
    expect(under.logged.map(({ message }) => message)).toContain('the inspection observer threw');
  });
});
