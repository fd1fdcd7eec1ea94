/**
 * What a turn's actions do, one after the other: send, arm and cancel timers, spawn and stop, ask for effects, state facts.
 * All of it is rows of this group; the world hears of it after the commit (R1).
 */
import { hash } from 'node:crypto';
import { WRITE_REFS, type ActorIdentity, type DurableActor, type LaterReceiver } from './actor.ts';
import type { Frame, Step } from './cascade.ts';
import { encode, portable } from './codec.ts';
import type { InDoubtPolicy } from './effect.ts';
import { deliverLater, disarm, makeWay, stopChild } from './ending.ts';
import { repeat } from './open-effects.ts';
import { sendToRun } from './parent.ts';
import { ROOT, type RunMemory } from './run-memory.ts';
import { begin, take } from './turn.ts';
import * as xstate from './xstate.ts';

/** The last date that JavaScript can name. */
const LAST_DATE = 8.64e15;

/** Performs one action of a frame. May be run again after `Suspended`: nothing has changed then. */
export function perform(memory: RunMemory, frame: Frame, action: Step): void {
  const from = frame.actor === null || frame.over === true ? undefined : memory.find(frame.actor);
  switch (action.kind) {
    case 'repeat':
      repeat(memory, action);
      return;
    case 'fact':
      memory.fact(frame.actor ?? ROOT, action.type, action.data);
      return;
    case 'send':
      if (action.to === undefined || from?.status === 'stopped') return;
      // The spawning has seen to it.
      if (action.early === true) return;
      if (action.delay === undefined) deliver(memory, frame, action.to, action.event);
      else if (from !== undefined)
        arm(memory, frame, from, { ...action, to: laterReceiver(memory, from, frame, action.to), delay: action.delay });
      return;
    case 'cancel': {
      const armed = from?.timerToken(action.sendId);
      if (from === undefined || armed === undefined) return;
      disarm(memory, from, armed);
      from.dirty = true;
      return;
    }
    case 'spawn':
      if (from !== undefined && from.status !== 'stopped') spawnChild(memory, from, frame, action);
      return;
    case 'stop':
      if (from !== undefined) stopChild(memory, from, action);
      return;
    case 'sendDetached':
      if (typeof action.to === 'string') {
        deliver(
          memory,
          frame,
          {
            address: action.to.startsWith('/') ? action.to : xstate.childAddress(frame.actor ?? ROOT, action.to),
            birth: -1,
          },
          action.event,
        );
      } else {
        sendToRun(memory, action.to.run, action.event);
      }
  }
}

function deliver(memory: RunMemory, frame: Frame, to: xstate.Address, event: xstate.Event): void {
  const sender = frame.actor ?? frame.from;
  const target = memory.find(to.address);
  // As in XState, an actor that has stopped hears nothing.
  if (target === undefined && sender !== undefined) tellCall(memory, sender, to.address, event);
  if (target === undefined || target.status !== 'active' || (to.birth !== -1 && to.birth !== target.identity.birth))
    return;
  if (memory.cascade.busy(to.address)) {
    memory.cascade.post(to.address, { event });
    memory.inspection?.sent(sender, target, event);
  } else {
    memory.cascade.push(take(memory, target, event, sender ?? null));
  }
}

/** What an actor sends to a call of its own is no turn: the call hears it after the commit. */
function tellCall(memory: RunMemory, sender: string, address: string, event: xstate.Event): void {
  const actor = memory.find(sender);
  const token = actor === undefined ? undefined : callAt(actor, address);
  if (token !== undefined) memory.draft.effectsTold.push({ token, event });
}

/** The very actor that is meant: by the time a delayed event is due, another may have taken its place. */
function laterReceiver(memory: RunMemory, actor: DurableActor, frame: Frame, to: xstate.Receiver): LaterReceiver {
  const { address } = to;
  if (to.unborn !== true) {
    const call = to.birth === -1 ? callAt(actor, address) : undefined;
    return { address, birth: to.birth, ...(call === undefined ? {} : { spawn: call }) };
  }
  const birth = memory.find(address)?.identity.birth;
  if (birth !== undefined && birth > frame.turn) return { address, birth };
  const spawn = frame.actions.findIndex((action, index) => index > frame.next && spawnsAt(frame, action) === address);
  return { address, birth: -1, ...(spawn === -1 ? {} : { spawn: spawnToken(frame, spawn) }) };
}

/** Token of the actor's call at this address. A call takes no events; who is there after it does. */
function callAt(actor: DurableActor, address: string): string | undefined {
  for (const [id, child] of actor.children)
    if (child.kind === 'effect' && xstate.childAddress(actor.identity.address, id) === address) return child.token;
  return undefined;
}

/** True where the turn has armed an event for the child that it spawns only now. */
function isAwaited(frame: Frame, address: string): boolean {
  return frame.actions
    .slice(0, frame.next)
    .some(
      (action) =>
        action.kind === 'send' &&
        action.delay !== undefined &&
        action.to?.address === address &&
        action.to.unborn === true,
    );
}

function spawnsAt({ actor }: Frame, action: Step): string | undefined {
  return action.kind === 'spawn' && !action.detached ? xstate.childAddress(actor ?? ROOT, action.id) : undefined;
}

function spawnToken({ turn }: Frame, index: number): string {
  return `${turn}.${index}`;
}

/**
 * Tokens in the order of arming, which is the order of firing at one moment: by what the journal held then; and while it
 * holds no more, the turns under way finish from the last to the first.
 */
function timerToken({ head }: RunMemory, { turn, next }: Frame): string {
  return `${head.seq}.${head.seq - turn}.${next}`;
}

/** Something that is to be sent later. */
interface Delayed {
  readonly to: LaterReceiver;
  readonly event: xstate.Event;
  readonly delay: number;
  readonly sendId: string | undefined;
}

function arm(memory: RunMemory, frame: Frame, actor: DurableActor, { to, event, delay, sendId }: Delayed): void {
  const token = timerToken(memory, frame);
  actor.timers.set(token, sendId ?? '');
  actor.dirty = true;
  memory.idleTurns = 0;
  // A delay that never ends has no row; it can still be cancelled.
  if (delay === Infinity) return;
  // By the clock and not by the journal: after the clock was set back an hour, a second must not take an hour.
  const due = Math.min(memory.clockNow + Math.max(0, Number.isNaN(delay) ? 0 : delay), LAST_DATE);
  const row = {
    ...memory.key,
    token,
    due,
    source: actor.identity.address,
    timerJson: encode({ to, event }, 'timer', memory, WRITE_REFS),
  };
  if (sendId !== undefined && actor.identity.logic.callTimers.has(sendId)) memory.draft.armCallTimer(row);
  else memory.draft.armTimer(row);
}

function spawnChild(
  memory: RunMemory,
  parent: DurableActor,
  frame: Frame,
  action: Extract<xstate.Action, { kind: 'spawn' }>,
): void {
  const child = memory.services.catalog.child(parent.identity.logic, action.src);
  const address = xstate.childAddress(parent.identity.address, action.id);
  const token = spawnToken(frame, frame.next);
  if (child === undefined) return;
  // Not asked of detached ones: it would be a read for each task of a workflow, and a task is begun once.
  const held = 'effect' in child || action.detached ? undefined : memory.held(address);
  makeWay(memory, parent, action.id, 'effect' in child ? 'call' : 'actor');
  if ('effect' in child) {
    ask(memory, parent, { id: action.id, src: action.src, token, input: action.input, systemId: action.systemId });
    return;
  }
  const birth = memory.head.seq + 1;
  const identity: ActorIdentity = {
    address,
    birth,
    id: action.id,
    logic: child.logic,
    parent: { address: parent.identity.address, birth: parent.identity.birth },
    detached: action.detached,
    systemId: action.systemId,
  };
  begin(memory, identity, action.input);
  const born = memory.actors.get(address);
  if (born !== undefined && held !== undefined) born.blobs = held;
  for (let index = frame.next + 1; ; index++) {
    const early = frame.actions[index];
    if (early?.kind !== 'send' || early.early !== true) break;
    deliver(memory, frame, { address, birth }, early.event);
  }
  if (action.detached) {
    memory.head.counts['detached'] = (memory.head.counts['detached'] ?? 0) + 1;
  } else {
    parent.children.set(action.id, {
      kind: 'actor',
      birth,
      src: action.src,
      ...(action.systemId === undefined ? {} : { systemId: action.systemId }),
      ...(isAwaited(frame, address) ? { token } : {}),
    });
    xstate.setChild(parent.snapshot, action.id, memory.refer(identity));
    parent.dirty = true;
  }
}

/** An effect that an actor wants called. */
export interface WantedEffect {
  readonly id: string;
  readonly src: string;
  readonly token: string;
  readonly systemId: string | undefined;
  readonly input: unknown;
}

/** Asks for an effect: it starts after the commit. */
export function ask(memory: RunMemory, actor: DurableActor, asked: WantedEffect): void {
  const child = memory.services.catalog.child(actor.identity.logic, asked.src);
  if (child === undefined || !('effect' in child)) return;
  const { effect } = child;
  let repeatOf: string | undefined;
  let partOf: { readonly key: string } | undefined;
  let policy: InDoubtPolicy;
  try {
    partOf = effect.partOf?.(asked.input);
    repeatOf = effect.repeatOf?.(asked.input);
    policy = effect.onInDoubt?.(asked.input) ?? 'retry';
  } catch (thrown) {
    refuse(memory, actor, asked, thrown);
    return;
  }
  const repeated = repeatOf !== undefined;
  const key = repeatOf ?? partOf?.key ?? hash('sha256', `${memory.key.run}/${asked.token}`, 'base64url');
  const call = { id: asked.id, key, input: asked.input, policy, repeated };
  const effectJson = encode(call, 'effect', memory, WRITE_REFS);
  const row = {
    ...memory.key,
    token: asked.token,
    actor: actor.identity.address,
    src: asked.src,
    marked: false,
    effectJson,
  };
  const address = xstate.childAddress(actor.identity.address, asked.id);
  actor.children.set(asked.id, {
    kind: 'effect',
    token: asked.token,
    src: asked.src,
    ...(asked.systemId === undefined ? {} : { systemId: asked.systemId }),
  });
  if (asked.systemId !== undefined) memory.head.systemIds[asked.systemId] = address;
  xstate.setChild(actor.snapshot, asked.id, memory.refer({ address, birth: -1 }));
  actor.dirty = true;
  memory.acting++;
  memory.idleTurns = 0;
  memory.inspection?.asked(actor, asked.id, asked.src, asked.input);
  memory.draft.askEffect({ ...call, row, logicPath: actor.identity.logic.path });
}

/** The effect cannot even say how it is to be called: it has failed, and whoever asked is told. */
function refuse(memory: RunMemory, actor: DurableActor, { id, src, token }: WantedEffect, thrown: unknown): void {
  actor.children.set(id, { kind: 'effect', token, src, settled: 'error' });
  actor.dirty = true;
  deliverLater(memory, actor.identity.address, {
    type: `xstate.error.actor.${id}`,
    error: portable(thrown),
    actorId: id,
  });
}
